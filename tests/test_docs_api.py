"""docs/api.md from its first line to its last: each command is run against a real server, and answered as it says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rest.codes import CODES
from testkit import fuzzing
from testkit.servers import PROJECT, RunningServer
from tests.conftest import StartServer

GUIDE = (PROJECT / "docs" / "api.md").read_text()
_BLOCK = re.compile(r"^```([a-z ]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: list[tuple[str, str]] = _BLOCK.findall(GUIDE)
NAMES = {"execution": "ID", "batch": "BATCH", "file": "FILE", "webhook": "WEBHOOK", "snippet": "SNIPPET"}
"""Which variable of the guide an answer's id is."""


def differing(expected: Any, found: Any, where: str = "") -> list[str]:
    """Where the answer lacks what is expected of it, or has it in another type; it may have more."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lacking = [f"{where}.{name} is not there" for name in expected if name not in found]
        both = [name for name in expected if name in found]
        return lacking + [line for name in both for line in differing(expected[name], found[name], f"{where}.{name}")]
    if isinstance(expected, list) and isinstance(found, list):
        if expected and not found:
            return [f"{where} is empty"]
        # Of a list that goes on, the guide has the beginning.
        pairs = enumerate(zip(expected, found, strict=False))
        return [line for number, pair in pairs for line in differing(*pair, f"{where}[{number}]")]
    numbers = isinstance(expected, (int, float)) and isinstance(found, (int, float))
    same = type(expected) is type(found) or (numbers and bool not in {type(expected), type(found)})
    return [] if same else [f"{where} is {found!r:.80}, not {expected!r:.80}"]


class Shell:
    """A reader's shell, in a folder of its own."""

    def __init__(self, server: RunningServer, directory: Path, key: str) -> None:
        self.server, self.directory = server, directory
        self.environment = server.environment | {"KEY": key}

    def run(self, command: str) -> str:
        command = command.replace("http://localhost:8080", self.server.base_url)
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, command + done.stderr
        return done.stdout

    def remember(self, told: Any) -> None:
        name = NAMES.get(told.get("object", ""))
        if name and "id" in told:
            self.environment[name] = told["id"]


def test_the_guide_is_answered_as_it_says(server: StartServer, tmp_path: Path) -> None:
    running = server(GEXEC_KEY_RATE_LIMIT="off")
    key = running.manage("create_api_key", "acme", "--rights", fuzzing.RIGHTS).stdout.splitlines()[-1].strip()
    shell, printed = Shell(running, tmp_path, key), ""
    for kind, text in BLOCKS:
        if kind == "bash":
            printed = shell.run(text)
        elif kind == "json answer":
            told = json.loads(printed)
            assert differing(json.loads(text), told) == [], f"{text}\n{printed[:2000]}"
            shell.remember(told)
        else:
            assert (kind, printed.strip()) == ("text answer", text.strip())


def test_each_command_of_the_guide_has_its_answer() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds.count("bash") >= 12
    assert set(kinds) == {"bash", "json answer", "text answer"}
    assert GUIDE.count("```") == 2 * len(BLOCKS)


def test_the_guide_has_the_table_of_codes() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+ \| .*) \|$", GUIDE, re.MULTILINE))
    assert rows == {code: f"{status} | {text}" for code, (status, text) in CODES.items()}


@pytest.mark.parametrize("found", [{"a": "1"}, {}, {"a": True}])
def test_another_type_is_seen(found: dict[str, Any]) -> None:
    assert differing({"a": 1}, found)


def test_the_calls_of_the_readme(plain_server: RunningServer, tmp_path: Path) -> None:
    commands = re.findall(r"^    (curl .*/api/v1/executions .*)$", (PROJECT / "README.md").read_text(), re.MULTILINE)
    shell = Shell(plain_server, tmp_path, "")
    answers = [json.loads(shell.run(command)) for command in commands]
    assert [told["status"] for told in answers] == ["finished"] * len(commands)
    assert answers[0]["run"]["stdout"] == "42\n"
