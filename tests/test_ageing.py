"""As executions age, what is large in them goes first, then they go: by age, client and outcome; totals stay."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Http
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients.authentication import create_for
from clients.models import Client
from dispatch.testing import FakeBackend
from executions import ageing, totals
from executions.models import Execution, RetentionMark, Store
from executions.results import steps_in
from tests.fake_backend import ran, result
from tests.test_retention import make

LARGE: dict[str, Any] = {
    "source": "print('secret')",
    "stdin": b"secret",
    "output": b"secret",
    "job": {"steps": [{"name": "run", "limits": {}, "argv": ["secret" * 500], "environment": {}}], "files": []},
    "steps": [
        {"name": "run", "outcome": "ok", "exit_code": 0, "signal": None, "wall_ms": 1.0, "cpu_ms": 1.0, "detail": "",
         "peak_memory_bytes": 1, "stdout": {"from": 0, "bytes": 6, "truncated": False},
         "stderr": {"from": 6, "bytes": 0, "truncated": False}},
    ],
    "tests": [{"name": "a", "verdict": "passed", "first_difference": "secret", "checker_message": "secret"}],
    "artifacts": [{"name": "a", "content": {"base64": "c2VjcmV0"}, "file": None}],
}  # fmt: skip
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def in_turn(db: None) -> None:
    """Each test has a database, with no marks."""


def carry_out() -> int:
    return ageing.carry_out(threading.Event())


def left() -> list[int]:
    """How many days ago those that are left came."""
    return sorted(round((timezone.now() - row.created_at) / DAY) for row in Execution.objects.all())


def client(**days: int) -> Client:
    return Client.objects.create(name=f"c{Client.objects.count()}", **days)


def is_whole(row: Execution) -> bool:
    row.refresh_from_db()
    return row.source != ""


def test_contents_go_first_then_rows_and_totals_never(settings: Settings) -> None:
    settings.GEXEC_CONTENTS_DAYS, settings.GEXEC_RETENTION_DAYS = 10, 30
    rows = [make(days * DAY, **LARGE) for days in (1, 11, 31)]
    before = totals.counts()
    assert carry_out() == 3  # One emptied, one emptied and deleted.
    assert left() == [1, 11]
    assert [is_whole(row) for row in rows[:2]] == [True, False]
    emptied = rows[1]
    assert "secret" not in repr([getattr(emptied, column) for column in LARGE])
    assert (emptied.store, bytes(emptied.output), emptied.outcome, emptied.exit_code) == (Store.EXPIRED, b"", "ok", 0)
    (step,) = steps_in(emptied)
    assert (step.stdout, step.stdout_truncated, step.wall_ms) == (b"", True, 1.0)
    assert (emptied.tests or [{}])[0]["verdict"] == "passed"
    assert totals.counts() == before
    assert carry_out() == 0


def test_clients_have_days_of_their_own(settings: Settings) -> None:
    settings.GEXEC_RETENTION_DAYS, settings.GEXEC_CONTENTS_DAYS = 30, 20
    longer, shorter, forever = (
        client(retention_days=90),
        client(retention_days=5, contents_days=2),
        client(retention_days=0),
    )
    for of in (None, longer.pk, shorter.pk, forever.pk, client().pk):
        for days in (3, 21, 40, 100):
            make(days * DAY, client_id=of, **LARGE)
    carry_out()
    kept = {
        of: sorted(
            round((timezone.now() - at) / DAY)
            for at in Execution.objects.filter(client_id=of).values_list("created_at", flat=True)
        )
        for of in (None, longer.pk, shorter.pk, forever.pk)
    }
    assert kept == {None: [3, 21], longer.pk: [3, 21, 40], shorter.pk: [3], forever.pk: [3, 21, 40, 100]}
    assert not is_whole(Execution.objects.get(client_id=shorter.pk))
    assert Execution.objects.filter(client_id=forever.pk, store=Store.ALL).count() == 1


def test_outcomes_have_days_of_their_own(settings: Settings) -> None:
    settings.GEXEC_OUTCOME_DAYS = ["rejected=2", " ok = 8"]
    refused = {"status": "rejected", "outcome": "", "exit_code": None, "started_at": None, "error": "x"}
    for days in (1, 3, 9):
        make(days * DAY)
        make(days * DAY, **refused)
        make(days * DAY, outcome="nonzero_exit", exit_code=1)
    assert carry_out() == 3
    assert left() == [1, 1, 1, 3, 3, 9]
    assert not Execution.objects.filter(status="rejected", created_at__lt=timezone.now() - 2 * DAY).exists()


def test_what_is_open_stays_and_is_not_forgotten(settings: Settings) -> None:
    settings.GEXEC_RETENTION_DAYS = 10
    make(30 * DAY)
    opened = make(
        20 * DAY, status="running", outcome="", exit_code=None, finished_at=None, worker=UUID(int=1), job={"steps": []}
    )
    make(15 * DAY)
    assert carry_out() == 2
    assert (carry_out(), left()) == (0, [20])
    Execution.objects.filter(pk=opened.pk).update(
        status="finished", outcome="ok", exit_code=0, finished_at=timezone.now()
    )
    assert carry_out() == 1
    assert left() == []


def test_what_was_passed_by_is_not_looked_at_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    found = ageing.Rule._found

    def counted(rule: ageing.Rule, low: UUID, high: UUID, rows: int) -> list[Execution]:
        got = found(rule, low, high, rows)
        looked_at.append(len(got))
        return got

    monkeypatch.setattr(ageing.Rule, "_found", counted)
    settings.GEXEC_RETENTION_DAYS = 10
    forever = client(retention_days=0)
    for days in range(11, 41):
        make(days * DAY, client_id=forever.pk)
    monkeypatch.setattr(ageing, "_FIRST_BATCH", 7)
    assert (carry_out(), sum(looked_at)) == (0, 30)
    assert max(looked_at) <= 14
    looked_at.clear()
    assert (carry_out(), sum(looked_at)) == (0, 0)
    # Where it is no longer that client's to say, all are looked at once more.
    Client.objects.update(retention_days=None)
    assert carry_out() == 30


def test_a_dry_run_says_what_the_rules_would_do(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.GEXEC_CONTENTS_DAYS, settings.GEXEC_RETENTION_DAYS = 10, 30
    make(11 * DAY, **LARGE)
    make(31 * DAY, **LARGE)
    call_command("purge", "--dry-run")
    out = capsys.readouterr().out
    assert "more than 10 days ago: 2 would be emptied" in out
    assert "more than 30 days ago: 1 would be deleted" in out
    assert (left(), Execution.objects.filter(store=Store.ALL).count()) == ([11, 31], 2)
    assert not RetentionMark.objects.exists()
    call_command("purge")
    assert (left(), Execution.objects.filter(store=Store.ALL).count()) == ([11], 0)


def test_by_hand_of_one_client_and_contents_alone() -> None:
    mine = client()
    for days in (1, 5):
        make(days * DAY, client_id=mine.pk, **LARGE)
        make(days * DAY, **LARGE)
    call_command("purge", "--contents", "--older-than", "3d", "--client", mine.name, "--dry-run")
    assert Execution.objects.filter(store=Store.EXPIRED).count() == 0
    call_command("purge", "--contents", "--older-than", "3d", "--client", mine.name)
    assert [row.client_id for row in Execution.objects.filter(store=Store.EXPIRED)] == [mine.pk]
    call_command("purge", "--contents", "--older-than", "3d")
    assert Execution.objects.filter(store=Store.EXPIRED).count() == 2
    call_command("purge", "--client", mine.name, "--older-than", "3d")
    assert left() == [1, 1, 5]
    call_command("purge", "--client", mine.name, "--outcome", "ok")
    assert not Execution.objects.filter(client_id=mine.pk).exists()
    assert left() == [1, 5]


@pytest.mark.parametrize("arguments", [["--contents"], ["--contents", "--keep", "3"], ["--client", "nobody"]])
def test_what_cannot_be_meant_is_refused(arguments: list[str]) -> None:
    make(DAY)
    with pytest.raises((CommandError, SystemExit)):
        call_command("purge", *arguments)
    assert left() == [1]


@pytest.mark.usefixtures("rate_limit_off", "python")
def test_whoever_asks_for_an_emptied_one_is_told(fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"secret"))
    key, _ = create_for(client(), "k")
    http = Http(headers={"authorization": f"Bearer {key}"})
    asked = {"language": "python", "source_code": "print('secret')"}
    made = http.post("/api/v1/executions", json.dumps(asked), "application/json").json()
    url = f"/api/v1/executions/{made['id']}"
    assert http.get(url).json()["run"]["stdout"] == "secret"
    assert ageing._empty([UUID(made["id"])]) == 1
    told = http.get(url)
    assert b"secret" not in told.content
    assert told.json()["stored"] == "expired"
    assert told.json()["run"]["stdout_truncated"] is True
    events = http.get(f"{url}/events", headers={"accept": "application/x-ndjson"})
    assert b"secret" not in b"".join(cast("Any", events))
