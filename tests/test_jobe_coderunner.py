"""Moodle questions of CodeRunner's kinds, sent as its plugin sends them, to a live server."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest

from testkit.servers import RunningServer

API = "/jobe/index.php/restapi"
SEPARATOR = "#<ab@17943918#@>#"
"""What CodeRunner prints between two tests that it runs as one program."""
IMAGE = "gexec/jobe"
Files = dict[str, bytes]


@dataclass
class CodeRunner:
    """What its sandbox does: the run, and where files are missing all of them, and the run again."""

    server: RunningServer
    key: str
    sent: list[str] = field(default_factory=list)
    """Each request, by method and resource."""

    def languages(self) -> list[str]:
        return [pair[0] for pair in self._ask("GET", "languages").json()]

    def run(
        self, source: str, language: str, given: str = "", files: Files | None = None, **parameters: Any
    ) -> dict[str, Any]:
        files = files or {}
        spec = {
            "language_id": language,
            "sourcecode": source,
            "sourcefilename": f"__tester__.{language}",
            "input": given if not given or given.endswith("\n") else f"{given}\n",
            "file_list": [[hashlib.md5(contents).hexdigest(), name] for name, contents in files.items()],
            "parameters": parameters,
        }
        answer = self._ask("POST", "runs", {"run_spec": spec})
        if answer.status == 404:
            for contents in files.values():
                body = {"file_contents": base64.b64encode(contents).decode()}
                assert self._ask("PUT", f"files/{hashlib.md5(contents).hexdigest()}", body).status == 204
            answer = self._ask("POST", "runs", {"run_spec": spec})
        assert answer.status == 200, answer.body
        told: dict[str, Any] = answer.json()
        assert sorted(told) == ["cmpinfo", "outcome", "run_id", "stderr", "stdout"]
        return told

    def _ask(self, method: str, resource: str, body: Any = None) -> Any:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Accept": "application/json",
            "X-API-KEY": self.key,
            "X-CodeRunner-Job-Id": "0000abcd",
        }
        self.sent.append(f"{method} {resource.partition('/')[0]}")
        return self.server.request(f"{API}/{resource}", body, method=method, headers=headers)


@pytest.fixture(scope="module")
def moodle(compat_server: RunningServer) -> CodeRunner:
    return CodeRunner(compat_server, compat_server.create_api_key("moodle"))


def test_it_finds_its_languages(moodle: CodeRunner) -> None:
    assert {"python3", "bash", "lua", "go"} <= set(moodle.languages())


def test_write_a_function(moodle: CodeRunner) -> None:
    """All tests are one program, and its output is cut at the separators."""
    answer = "def square(x):\n    return x * x\n"
    tests = ("print(square(3))", "print(square(-4))", "print(square('é'))")
    lines = [f"{answer}\nSEPARATOR = {SEPARATOR!r}\n"]
    for number, test in enumerate(tests):
        lines.append(f"{test}\n" + ("print(SEPARATOR)\n" if number < len(tests) - 1 else ""))
    told = moodle.run("".join(lines), "python3", cputime=10, memorylimit=200)
    outputs = told["stdout"].split(f"{SEPARATOR}\n")
    assert (told["outcome"], outputs) == (12, ["9\n", "16\n", ""])
    assert "TypeError" in told["stderr"]


def test_write_a_program(moodle: CodeRunner) -> None:
    source = "name = input('Name? ')\nprint('Hello', name)\n"
    told = moodle.run(source, "python3", "Zoë")
    assert (told["outcome"], told["stdout"], told["stderr"], told["cmpinfo"]) == (15, "Name? Hello Zoë\n", "", "")
    assert moodle.run(source, "python3")["outcome"] == 12


def test_a_mistake_in_the_syntax_is_shown_and_nothing_is_run(moodle: CodeRunner) -> None:
    told = moodle.run("print('before')\ndef f(:\n    pass\n", "python3")
    assert (told["outcome"], told["stdout"]) == (11, "")
    assert "line 2" in told["cmpinfo"]
    told = moodle.run("package main\nfunc main() { undefined() }", "go")
    assert (told["outcome"], "undefined" in told["cmpinfo"]) == (11, True)


def test_support_files_are_sent_once(moodle: CodeRunner) -> None:
    files = {"data.txt": b"4711\n", "helper.py": b"def twice(x): return 2 * x\n", "bytes.bin": b"\xff\x00"}
    source = "import helper\nprint(helper.twice(int(open('data.txt').read())), open('bytes.bin', 'rb').read())\n"
    for expected in (["POST runs", "PUT files", "PUT files", "PUT files", "POST runs"], ["POST runs"]):
        moodle.sent.clear()
        told = moodle.run(source, "python3", files=files)
        assert (told["outcome"], told["stdout"]) == (15, "9422 b'\\xff\\x00'\n")
        assert moodle.sent == expected


@pytest.mark.parametrize(
    ("source", "outcome", "stdout"),
    [
        ("echo before; exec sleep 60", 13, "before\n"),
        ("echo before; kill -SEGV $$", 12, "before\n"),
        ("echo before; exit 3", 15, "before\n"),
        ("echo before; echo oops >&2", 12, "before\n"),
        ("printf '\\351\\n'", 15, "\\xe9\n"),
    ],
)
def test_endings(moodle: CodeRunner, source: str, outcome: int, stdout: str) -> None:
    told = moodle.run(source, "bash", cputime=1)
    assert (told["outcome"], told["stdout"]) == (outcome, stdout)


def test_too_much_output(moodle: CodeRunner) -> None:
    told = moodle.run("yes", "bash", streamsize=0.1)
    assert (told["outcome"], len(told["stdout"])) == (13, 100_000)


# CodeRunner's questions in other languages are programs in Python that call their compilers and look at what these say.
MULTILANGUAGE = """
import subprocess, sys
with open("prog.c", "w") as source:
    source.write({answer!r})
