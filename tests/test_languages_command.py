"""manage.py languages: lists, changes, tests, enables and disables, and says what it refuses."""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from languages import folders
from languages.documents import fields_in
from languages.selftest.cases import cases_of
from testkit.databases import create_database, database_url
from testkit.servers import HERE, clean_environment, manage
from tests.language_rotation import slugs_to_test

Run = Callable[..., subprocess.CompletedProcess[str]]
INSTALL_S = 1800
"""The largest image, on a slow line."""
STOP_S = 3
"""A second to stop in, and what a machine with many tests beside takes to notice."""
IN_TURN = """
import contextlib, io, json, sys
from serve.commands import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["manage.py", *words]
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        try:
            code = main(words)
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, errors.getvalue()]))
"""
"""manage.py with one list of words after another, in one process."""
NOT_TESTED = "UPDATE languages_language SET enabled = false, image_digest = '', tested_at = NULL WHERE slug = 'go'"


@pytest.fixture(scope="module")
def languages(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`languages("list")` runs the command on a database where python and go are installed."""
    environment = _environment(prepared_postgres, tmp_path_factory.mktemp("command"))
    return lambda *words: manage("languages", *words, environment=environment)


def _environment(postgres: Path, data_dir: Path) -> dict[str, str]:
    name = f"command_{secrets.token_hex(6)}"
    create_database(postgres, name, "gexec")
    return clean_environment(GEXEC_DATA_DIR=str(data_dir), DATABASE_URL=database_url(postgres, name))


def test_the_list_shows_what_is_installed_and_what_could_be(languages: Run, python_version: str) -> None:
    listed = languages("list").stdout.splitlines()
    lines = {line.split()[0]: line for line in listed[1:]}
    assert python_version in lines["python"]
    assert "enabled" in lines["python"]
    assert "available" in lines["haskell"]


def test_a_field_is_set_and_other_words_are_refused(prepared_postgres: Path, tmp_path: Path) -> None:
    environment = _environment(prepared_postgres, tmp_path)
    set_python = ("languages", "set", "python")
    assert manage(*set_python, "runs_per_container=100", "aliases=py,python3", environment=environment).returncode == 0
    wrong = {
        "runs_per_container=0": "greater than or equal to 1",
        "runs_per_container=many": "must be an integer",
        "memory_mb=100000": "at most",
        "enabled=true": "enabled cannot be set",
        "colour=red": "colour cannot be set; what can: aliases",
        "run_command=python3 'x": "run_command: The command line cannot be read: no closing quotation.",
        'run_command=["python3"': "run_command: This is no valid JSON list of words",
        "run_command=": "run_command: Say how the program is started.",
        "run_command=python3 {file}": "not a placeholder",
        'run_command=["python3", "{file}"]': "not a placeholder",
        "aliases=golang": "already names go",
        "memory_mb": "is not FIELD=VALUE",
    }
    tries = json.dumps([[*set_python, change] for change in wrong])
    done = HERE.run([HERE.python, "-c", IN_TURN, tries], environment, within_s=None)
    assert (done.returncode, done.stderr) == (0, "")
    for line, (change, message) in zip(done.stdout.splitlines(), wrong.items(), strict=True):
        code, told = json.loads(line)
        assert code == 1, change
        assert message in told, change
        assert "Traceback" not in told
        assert len(told.splitlines()) == 1, change
    assert manage(*set_python, "version_command=python3 '-V'", environment=environment).returncode == 0
    shown = manage("languages", "show", "python", environment=environment).stdout
    assert 'version = [\n    "python3",\n    "-V",\n]' in shown


def test_a_language_is_disabled_and_enabled_again(languages: Run) -> None:
    assert languages("disable", "go").returncode == 0
    assert "disabled" in languages("list", "go").stdout
    assert languages("enable", "go").returncode == 0
    assert "enabled" in languages("list", "go").stdout


def test_an_untested_or_unknown_language_is_not_enabled_and_the_others_are(languages: Run) -> None:
    done = languages("enable", "haskell", "nowhere", "python")
    assert done.returncode == 1
    # Whichever holds on this machine: somebody may have built it.
    why = r"The image gexec/haskell is not on the Docker host|Its self-test has not passed yet"
    assert re.search(f"haskell: FAILED: not enabled: ({why})", done.stderr)
    assert "nowhere: FAILED: no language nowhere: there is neither a row nor a folder" in done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert "python: enabled" in done.stdout
    assert "FAILED" not in done.stdout
    assert done.stderr.endswith("2 of 3 failed\n")


def test_a_failure_is_told_once(languages: Run) -> None:
    done = languages("enable", "nowhere")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "nowhere: FAILED: no language nowhere: there is neither a row nor a folder of that name\n"


def test_a_language_is_found_by_each_of_its_names(languages: Run) -> None:
    listed = [line.split()[0] for line in languages("list", "golang", "PY", "hs").stdout.splitlines()[1:]]
    assert listed == ["go", "python", "haskell"]
    assert languages("set", "golang", "warm_max=4").stdout == "go: warm_max=4\n"
    unknown = languages("list", "go", "nowhere")
    assert (unknown.returncode, len(unknown.stdout.splitlines())) == (1, 2)
    assert "no language nowhere" in unknown.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly(prepared_postgres: Path, tmp_path: Path) -> None:
    command = HERE.manage("languages", "list")
    with subprocess.Popen(
        command,
        cwd=HERE.path,
        env=_environment(prepared_postgres, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 128 + signal.SIGPIPE


def test_what_is_shown_can_be_read_again(languages: Run) -> None:
    shown = languages("show", "golang")
    assert shown.returncode == 0
    assert shown.stdout.startswith("# go: enabled\n# version: 1.")
    fields = fields_in(shown.stdout, where="shown")
    assert (fields["name"], fields["image"], fields["source_file"]) == ("Go", "gexec/go", "main.go")
    missing = languages("show", "kotlin")
    assert (missing.returncode, missing.stdout, missing.stderr.strip()) == (
        1,
        "",
        "CommandError: kotlin is not installed",
    )


def test_a_removed_language_is_gone_and_its_image_is_not(prepared_postgres: Path, tmp_path: Path) -> None:
    environment = _environment(prepared_postgres, tmp_path)
    removed = manage("languages", "remove", "golang", environment=environment)
    assert removed.returncode == 0
    assert "go: removed; 0 executions keep its name; its image gexec/go stays; `docker rmi gexec/go`" in removed.stdout
    assert "available" in manage("languages", "list", "go", environment=environment).stdout
    again = manage("languages", "remove", "go", environment=environment)
    assert (again.returncode, again.stderr) == (1, "go: FAILED: go is not installed\n")


def test_what_is_installed_is_not_installed_again(languages: Run) -> None:
    done = languages("install", "python", "go")
    assert done.returncode == 0
    assert "building" not in done.stdout
    assert "testing" not in done.stdout


@pytest.mark.parametrize(
    ("words", "sign"), [(("install", "go", "python"), "go: hello passed"), (("build", "--refresh", "bash"), "Step 2/")]
)
def test_ctrl_c_ends_it_at_once_and_leaves_nothing_half_done(
    words: tuple[str, ...], sign: str, prepared_postgres: Path, tmp_path: Path
) -> None:
    environment = _environment(prepared_postgres, tmp_path)
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        connection.execute(NOT_TESTED)
    command = HERE.manage("languages", *words)
    with subprocess.Popen(
        command, cwd=HERE.path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert any(sign in line for line in running.stdout)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
        took_s = time.monotonic() - began
    assert running.returncode == 128 + signal.SIGINT
    assert errors == "interrupted; what was built stays\n"
    assert took_s < STOP_S
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        enabled = connection.execute("SELECT slug FROM languages_language WHERE enabled").fetchall()
    assert enabled == [("python",)]


def test_the_self_test_passes(languages: Run) -> None:
    done = languages("test", "python", "go")
    assert done.returncode == 0, done.stdout
    for slug in ("python", "go"):
        for case in cases_of(folders.read(slug)):
            assert f"{slug}: {case.name} passed" in done.stdout
    assert "FAILED" not in done.stdout


@pytest.mark.timeout(INSTALL_S)
@pytest.mark.parametrize("slug", slugs_to_test())
def test_a_language_of_this_run_is_installed_and_passes(languages: Run, slug: str) -> None:
    done = languages("install", slug)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert f"{slug}: hello passed" in done.stdout
