"""A short part of `make chaos ARGS=--hosts`: hosts and a NATS of three servers, each with an address of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaos.hosts.faults import NAMED
from chaos.hosts.load import Sent
from chaos.hosts.trial import Happened, Row, Wishes, report, run, wrong_answer, wrong_places, wrong_row
from testkit.networks import why_not
from testkit.servers import clean_environment
from testkit.sightings import Sightings

SEED = 14
"""With it both come at the same time, each for longer than anybody does without NATS."""
FAULTS = ("host-deaf", "nats-leader-killed")
LOST = "sandbox error: the host that ran it was lost before its result was known"
ROW = Row("id", "finished", "ok", "", 1, "api", "begun\n", "mark-1-1", 5.0, True, 900.0)
SENT = Sent("mark-1-1", 1.0, "execute", 100.0, 101.0, 503, {"error": "sandbox error: nobody is there"}, "2")


@pytest.mark.timeout(600)
def test_what_is_cut_off_and_killed_loses_nothing_and_runs_nothing_twice_at_once(prepared_data_dir: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    told: list[str] = []
    wishes = Wishes(seed=SEED, seconds=4, faults=FAULTS, rate=3)
    outcome = run(wishes, environment=clean_environment(), tell=told.append, data_dir=prepared_data_dir)
    assert not outcome.problems, "\n".join([*told, *report(outcome)])
    assert {fault.name for each in outcome.rounds for fault in each.faults} == set(FAULTS)


def during(name: str) -> Happened:
    return Happened([NAMED[name]], began=100.0, ended=100.5, recovered=101.0)


@pytest.mark.parametrize(
    ("row", "is_promised"),
    [
        (replace(ROW, status="queued", outcome=""), False),
        (replace(ROW, attempt=3), False),
        (replace(ROW, output=""), False),
        (replace(ROW, outcome="cancelled"), False),
        (replace(ROW, outcome="sandbox_error", error=LOST), False),
        (replace(ROW, status="rejected", outcome="", error="no free slot: the server is busy", has_begun=False), True),
    ],
    ids=["open", "three-attempts", "output", "cancelled", "not-begun-again", "refused"],
)
def test_a_row_that_no_fault_excuses_is_seen(row: Row, is_promised: bool) -> None:
    assert len(list(wrong_row(row, [during("host-killed")], is_promised=is_promised))) == 1


def test_rows_that_faults_excuse_are_right_and_without_them_wrong() -> None:
    lost = replace(ROW, outcome="sandbox_error", error=LOST, attempt=2)
    assert list(wrong_row(ROW, [], is_promised=True)) == []
    assert list(wrong_row(lost, [during("host-killed")], is_promised=True)) == []
    assert len(list(wrong_row(lost, [], is_promised=True))) == 1


def test_a_refusal_needs_a_reason_a_time_and_a_fault() -> None:
    around = [during("nats-leader-killed")]
    assert list(wrong_answer(SENT, around)) == []
    assert len(list(wrong_answer(SENT, []))) == 1
    for different in (replace(SENT, retry_after=None), replace(SENT, told={}), replace(SENT, status=None)):
        assert len(list(wrong_answer(different, around))) == 1


def test_what_ran_in_too_many_places_or_nowhere_is_seen() -> None:
    sightings = Sightings()
    assert len(list(wrong_places(ROW, [], sightings))) == 1
    sightings.containers["mark-1-1"] = {"one", "two"}
    assert list(wrong_places(ROW, [], sightings)) == []
    sightings.containers["mark-1-1"] = {"one", "two", "three"}
    assert len(list(wrong_places(ROW, [during("web-killed")], sightings))) == 1
    assert list(wrong_places(ROW, [during("host-mute")], sightings)) == []
