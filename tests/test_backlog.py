"""What waits to be taken up: callers in turns, interactive before batch, bounds, and a wait that may be over."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from executions import accept, backlog, cancel, recovery
from executions.models import Execution, Lane, Status
from executions.outcomes import Outcome
from languages.models import Language
from rest.exceptions import Limited
from tests.backlog_lab import origin, queue, submission

WORKER = uuid.UUID(int=7)
LOTS = 4_000
"""More than any list of rows that is gone through one by one in a few milliseconds."""


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    backlog.forget()
    yield
    backlog.forget()


def take_all(turns: backlog.Turns, **options: Any) -> list[backlog.Taken]:
    """Until there is nothing more to take."""
    found = []
    while (taken := turns.take(WORKER, **options)) is not None:
        found.append(taken)
    return found


def numbers(found: list[backlog.Taken]) -> list[int]:
    """The callers, by the last number of their addresses."""
    return [int(taken.caller.rpartition(".")[2]) for taken in found]


def test_callers_have_turns_and_each_its_own_order(python: Language) -> None:
    rows = queue(python, 1, 1, 1, 1, 2, 2, 3)
    found = take_all(backlog.Turns())
    assert numbers(found) == [1, 2, 3, 1, 2, 1, 1]
    assert [taken.id for taken in found if taken.caller.endswith(".1")] == [row.pk for row in rows[:4]]
    assert set(Execution.objects.values_list("status", "worker")) == {(Status.QUEUED, WORKER)}


def test_who_comes_later_has_its_turn_next(python: Language) -> None:
    queue(python, 5, 5, 5)
    turns = backlog.Turns()
    turns.take(WORKER)
    queue(python, 3, 9)
    assert numbers(take_all(turns)) == [9, 3, 5, 5]


@pytest.mark.parametrize(
    ("full", "expected"),
    [([], [1, 2, 3, 4]), ([1], [2, 3, 4]), ([2, 3], [1, 4]), ([4], [1, 2, 3]), ([1, 2, 3, 4], [])],
)
@pytest.mark.parametrize("served", [0, 1, 2, 3, 4, 9])
def test_callers_that_have_enough_are_passed_over(
    python: Language, full: list[int], expected: list[int], served: int
) -> None:
    queue(python, 1, 2, 3, 4)
    turns = backlog.Turns()
    turns._served[Lane.INTERACTIVE] = f"address 192.0.2.{served}" if served else ""
    found = take_all(turns, full=[f"address 192.0.2.{number}" for number in full])
    assert sorted(numbers(found)) == expected


def test_interactive_comes_before_batch_which_gets_on_as_well(python: Language) -> None:
    queue(python, *[1] * 3, lane=Lane.BATCH)
    queue(python, *[2] * 10)
    lanes = [taken.lane for taken in take_all(backlog.Turns())]
    assert lanes[:6] == [Lane.INTERACTIVE] * 4 + [Lane.BATCH, Lane.INTERACTIVE]
    assert lanes.count(Lane.BATCH) == 3
    queue(python, 1, lane=Lane.BATCH)
    assert take_all(backlog.Turns(), batch=False) == []


def test_a_row_is_taken_by_one_only(transactional_db: None, python: Language) -> None:
    queue(python, *[1] * 20, *[2] * 20)
    found: list[backlog.Taken] = []

    def take() -> None:
        found.extend(take_all(backlog.Turns()))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len({taken.id for taken in found}) == 40


def test_a_long_backlog_is_not_read_through(
    python: Language, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    queue(python, 1, 2)
    like = Execution.objects.order_by("id")[0]
    columns = [field.column for field in Execution._meta.fields if field.name not in {"id", "caller"}]
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO executions_execution (id, caller, {names}) SELECT gen_random_uuid(), %s, {names}"
            " FROM executions_execution, generate_series(1, %s) WHERE id = %s",
            [like.caller, LOTS, like.pk],
        )
        cursor.execute("ANALYZE executions_execution")
    turns = backlog.Turns()
    assert numbers([taken for _ in range(3) if (taken := turns.take(WORKER))]) == [1, 2, 1]
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"worker": WORKER, "lane": Lane.INTERACTIVE, "above": "", "below": None}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {backlog._TAKE}", asked)
        (plan,) = cursor.fetchone()
    assert rows_read(plan[0]["Plan"]) < 50, plan
    assert "execution_backlog" in whole_of(indexes_in(plan[0]["Plan"]))
    # The sweep looks at none of them either.
    with django_assert_num_queries(2) as queries:
        list(recovery._of_a_process())
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            (plan,) = cursor.fetchone()
        assert rows_read(plan[0]["Plan"]) < 50, plan


def rows_read(plan: dict[str, Any]) -> int:
    """By all nodes together, with what they read in vain."""
    own = plan["Actual Rows"] * plan["Actual Loops"] + plan.get("Rows Removed by Filter", 0)
    return int(own) + sum(rows_read(each) for each in plan.get("Plans", ()))


def whole_of(indexes: set[str]) -> set[str]:
    """The indexes of the whole table of which these are, in one part each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = ANY (%s::regclass[])", [list(indexes)]
        )
        return {name for (name,) in cursor.fetchall()}


