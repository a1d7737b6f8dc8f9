"""manage.py languages: lists, changes, tests, enables and disables, and says what it refuses."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from languages import folders
from languages.selftest.cases import cases_of
from testkit.databases import create_database, database_url
from testkit.servers import clean_environment, manage

Run = Callable[..., subprocess.CompletedProcess[str]]
ASKED_FOR = os.environ.get("GEXEC_TEST_LANGUAGES", "").split()
"""Languages whose images the caller wants built and tested too; `all` for all of them."""


@pytest.fixture(scope="module")
def languages(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`languages("list")` runs the command on a database where python and go are installed."""
    name = f"command_{secrets.token_hex(6)}"
    create_database(prepared_postgres, name, "gexec")
    environment = clean_environment(
        GEXEC_DATA_DIR=str(tmp_path_factory.mktemp("command")), DATABASE_URL=database_url(prepared_postgres, name)
    )
    return lambda *words: manage("languages", *words, environment=environment)


def test_the_list_shows_what_is_installed_and_what_could_be(languages: Run, python_version: str) -> None:
    listed = languages("list").stdout.splitlines()
    lines = {line.split()[0]: line for line in listed[1:]}
    assert python_version in lines["python"]
    assert "enabled" in lines["python"]
    assert "available" in lines["haskell"]


def test_a_field_is_set_and_other_words_are_refused(languages: Run) -> None:
    assert languages("set", "python", "runs_per_container=100", "aliases=py,python3").returncode == 0
    for change, message in (
        ("runs_per_container=0", "greater than or equal to 1"),
        ("runs_per_container=many", "must be an integer"),
        ("memory_mb=100000", "at most"),
        ("enabled=true", "enabled cannot be set"),
        ("colour=red", "colour cannot be set; what can: aliases"),
        ("run_command=python3", "run_command is JSON"),
        ('run_command=["python3", "{file}"]', "not a placeholder"),
        ("aliases=golang", "already names go"),
        ("memory_mb", "is not FIELD=VALUE"),
    ):
        refused = languages("set", "python", change)
        assert refused.returncode == 1
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_language_is_disabled_and_enabled_again(languages: Run) -> None:
    assert languages("disable", "go").returncode == 0
    assert "disabled" in languages("list", "go").stdout
    assert languages("enable", "go").returncode == 0
    assert "enabled" in languages("list", "go").stdout


def test_an_untested_or_unknown_language_is_not_enabled_and_the_others_are(languages: Run) -> None:
    done = languages("enable", "haskell", "nowhere", "python")
    assert done.returncode == 1
    assert "haskell: FAILED: haskell: not enabled: The image gexec/haskell is not on the Docker host" in done.stdout
    assert "neither a row nor a folder" in done.stdout
    assert "python: enabled" in done.stdout
    assert "failed: haskell nowhere" in done.stderr


def test_what_is_installed_is_not_installed_again(languages: Run) -> None:
    done = languages("install", "python", "go")
    assert done.returncode == 0
    assert "building" not in done.stdout
    assert "testing" not in done.stdout


@pytest.mark.parametrize("slug", ["python", "go"])
def test_the_self_test_passes(languages: Run, slug: str) -> None:
    done = languages("test", slug)
    assert done.returncode == 0, done.stdout
    for case in cases_of(folders.read(slug)):
        assert f"{slug}: {case.name} passed" in done.stdout
    assert "FAILED" not in done.stdout


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("slug", [name for name in folders.slugs() if name in ASKED_FOR or "all" in ASKED_FOR])
def test_a_language_that_was_asked_for_is_installed_and_passes(languages: Run, slug: str) -> None:
    done = languages("install", slug)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