compiled = subprocess.run("gcc -Wall -Werror -std=c99 prog.c -o prog".split(), capture_output=True, text=True)
if compiled.returncode:
    print("** Compilation failed. Testing aborted **", compiled.stderr, file=sys.stderr)
else:
    subprocess.run(["./prog"], stdin=sys.stdin)
"""
SQL = """
import os, subprocess
open("prog.sql", "w").write(".mode column\\n.headers on\\n" + {answer!r})
os.system("sqlite3 copy.db < setup.sql")
print(subprocess.run("sqlite3 copy.db < prog.sql", shell=True, capture_output=True, text=True).stdout)
"""
PYLINT = """
import subprocess
open("answer.py", "w").write({answer!r})
print(subprocess.run("pylint --score=n answer.py", shell=True, capture_output=True, text=True).stdout)
"""


@pytest.fixture(scope="module")
def with_compilers(moodle: CodeRunner, docker_client: docker.DockerClient) -> CodeRunner:
    """The same, where the image with all compilers is there: it is large, and made for CodeRunner alone."""
    if not docker_client.images.list(IMAGE):
        pytest.skip(f"there is no {IMAGE}: manage.py languages build jobe")
    return moodle


def test_a_question_in_several_languages(with_compilers: CodeRunner) -> None:
    answer = '#include <stdio.h>\nint main(void) { int x; scanf("%d", &x); printf("%d\\n", 2 * x); return 0; }\n'
    told = with_compilers.run(MULTILANGUAGE.format(answer=answer), "python3", "21", cputime=10, memorylimit=1000)
    assert (told["outcome"], told["stdout"]) == (15, "42\n")
    wrong = with_compilers.run(MULTILANGUAGE.format(answer=answer.replace("int x;", "")), "python3", "21")
    assert (wrong["outcome"], "Compilation failed" in wrong["stderr"]) == (12, True)


def test_sql(with_compilers: CodeRunner) -> None:
    setup = b"create table t (name, n); insert into t values ('a', 1), ('b', 2);"
    files = {"setup.sql": setup}
    told = with_compilers.run(SQL.format(answer="select name from t where n > 1;"), "python3", files=files)
    assert (told["outcome"], told["stdout"].split()) == (15, ["name", "----", "b"])


def test_style(with_compilers: CodeRunner) -> None:
    told = with_compilers.run(PYLINT.format(answer="import os\n"), "python3", cputime=20)
    assert (told["outcome"], "unused-import" in told["stdout"]) == (15, True)
