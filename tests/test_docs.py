"""What the documents name is there: every file, every setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from benchmarks.peers import PEERS
from testkit.servers import PROJECT

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *PROJECT.glob("sandbox/runner/*.md")])
_FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")
_ENDINGS = (".py", ".c", ".h", ".md", ".yaml", ".css", ".js")
_ROOMS = (
    "attacks",
    "benchmarks",
    "chaos",
    "clients",
    "dispatch",
    "docs",
    "executions",
    "gexec",
    "languages",
    "pages",
    "rest",
    "sandbox",
    "serve",
    "snippets",
    "testkit",
    "tests",
)
# A user's own, or made by them.
_ELSEWHERE = {"main.py", "main.c", "var/admin-password", "languages/images/small/"}


def files_named_in(text: str) -> set[str]:
    """Words in backticks that name a file, or a folder of one of the rooms."""
    names = set(_FILE.findall(text)) - _ELSEWHERE
    return {name for name in names if name.endswith(_ENDINGS) or (name.endswith("/") and name.split("/")[0] in _ROOMS)}


def is_there(name: str) -> bool:
    """Under its path, or, where only a name is given, somewhere in a room."""
    if (PROJECT / name).exists():
        return True
    return any(next((PROJECT / room).rglob(name), None) is not None for room in _ROOMS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_a_document_names_are_there(path: Path) -> None:
    text = path.read_text()
    assert [name for name in sorted(files_named_in(text)) if not is_there(name)] == []


def test_the_readme_has_every_setting_and_no_other() -> None:
    table = re.findall(r"^\| (`[^|]+`) \|", (PROJECT / "README.md").read_text(), re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`((?:GEXEC_|DATABASE_|DOCKER_)\w+)`", row)}
    assert named == settings.GEXEC_NAMES


def test_the_search_finds_what_is_gone() -> None:
    assert [name for name in files_named_in("`executions/finishing.py` and `print(1)`") if not is_there(name)] == [
        "executions/finishing.py"
    ]


@pytest.mark.parametrize("document", ["README.md", "docs/comparison.md"])
def test_what_others_cost_is_told_as_the_benchmark_has_it(document: str) -> None:
    rows = re.findall(
        r"^\| ([^|*]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", (PROJECT / document).read_text(), re.MULTILINE
    )
    told = {name: tuple(map(float, figures)) for name, *figures in rows}
    assert told == {name: (peer.p50, peer.runs, peer.cpu) for name, peer in PEERS.items()}
