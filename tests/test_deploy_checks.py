"""`check --deploy` says what invites trouble, under ids of its own, and nothing of it without --deploy."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from gexec import deploy_checks
from gexec.deploy_checks import anybody
from testkit.servers import clean_environment, manage

PROFILE = Path(__file__).parents[1] / "sandbox" / "apparmor" / "gexec"


@pytest.fixture(autouse=True)
def in_production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of which nothing is to be said; each test spoils one."""
    settings.GEXEC_HOST, settings.GEXEC_REQUIRE_API_KEY = "0.0.0.0", True
    settings.GEXEC_SECURE, settings.GEXEC_RATE_LIMIT = True, "10/m"
    settings.GEXEC_SLOTS, settings.GEXEC_MAX_MEMORY_MB = 1, 64
    monkeypatch.setattr(deploy_checks, "_APPARMOR_ENABLED", Path("/nothing"))


def ours() -> set[str]:
    """The ids of our own that are said with --deploy."""
    return {
        str(found.id) for found in run_checks(include_deployment_checks=True) if str(found.id).startswith("gexec.W1")
    }


def test_nothing_is_said_of_a_configuration_that_is_sound() -> None:
    assert ours() == set()


@pytest.mark.parametrize(
    ("name", "value", "identifier"),
    [
        ("GEXEC_REQUIRE_API_KEY", False, "gexec.W101"),
        ("GEXEC_RATE_LIMIT", "off", "gexec.W102"),
        ("GEXEC_SECURE", False, "gexec.W103"),
        ("GEXEC_SLOTS", 1_000_000, "gexec.W104"),
    ],
)
def test_what_invites_trouble_is_told(settings: Settings, name: str, value: object, identifier: str) -> None:
    setattr(settings, name, value)
    assert ours() == {identifier}
    assert not [found for found in run_checks() if found.id == identifier]


def test_on_loopback_nobody_else_can_run_anything(settings: Settings) -> None:
    settings.GEXEC_HOST, settings.GEXEC_REQUIRE_API_KEY = "127.0.0.1", False
    assert anybody() == []


def test_sandboxes_without_their_apparmor_profile_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enabled, installed = tmp_path / "enabled", tmp_path / "gexec"
    monkeypatch.setattr(deploy_checks, "_APPARMOR_ENABLED", enabled)
    monkeypatch.setattr(deploy_checks, "_APPARMOR_INSTALLED", installed)
    assert ours() == set()
    enabled.write_text("Y\n")
    assert ours() == {"gexec.W106"}
    installed.write_text("the profile of an older gexec")
    assert ours() == {"gexec.W106"}
    installed.write_bytes(PROFILE.read_bytes())
    assert ours() == set()


def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    environment = clean_environment(GEXEC_DATA_DIR=str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    checked = manage("check", "--deploy", environment=environment)
    assert "(gexec.W105) The Docker engine does not answer" in checked.stderr
    assert "Traceback" not in checked.stderr
