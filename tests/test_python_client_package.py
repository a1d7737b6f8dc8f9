"""clients/python as it is given away: a wheel that stands by itself, and a README whose examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from testkit.servers import PROJECT, clean_environment
from tests.client_lab import Gexec

PACKAGE = PROJECT / "clients" / "python"
README = (PACKAGE / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```([a-z]+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
NUMBERS = re.compile(r"\d+\.\d")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sources, with what is installed here and without a network."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    built = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr
    (found,) = directory.glob("gexec_client-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the wheel; what it depends on is lent from here, and nothing of the server's."""
    directory = tmp_path_factory.mktemp("installed")
    venv.create(directory, with_pip=False)
    python = directory / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (site,) = directory.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return directory


def test_a_wheel_has_all_of_it_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    sources = {
        str(path.relative_to(PACKAGE / "src"))
        for path in (PACKAGE / "src").rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed"}
    }
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_command_is_installed_without_the_server(installed: Path) -> None:
    environment = clean_environment()
    environment.pop("PYTHONPATH", None)
    told = subprocess.run(
        [installed / "bin" / "gexec", "--version"],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.fullmatch(r"gexec, version [0-9.]+\n", told.stdout)
    look = "import sys, gexec_client, gexec_client.agents\nprint(gexec_client.__file__)\nprint(*sys.modules)"
    seen = subprocess.run(
        [installed / "bin" / "python", "-c", look],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    where, modules = seen.stdout.splitlines()
    assert where.startswith(str(installed))
    assert {"django", "executions", "clients", "gexec"} & set(modules.split()) == set()


@pytest.fixture
def reader(gexec: Gexec, tmp_path: Path) -> dict[str, str]:
    """The environment of whoever follows the README, with the command on its path."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "gexec"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m gexec_client.cli "$@"\n')
    command.chmod(0o755)
    return clean_environment(
        PYTHONPATH=str(PACKAGE / "src"),
        GEXEC_SERVER=gexec.url,
        GEXEC_API_KEY=gexec.key,
        GEXEC_CONFIG=str(tmp_path / "none"),
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    )


def run(command: list[str], directory: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_of_the_library_run(reader: dict[str, str], tmp_path: Path) -> None:
    script = "\n".join(text for kind, text in BLOCKS if kind == "python")
    (tmp_path / "readme.py").write_text(script)
    printed = run([sys.executable, "-W", "error", "readme.py"], tmp_path, reader)
    assert printed.startswith("0\n1\n2\nok\n")


def test_the_commands_print_what_the_readme_says(reader: dict[str, str], tmp_path: Path) -> None:
    """But for what differs each time: numbers, and how wide they make a column."""
    told = [(kind, text) for kind, text in BLOCKS if kind in {"bash", "text"}]
    for (kind, command), (_, answer) in zip(told[::2], told[1::2], strict=True):
        assert kind == "bash"
        printed = run(["bash", "-euc", command], tmp_path, reader)
        assert plain(printed) == plain(answer)


def plain(text: str) -> list[list[str]]:
    return [NUMBERS.sub("N", line).split() for line in text.splitlines()]


def test_each_block_is_run_or_read() -> None:
    assert {kind for kind, _ in BLOCKS} == {"python", "bash", "text", "json"}
    assert README.count("```") == 2 * len(BLOCKS)
