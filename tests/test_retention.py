"""Old executions are deleted: by a command, and by the server where a setting says so."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from executions import ageing, retention
from executions.models import Execution
from rest.ids import first_at
from testkit.databases import create_database, database_url
from testkit.histories import fill
from testkit.servers import HERE, clean_environment
from testkit.waiting import eventually
from tests.conftest import StartServer

NOW = timezone.now()


def make(age: timedelta, **fields: Any) -> Execution:
    """A finished row of this age, with an id of its time."""
    when = NOW - age
    base = {"status": "finished", "outcome": "ok", "exit_code": 0, "started_at": when, "finished_at": when}
    return Execution.objects.create(id=_id_of(when), created_at=when, **(base | fields))


def _id_of(when: datetime) -> uuid.UUID:
    return uuid.UUID(int=first_at(when).int | uuid.uuid4().int >> 70)


@pytest.fixture
def history(db: None) -> dict[str, Execution]:
    refused = {"status": "rejected", "outcome": "", "exit_code": None, "started_at": None, "error": "Invalid JSON"}
    is_open = {"status": "queued", "outcome": "", "exit_code": None, "started_at": None, "finished_at": None}
    return {
        "old": make(timedelta(days=100), source="x" * 10_000),
        "old refused": make(timedelta(days=99), **refused),
        "old and open": make(timedelta(days=98), **is_open, worker=uuid.uuid4(), job={"steps": []}),
        "old and failed": make(timedelta(days=97), outcome="nonzero_exit", exit_code=1),
        "middle": make(timedelta(hours=30)),
        "refused": make(timedelta(hours=20), **refused),
        "new": make(timedelta(minutes=1)),
    }


def left(history: dict[str, Execution]) -> set[str]:
    ids = set(Execution.objects.values_list("id", flat=True))
    return {name for name, row in history.items() if row.pk in ids}


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [
        (["--older-than", "90d"], {"old", "old refused", "old and failed"}),
        (["--older-than", "90"], {"old", "old refused", "old and failed"}),
        (["--older-than", "24h"], {"old", "old refused", "old and failed", "middle"}),
        (["--older-than", "99999w"], set()),
        (["--keep", "2"], {"old", "old refused", "old and failed", "middle"}),
        (["--keep", "100"], set()),
        (["--outcome", "rejected"], {"old refused", "refused"}),
        (["--outcome", "rejected,nonzero_exit"], {"old refused", "refused", "old and failed"}),
        (["--outcome", "rejected", "--older-than", "2w"], {"old refused"}),
        (["--outcome", "ok", "--keep", "1"], {"old", "middle"}),
        (["--older-than", "1h", "--keep", "5"], {"old", "old refused"}),
    ],
)
def test_what_is_asked_for_is_deleted_and_nothing_else(
    history: dict[str, Execution], arguments: list[str], gone: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    totals = Client().get("/metrics").json()
    call_command("purge", *arguments, "--dry-run")
    assert left(history) == set(history)
    assert f"{len(gone)} executions" in capsys.readouterr().out
    call_command("purge", *arguments)
    assert left(history) == set(history) - gone
    assert f"deleted {len(gone)} executions" in capsys.readouterr().out
    assert Client().get("/metrics").json() == totals == {"total_requests": 7, "total_errors": 2}


def test_it_says_how_much_and_what_becomes_of_the_space(
    history: dict[str, Execution], capsys: pytest.CaptureFixture[str]
) -> None:
    make(timedelta(days=50), output=os.urandom(1_000_000))
    call_command("purge", "--older-than", "30d")
    out = capsys.readouterr().out
    assert "deleted 4 executions of 97" in out  # 977 KiB and some
    assert "on disk still" in out
    assert "--vacuum-full" in out


@pytest.mark.parametrize(
    "arguments",
    [["--older-than", "soon"], ["--keep", "0"], ["--keep", "-1"], ["--outcome", "fine"], ["--outcome", ""], []],
)
def test_what_cannot_be_meant_is_refused(history: dict[str, Execution], arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("purge", *arguments)
    assert left(history) == set(history)


def test_alone_it_does_what_the_setting_says(history: dict[str, Execution], settings: Settings) -> None:
    settings.GEXEC_RETENTION_DAYS = 90
    call_command("purge")
    assert left(history) == set(history) - {"old", "old refused", "old and failed"}


def test_an_id_of_another_time_deletes_nothing_that_is_young(db: None) -> None:
    """Ids of rows that another program wrote say nothing."""
    row = Execution.objects.create(
        id=first_at(NOW - timedelta(days=100)), status="rejected", error="x", created_at=NOW, finished_at=NOW
    )
    call_command("purge", "--older-than", "90d")
    assert Execution.objects.filter(pk=row.pk).exists()


def test_batches_are_small_and_pass_by_nothing_twice(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        fill(cursor, rows=2_000)
    monkeypatch.setattr(retention, "_LARGEST_BATCH", 150)
    batches = list(retention.Old(keep=500).batches())
    assert sum(batch.rows for batch in batches) == 1_500
    assert max(batch.rows for batch in batches) <= 150
    assert Execution.objects.count() == 500


def test_without_the_setting_everything_stays(history: dict[str, Execution]) -> None:
    assert ageing.carry_out(threading.Event()) == 0
    assert left(history) == set(history)


def test_a_stop_is_heard_between_two_batches(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GEXEC_RETENTION_DAYS = 90
    monkeypatch.setattr(ageing, "_FIRST_BATCH", 1)
    for _ in range(3):
        make(timedelta(days=91))
    stop = threading.Event()
    stop.set()
    assert ageing.carry_out(stop) == 1


def test_ctrl_c_ends_the_command_and_a_server_deletes_what_is_old(
    server: StartServer, prepared_postgres: Path, tmp_path: Path
) -> None:
    create_database(prepared_postgres, "retention", "gexec")
    url = database_url(prepared_postgres, "retention")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("SET session_replication_role = replica")
        fill(database.cursor(), rows=4_000)
        with psycopg.connect(url) as other:
            # It waits for this lock, as it would for a slow disk.
            other.execute("LOCK TABLE executions_execution IN SHARE MODE")
            purge = subprocess.Popen(
                HERE.manage("purge", "--keep", "10"),
                cwd=HERE.path,
                env=clean_environment(DATABASE_URL=url, GEXEC_DATA_DIR=str(tmp_path)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%WITH gone%' AND wait_event_type = 'Lock'"
            )
            eventually(lambda: purge.poll() is not None or database.execute(waiting).fetchone() == (1,))
            began = time.monotonic()
            purge.send_signal(signal.SIGINT)
            out, err = purge.communicate(timeout=60)
        assert (purge.returncode, out) == (130, "")
        assert err == "interrupted: 0 executions of 0 bytes deleted, for good; run it again to go on\n"
        assert time.monotonic() - began < 30
        running = server(DATABASE_URL=url, GEXEC_RETENTION_DAYS="100")
        count = "SELECT count(*) FROM executions_execution"
        eventually(lambda: database.execute(count).fetchone() == (1_000,), within_s=60)
        eventually(lambda: "periodic work: retention" in running.log)
        purged = running.manage("purge", "--keep", "10", "--vacuum-full")
        assert (purged.returncode, purged.stderr) == (0, "")
        assert "deleted 990 executions" in purged.stdout
        assert database.execute(count).fetchone() == (10,)
