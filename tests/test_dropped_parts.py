"""Parts of the history are dropped whole once nothing in them is to stay."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients.models import Client
from executions import ageing, dropping, partitions, totals
from executions.models import ArtifactFile, CompatToken, Execution, ExecutionTag, RetentionMark
from rest.ids import first_at, moment_of, uuid7
from tests.test_partitions import in_part, no_parts, weeks_back
from tests.test_retention import make
from webhooks import services as webhooks
from webhooks.models import Delivery

__all__ = ["no_parts"]
DAY = timedelta(days=1)


def carry_out() -> int:
    return ageing.carry_out(threading.Event())


@pytest.mark.usefixtures("db")
def test_what_is_old_goes_in_one_piece_with_all_that_others_have_of_it(settings: Settings) -> None:
    old, *_, new = weeks_back(settings, 60)
    client = Client.objects.create(name="c")
    rows = [in_part(part, client_id=client.pk, tags={"a": "b"}) for part in (old, old, new)]
    for row in rows:
        of_row: dict[str, Any] = {"execution": row, "client_id": client.pk}
        ExecutionTag.objects.create(**of_row, name="a", value="b")
        CompatToken.objects.create(**of_row, door="judge0")
        ArtifactFile.objects.create(**of_row, digest=uuid4().hex, is_left=True)
    before = totals.counts()
    assert carry_out() == 2
    assert old.name not in [part.name for part in partitions.parts()]
    assert list(Execution.objects.all()) == [rows[2]]
    for model in (ExecutionTag, CompatToken, ArtifactFile):
        assert [each.execution_id for each in model._default_manager.all()] == [rows[2].pk]
    assert totals.counts() == before
    assert not RetentionMark.objects.filter(pk__startswith="rest").exists()


@pytest.mark.usefixtures("db")
def test_a_part_with_younger_ones_waits_for_them(settings: Settings) -> None:
    parts = weeks_back(settings, 60)
    rows = [in_part(part) for part in parts if part.high < uuid7()]
    waiting = next(part for part in parts if part.low <= first_at(timezone.now() - 30 * DAY) < part.high)
    late = make(timezone.now() - moment_of(waiting.low) - timedelta(hours=1))
    carry_out()
    assert late in Execution.objects.all()
    kept = {row.pk for row in rows if row.pk >= waiting.low}
    assert set(Execution.objects.values_list("pk", flat=True)) == kept | {late.pk}
    assert partitions.parts()[0] == waiting


@pytest.mark.usefixtures("db")
def test_parts_of_a_longer_retention_are_not_waited_for(settings: Settings) -> None:
    """Of a year, where executions were kept for ever: they would stay for as long."""
    weeks_back(settings, 40, kept=0)
    rows = [make(days * DAY) for days in (29, 31)]
    settings.GEXEC_RETENTION_DAYS = 30
    assert carry_out() == 1
    assert list(Execution.objects.all()) == rows[:1]


@pytest.mark.usefixtures("db")
def test_a_part_with_one_that_is_to_stay_stays_and_others_go_from_it(settings: Settings) -> None:
    first, second, third, *_ = weeks_back(settings, 70)
    longer, done = (
        Client.objects.create(name="a", retention_days=200),
        Client.objects.create(name="b", retention_days=5),
    )
    opened: dict[str, Any] = {
        "status": "running",
        "outcome": "",
        "exit_code": None,
        "finished_at": None,
        "job": {"steps": []},
    }
    kept = [in_part(first, client_id=longer.pk), in_part(second, **opened, worker=uuid4())]
    for part in (first, second, third):
        in_part(part, client_id=done.pk)
        in_part(part)
    assert carry_out() == 6
    assert set(Execution.objects.all()) == set(kept)
    assert partitions.parts()[:2] == [first, second]
    assert third not in partitions.parts()
    Client.objects.filter(pk=longer.pk).update(retention_days=40)
    assert carry_out() == 1
    assert partitions.parts()[0] == second


@pytest.mark.usefixtures("db")
def test_a_part_that_was_emptied_otherwise_goes_as_well(settings: Settings) -> None:
    first, second, *rest = weeks_back(settings, 60)
    settings.GEXEC_RETENTION_DAYS = 0
    in_part(first)
    kept = in_part(second)
    call_command("purge", "--older-than", f"{(timezone.now() - moment_of(first.high)).days}d")
    carry_out()
    assert partitions.parts()[0] == second
    assert list(Execution.objects.all()) == [kept]
    # Those that ended within these days stay, lest a late clock make an execution of them.
    recent = first_at(timezone.now() - dropping._EMPTY_AFTER)
    assert [part for part in rest if part.high > recent] == partitions.parts()[1:]


@pytest.mark.usefixtures("db")
def test_by_hand_they_go_as_well_and_a_dry_run_counts_them(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    old, *_, new = weeks_back(settings, 60)
    in_part(old)
    in_part(new)
    make(100 * DAY)
    call_command("purge", "--dry-run")
    assert "more than 30 days ago: 2 would be deleted" in capsys.readouterr().out
    assert partitions.parts()[0] == old
    call_command("purge")
    out = capsys.readouterr().out
    assert "about 1 deleted" in out
    assert "more than 30 days ago: 1 deleted" in out
    assert old not in partitions.parts()
    assert Execution.objects.count() == 1


@pytest.mark.usefixtures("db")
def test_messages_about_what_has_gone_are_taken_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old, *_ = weeks_back(settings, 60)
    client = Client.objects.create(name="c")
    monkeypatch.setattr(dropping, "_AT_ONCE", 2)
    for row in [in_part(old, client_id=client.pk) for _ in range(5)]:
        webhooks.announce(client.pk, "execution.finished", {"id": str(row.pk)}, url="https://example.com/")
    late = webhooks.announce(client.pk, "execution.finished", {"id": str(uuid7())}, url="https://example.com/")
    assert late == 1
    ids = list(Delivery.objects.order_by("id").values_list("pk", flat=True))
    Delivery.objects.filter(pk=ids[0]).update(id=old.high)
    assert carry_out() == 5
    assert list(Delivery.objects.values_list("pk", flat=True)) == ids[-1:]


@pytest.mark.usefixtures("transactional_db")
def test_who_works_on_the_history_is_not_waited_for_long(settings: Settings) -> None:
    old, *_ = weeks_back(settings, 60)
    in_part(old)
    parameters: dict[str, Any] = connection.get_connection_params() | {"cursor_factory": None}
    try:
        with psycopg.connect(**parameters) as other:
            other.execute("SELECT count(*) FROM executions_execution")
            assert carry_out() == 0
            # It is not deleted one by one either: the part is to go.
            assert (old in partitions.parts(), Execution.objects.count()) == (True, 1)
        assert carry_out() == 1
        assert old not in partitions.parts()
        assert not Execution.objects.exists()
    finally:
        with connection.cursor() as cursor:
            for part in partitions.parts():
                cursor.execute(f'DROP TABLE "{part.name}"')
