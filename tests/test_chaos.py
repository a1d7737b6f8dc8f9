"""A short part of `make chaos`, whose every fault is over within a moment; and that chaos sees what it looks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaos.answers import wrong_answers
from chaos.campaign import Happened
from chaos.faults import NAMED
from chaos.journal import Asked
from chaos.programs import SHORT
from chaos.rows import Row, unreconciled_rows
from chaos.schedule import Planned, schedule
from chaos.trial import Wishes, report, run
from testkit.servers import clean_environment

SEED = 28
"""With it all of these come, once each: the postmaster is killed together with the worker."""
SHORT_FAULTS = (
    "backend-killed",
    "clients-reset",
    "container-killed",
    "engine-drops",
    "postmaster-killed",
    "runner-killed",
    "worker-killed",
)
RIGHT = {"stdout": "mark-0000000000000001\n", "stderr": "", "exit_code": 0, "error": ""}
STREAM = {"from": 0, "bytes": 22}


def answered(status: int | None = 200, **different: object) -> Asked:
    answer = None if status is None else RIGHT | different
    return Asked(SHORT, "mark-0000000000000001", 100.0, 101.0, status, answer, "id 1")


def row(**different: object) -> Row:
    found = Row(
        id="id 1",
        status="finished",
        outcome="ok",
        exit_code=0,
        error="",
        source="print('mark-0000000000000001')",
        steps=[{"stdout": STREAM}],
        output=b"mark-0000000000000001\n",
        language="python",
    )
    return replace(found, **different)  # type: ignore[arg-type]  # fields by name


def during(fault: str) -> Happened:
    return Happened([NAMED[fault]], (Planned(fault, 0, 0, 0),), began=100.0, ended=100.5, recovered=101.0)


@pytest.mark.timeout(600)
def test_what_is_killed_under_load_reconciles(prepared_data_dir: Path) -> None:
    told: list[str] = []
    wishes = Wishes(seed=SEED, seconds=8, faults=SHORT_FAULTS, callers=6, strays_s=0)
    outcome = run(wishes, environment=clean_environment(), tell=told.append, data_dir=prepared_data_dir)
    assert not outcome.problems, "\n".join([*told, *report(outcome)])
    assert {fault.name for each in outcome.rounds for fault in each.faults} == set(SHORT_FAULTS)


def test_a_seed_gives_the_same_schedule_and_another_one_another() -> None:
    kinds = list(NAMED.values())
    first = schedule(1, seconds=300, kinds=kinds)
    assert schedule(1, seconds=300, kinds=kinds) == first
    assert schedule(2, seconds=300, kinds=kinds) != first
    drawn = [fault.name for each in first for fault in each]
    assert len(set(drawn[: len(kinds)])) == len(drawn[: len(kinds)])


def test_an_answer_and_its_row_that_say_the_same_reconcile() -> None:
    assert list(wrong_answers([answered()], [])) == []
    assert list(unreconciled_rows([answered()], [row()])) == []


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (answered(stdout="something else"), "worker-killed"),
        (answered(exit_code=137, error="execution timed out after 60000 ms"), "engine-hangs"),
        (answered(500, error="no fault of the sandbox"), "engine-hangs"),
        (answered(408), "worker-frozen"),
        (answered(None), "engine-hangs"),
        (replace(answered(), ended=1000.0), "worker-killed"),
    ],
)
def test_an_answer_that_no_fault_excuses_is_seen(asked: Asked, fault: str) -> None:
    assert len(list(wrong_answers([asked], [during(fault)]))) == 1


def test_what_a_fault_excuses_is_wrong_without_it() -> None:
    for asked in (answered(None), answered(503, error="the database is not available")):
        assert list(wrong_answers([asked], [during("worker-killed")])) == []
        assert len(list(wrong_answers([asked], []))) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(), row(id="id 2")],
        [row(), row(id="id 2", source="print('mark-0000000000000002')")],
        [row(output=b"mark-0000000000000002\n")],
        [row(exit_code=1)],
        [row(source="print('mark-0000000000000002')")],
        [row(status="running")],
    ],
)
def test_rows_that_do_not_fit_are_seen(rows: list[Row]) -> None:
    assert list(unreconciled_rows([answered()], rows))
