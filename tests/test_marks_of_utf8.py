"""A source that an editor on Windows has written begins with the mark of UTF-8, which many languages refuse."""

from __future__ import annotations

import pytest

from languages.programs import as_started
from sandbox.types import File
from testkit.servers import RunningServer

MARK = b"\xef\xbb\xbf"
LOOK = "import sys\nfor name in sys.argv[1:]:\n    print(name, open(name, 'rb').read(3).hex())\n"


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("main.php", MARK + b"<?php", b"<?php"),
        ("lib/other.php", MARK + b"<?php", b"<?php"),
        ("main.php", b"<?php" + MARK, b"<?php" + MARK),
        ("data.csv", MARK + b"a,b", MARK + b"a,b"),
        ("data", MARK + b"a,b", MARK + b"a,b"),
    ],
)
def test_sources_lose_it_and_nothing_else_does(name: str, content: bytes, wanted: bytes) -> None:
    given = File(name, content, executable=True)
    assert as_started(given, entrypoint="main.php") == File(name, wanted, executable=True)


def test_a_program_whose_name_has_no_suffix_takes_it_from_no_other() -> None:
    assert as_started(File("data", MARK), entrypoint="program").content == MARK
    assert as_started(File("program", MARK + b"x"), entrypoint="program").content == b"x"


def test_a_running_program_sees_it_so(plain_server: RunningServer) -> None:
    mark = MARK.decode()
    files = [
        {"name": name, "content": mark + text} for name, text in (("main.py", LOOK), ("x.py", "1"), ("x.csv", "1"))
    ]
    body = {"language": "python", "files": files, "args": ["main.py", "x.py", "x.csv"]}
    answer = plain_server.request("/api/v1/executions", body, headers={"Content-Type": "application/json"})
    assert answer.json()["run"]["stdout"] == "main.py 696d70\nx.py 31\nx.csv efbbbf\n"
