"""`make test` runs files side by side, and says truly how they ended: tried with a few small ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.servers import PROJECT

CONFTEST = 'pytest_plugins = ["tests.alone"]\n'
SETTINGS = "[pytest]\ntestpaths = .\naddopts = --strict-markers\nfilterwarnings = error\n"
FILE = """
import os, pathlib, time
import pytest

LOG = pathlib.Path("log")

def note(word):
    with LOG.open("a") as log:
        log.write(f"{word} {os.environ.get('PYTEST_XDIST_WORKER')}\\n")

@pytest.mark.parametrize("number", range(4))
def test_beside(number):
    note("begin")
    time.sleep(0.1)
    note("end")

@pytest.mark.alone(reason="this is tried")
def test_alone():
    note("alone")
    time.sleep(0.3)
    note("over")
"""
CRASH = "import os\ndef test_crash():\n    os._exit(0)\ndef test_behind_it():\n    pass\n"


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """A directory with two files of tests."""
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(FILE)
    return tmp_path


def make_test(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the recipe of `make test` runs, there."""
    shown = subprocess.run(
        ["make", "--dry-run", "test"], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    options = re.search(r" -m pytest (.*)", shown)
    assert options is not None
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))}
    environment = foreign | {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "xdist.plugin", *options[1].split(), *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_files_run_side_by_side_and_who_asks_to_be_alone_is(some: Path) -> None:
    done = make_test(some)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "= 10 passed in " in done.stdout
    noted = [line.split() for line in (some / "log").read_text().splitlines()]
    assert {lane for _, lane in noted} == {"gw0", "gw1"}
    words = [word for word, _ in noted]
    inside, side_by_side = 0, False
    for number, word in enumerate(words):
        inside += {"begin": 1, "end": -1}.get(word, 0)
        side_by_side |= inside == 2
        if word == "alone":
            assert (inside, words[number + 1]) == (0, "over")
    assert side_by_side


def test_a_process_that_crashes_and_a_test_that_fails_are_told_and_fail_the_run(some: Path) -> None:
    (some / "test_crash.py").write_text(CRASH)
    (some / "test_two.py").write_text(FILE + "    assert 0\n")
    done = make_test(some)
    assert done.returncode == 1
    failed = sorted(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
    assert failed == ["test_crash.py::test_crash", "test_two.py::test_alone"]
    assert re.search(r"^=+ 2 failed, \d+ passed in ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [("-k", "test_alone"), ("test_one.py",), ("-s",)])
def test_a_part_runs_in_one_process(some: Path, arguments: tuple[str, ...]) -> None:
    done = make_test(some, *arguments)
    assert done.returncode == 0, done.stdout
    assert set((some / "log").read_text().split()) <= {"alone", "over", "begin", "end", "None"}


def test_who_wants_to_be_alone_says_why(some: Path) -> None:
    (some / "test_one.py").write_text(FILE.replace('alone(reason="this is tried")', "alone"))
    done = make_test(some, "-n", "0")
    assert done.returncode != 0
    assert "has to say why" in done.stdout + done.stderr
