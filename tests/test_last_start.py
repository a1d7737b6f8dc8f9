"""A start tells what has changed since the last one, and no value of a secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from gexec import last_start
from gexec.process import env
from testkit.servers import HERE, PROJECT, clean_environment


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(settings, "GEXEC_DATA_DIR", tmp_path)
    return tmp_path


def test_the_first_start_has_nothing_to_tell_and_neither_has_an_equal_one() -> None:
    assert list(last_start.changes()) == []
    last_start.remember()
    assert list(last_start.changes()) == []


def test_what_has_changed_is_told_with_both_values() -> None:
    with override_settings(GEXEC_SLOTS=4):
        last_start.remember()
    with override_settings(GEXEC_SLOTS=8):
        assert list(last_start.changes()) == ["GEXEC_SLOTS has changed: 4, and now 8"]


def test_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    last_start.remember()
    monkeypatch.setattr(last_start, "VERSION", "99.0")
    assert list(last_start.changes()) == [f"gexec 99.0; the last start was with {last_start_version()}"]


def last_start_version() -> str:
    from gexec.version import VERSION  # noqa: PLC0415 (beside the one that is replaced)

    return VERSION


@pytest.mark.parametrize("name", ["DATABASE_URL", "GEXEC_SECRET_KEY", "GEXEC_LIBRECHAT_API_KEY"])
def test_of_a_secret_is_told_that_it_has_changed_and_nothing_is_kept(
    data_dir: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("canary-one-of-a-kind", "canary-another-one"):
        monkeypatch.setenv(name, value)
        if hasattr(settings, name):
            monkeypatch.setattr(settings, name, value)
        told = list(last_start.changes())
        last_start.remember()
    assert told == [f"{name} has changed"]
    assert "canary" not in (data_dir / last_start.FILE).read_text()
    assert stat.S_IMODE((data_dir / last_start.FILE).stat().st_mode) == 0o600


def test_what_is_no_secret_is_told_whole() -> None:
    taken = {name for name in env.names if last_start._is_secret(name)}
    addresses = {"DATABASE_URL", "GEXEC_DATABASE_DIRECT_URL", "GEXEC_NATS_URL"}
    assert taken == addresses | {"GEXEC_LIBRECHAT_API_KEY", "GEXEC_LIBRECHAT_JWT_KEY", "GEXEC_SECRET_KEY"}


def test_a_broken_file_is_as_good_as_none(data_dir: Path) -> None:
    (data_dir / last_start.FILE).write_text('{"settings": []')
    assert list(last_start.changes()) == []


@pytest.mark.parametrize("command", [["serve", "--version"], ["gexec_client.cli", "--version"]])
def test_the_version_is_one(command: list[str]) -> None:
    environment = clean_environment(PYTHONPATH=str(PROJECT / "clients" / "python" / "src"))
    done = HERE.run([HERE.python, "-m", *command], environment, within_s=60)
    assert done.stdout.split()[-1] == last_start_version(), done.stderr
    managed = HERE.run(HERE.manage("--version"), environment, within_s=60)
    assert managed.stdout.strip() == last_start_version()
