"""Settings come from the environment, and a wrong one is named before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django.fixtures import Settings

from gexec import process
from gexec.database_url import database_of
from gexec.environment import Environment, SettingError, build_ca
from gexec.secret import secret_key
from testkit.servers import clean_environment, manage, refused_start

SOCKET_URL = "postgresql://gexec@/gexec?host=/run/x"


def found() -> dict[str | None, CheckMessage]:
    """What the checks say now, by id."""
    return {message.id: message for message in run_checks()}


@pytest.mark.parametrize(
    ("name", "value", "identifier"),
    [
        ("GEXEC_PORT", 0, "gexec.E001"),
        ("GEXEC_PORT", 65536, "gexec.E001"),
        ("GEXEC_RATE_LIMIT", "ten a minute", "gexec.E002"),
        ("GEXEC_RATE_LIMIT", "0/m", "gexec.E002"),
        ("GEXEC_KEY_RATE_LIMIT", "many", "gexec.E002"),
        ("GEXEC_THREADS", 1, "gexec.E003"),
        ("GEXEC_KEEPALIVE_S", -1, "gexec.E003"),
        ("GEXEC_TRUSTED_PROXIES", -1, "gexec.E003"),
        ("GEXEC_RETENTION_DAYS", -1, "gexec.E003"),
        ("GEXEC_STORAGE_MB_PER_DAY", -1, "gexec.E003"),
        ("GEXEC_KEY_STORAGE_MB_PER_DAY", -1, "gexec.E003"),
        ("GEXEC_WORKERS", 9, "gexec.E004"),
        ("SECRET_KEY", "hunter2", "gexec.E005"),
        ("GEXEC_DISPATCH", "nowhere", "gexec.E006"),
        ("GEXEC_DISPATCH", "nats", "gexec.E046"),
        ("GEXEC_NATS_CREDENTIALS", "/nowhere/web.nk", "gexec.E047"),
        ("GEXEC_NATS_CA", "/nowhere/ca.pem", "gexec.E047"),
        ("GEXEC_DATABASE_DIRECT_URL", "postgresql://gexec@localhost/gexec", "gexec.E052"),
        ("GEXEC_CALLER_SHARE", 0.0, "gexec.E008"),
        ("GEXEC_CALLER_SHARE", 1.5, "gexec.E008"),
        ("GEXEC_MAX_FILE_BYTES", 0, "gexec.E003"),
        ("GEXEC_WEBHOOK_NETWORKS", ["10.0.0.1/8"], "gexec.E021"),
        ("GEXEC_COMPAT", ["cellar"], "gexec.E022"),
        ("GEXEC_COMPAT_ROOT", "judge0", "gexec.E023"),
        ("GEXEC_OUTCOME_DAYS", ["fine=3"], "gexec.E026"),
        ("GEXEC_OUTCOME_DAYS", ["ok=soon"], "gexec.E026"),
        ("GEXEC_OUTCOME_DAYS", ["ok"], "gexec.E026"),
        ("GEXEC_DISK_LOW_MB", -1, "gexec.E003"),
        ("GEXEC_SNIPPETS", "yes", "gexec.E045"),
        ("GEXEC_ISOLATION", "room", "gexec.E050"),
        ("GEXEC_BUILD_CA", "/nowhere/ca.pem", "gexec.E051"),
        ("GEXEC_BUILD_CA", "/proc/self/status", "gexec.E051"),
        ("GEXEC_BUILD_MEMORY_MB", 0, "gexec.E003"),
        ("GEXEC_SNIPPET_RATE_LIMIT", "many", "gexec.E002"),
        ("GEXEC_SNIPPET_DAYS", -1, "gexec.E003"),
        ("GEXEC_ALLOWED_ORIGINS", ["play.example.org"], "gexec.E020"),
        ("GEXEC_ALLOWED_ORIGINS", ["https://play.example.org/"], "gexec.E020"),
        ("GEXEC_ALLOWED_ORIGINS", ["*"], "gexec.E020"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_with_a_stable_id(
    settings: Settings, name: str, value: object, identifier: str
) -> None:
    assert identifier not in found()
    setattr(settings, name, value)
    assert found()[identifier].hint


@pytest.mark.parametrize(("slots", "queue", "threads"), [(4, 100, 64), (4, 53, 64), (4, -2, 10)])
def test_waiting_requests_that_would_take_every_thread_are_refused(
    settings: Settings, slots: int, queue: int, threads: int
) -> None:
    settings.GEXEC_SLOTS, settings.GEXEC_QUEUE, settings.GEXEC_THREADS = slots, queue, threads
    assert "gexec.E007" in found()


@pytest.mark.parametrize("cores", [1, 2, 16, 64, 256])
@pytest.mark.parametrize("set_by_hand", [{}, {"GEXEC_SLOTS": "200"}, {"GEXEC_QUEUE": "300"}])
def test_slots_and_queue_fit_the_threads_on_any_machine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, cores: int, set_by_hand: dict[str, str]
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr(process, "env", Environment(set_by_hand))
    read = process.read()
    settings.GEXEC_SLOTS, settings.GEXEC_QUEUE, settings.GEXEC_THREADS = read.slots, read.queue, read.threads
    assert "gexec.E007" not in found()
    assert read.queue >= min(read.slots, 52)


@pytest.mark.parametrize(
    ("variables", "trusted"),
    [
        ({"SSL_CERT_FILE": __file__}, __file__),
        ({"SSL_CERT_FILE": __file__, "GEXEC_BUILD_CA": ""}, ""),
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, ""),
        ({}, ""),
    ],
    ids=["the host's", "none", "away", "nothing"],
)
def test_builds_trust_what_programs_of_this_host_are_told_to_trust(variables: dict[str, str], trusted: str) -> None:
    assert build_ca(variables, Environment(variables)) == trusted


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    refused = refused_start(clean_environment(GEXEC_DATA_DIR=str(tmp_path), GEXEC_RATE_LIMIT="0/m"))
    assert refused.returncode == 1
    assert "gexec.E002" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("GEXEC_PORT", "http"), ("GEXEC_REQUIRE_API_KEY", "perhaps"), ("DATABASE_URL", "mysql://x/y")]
)
def test_a_value_that_cannot_be_read_stops_the_start_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    checked = refused_start(clean_environment(GEXEC_DATA_DIR=str(tmp_path), **{name: value}))
    assert checked.returncode == 1
    assert name in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_misspelt_setting_is_told_with_the_right_name(tmp_path: Path) -> None:
    environment = clean_environment(GEXEC_DATA_DIR=str(tmp_path), GEXEC_RATELIMIT="5/m")
    checked = manage("check", environment=environment)
    assert "gexec.W001" in checked.stderr
    assert "Did you mean GEXEC_RATE_LIMIT?" in checked.stderr


def test_the_defaults_pass_every_check(tmp_path: Path) -> None:
    checked = manage("check", "--fail-level=WARNING", environment=clean_environment(GEXEC_DATA_DIR=str(tmp_path)))
    assert checked.returncode == 0, checked.stderr


def test_database_urls_of_hosts_and_sockets_are_understood() -> None:
    assert database_of("postgres://me:p%40ss@db.example:6543/mine?sslmode=require") == {
        "NAME": "mine",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require"},
    }
    assert database_of(SOCKET_URL) == {"NAME": "gexec", "USER": "gexec", "HOST": "/run/x", "OPTIONS": {}}


@pytest.mark.parametrize("url", ["sqlite:///x", "postgresql://host", "postgresql://host/db?nonsense=1"])
def test_other_database_urls_are_refused(url: str) -> None:
    with pytest.raises(SettingError, match="DATABASE_URL"):
        database_of(url)


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = secret_key(tmp_path / "new")
    assert len(key) >= 64
    assert secret_key(tmp_path / "new") == key
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret-key"]
    assert (tmp_path / "new" / "secret-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)])
def test_switches_are_written_as_people_write_them(text: str, value: bool) -> None:
    assert Environment({"A": text}).bool("A", not value) is value


def test_what_is_not_set_is_the_default_and_what_was_asked_for_is_known() -> None:
    env = Environment({"LIST": "a, b,c", "NONE": ""})
    assert env.list("LIST", []) == ["a", "b", "c"]
    assert env.list("NONE", ["x"]) == []
    assert (env.str("TEXT", "t"), env.int("INT", 3), env.float("FLOAT", 0.5)) == ("t", 3, 0.5)
    assert env.names == {"LIST", "NONE", "TEXT", "INT", "FLOAT"}


@pytest.mark.parametrize("kind", ["int", "float", "bool"])
def test_what_cannot_be_read_is_named(kind: str) -> None:
    with pytest.raises(SettingError, match="GEXEC_X is 'ten'"):
        getattr(Environment({"GEXEC_X": "ten"}), kind)("GEXEC_X", 1)