def indexes_in(plan: dict[str, Any]) -> set[str]:
    own = {plan["Index Name"]} if "Index Name" in plan else set()
    return own.union(*(indexes_in(each) for each in plan.get("Plans", ())))


def test_one_caller_and_all_together_have_their_bounds(python: Language, settings: Any) -> None:
    settings.GEXEC_CALLER_BACKLOG, settings.GEXEC_BACKLOG = 3, 5
    queue(python, 1, 1, 1)
    with pytest.raises(Limited, match="of this caller") as caught:
        queue(python, 1)
    assert (caught.value.status_code, caught.value.wait, caught.value.get_codes()) == (429, 5, "queue_full")
    with pytest.raises(Limited, match="of this caller"):
        accept.all_queued([submission(python)] * 4, origin(2))
    queue(python, 2, 3)
    with pytest.raises(Limited, match="too many executions wait"):
        queue(python, 4)
    assert Execution.objects.count() == 5
    take_all(backlog.Turns())
    backlog.forget()
    queue(python, 1)


def test_the_place_in_the_backlog_counts_turns(python: Language) -> None:
    rows = queue(python, 1, 1, 1, 1, 2, 3, 3)
    backlog.forget()
    # Before the last of caller 1 come its own three, one of caller 2, and two of caller 3.
    assert [backlog.before(row) for row in rows] == [2, 4, 5, 6, 2, 2, 4]
    (batch,) = queue(python, 1, lane=Lane.BATCH)
    backlog.forget()
    assert backlog.before(batch) == backlog.INTERACTIVE_IN_A_ROW


def test_a_wait_that_is_over_is_rejected_with_the_reason(python: Language) -> None:
    late, early, patient = (queue(python, 1, queue_limit_ms=limit)[0] for limit in (1000, 1000, None))
    Execution.objects.filter(pk=late.pk).update(queue_until=timezone.now() - timedelta(milliseconds=1))
    assert (cancel.end_waits(), cancel.end_waits()) == (1, 0)
    late.refresh_from_db()
    assert (late.status, late.outcome) == (Status.REJECTED, "")
    assert late.error == "it did not get its turn within the 1000 ms that it was to wait: the server is busy"
    assert set(Execution.objects.filter(status=Status.QUEUED).values_list("id", "worker")) == {
        (early.pk, None),
        (patient.pk, None),
    }


def test_what_is_cancelled_in_the_backlog_is_finished_in_one_go(python: Language) -> None:
    rows = queue(python, *[1] * 120, tags={"interview": "42"})
    kept = queue(python, 1, tags={"interview": "43"})
    assert cancel.ask(Execution.objects.filter(tags__contains={"interview": "42"}), reason=" too late\x00 ") == 120
    while cancel.end_waits():
        pass
    ended = Execution.objects.filter(pk__in=[row.pk for row in rows])
    assert Counter(ended.values_list("status", "outcome", "error", "exit_code")) == {
        (Status.FINISHED, Outcome.CANCELLED, "execution cancelled: too late\ufffd", 137): 120
    }
    assert Execution.objects.get(pk=kept[0].pk).status == Status.QUEUED
    assert cancel.ask(Execution.objects.filter(tags__contains={"interview": "42"})) == 0
