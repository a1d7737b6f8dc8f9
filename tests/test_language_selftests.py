"""Self-tests say what a language does, not how busy the host is."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from languages.models import Language
from languages.selftest import run
from languages.selftest.cases import Case
from languages.selftest.run import run_cases
from sandbox.types import Job, JobResult, Outcome, Profile, StepResult

CASES = [
    Case("hello", {}, stdout="hello\n"),
    Case("timeout", {}, timeout_ms=3000, stdout="started\n", outcomes=frozenset({"timeout_wall"})),
]
Host = Callable[[float], list[int]]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    """`host(ms)` is one where an interpreter starts in so many milliseconds; it keeps the limits of what it ran."""

    def make(start_ms: float) -> list[int]:
        limits: list[int] = []

        def run_job(_profile: Profile, job: Job) -> JobResult:
            limit_ms = job.steps[-1].limits.wall_ms
            limits.append(limit_ms)
            text = b"" if limit_ms < start_ms else b"hello\n" if len(limits) == 1 else b"started\n"
            outcome = Outcome.OK if len(limits) == 1 else Outcome.TIMEOUT_WALL
            return JobResult((_ended(outcome, text, min(start_ms, limit_ms)),))

        monkeypatch.setattr(run, "run_job", run_job)
        monkeypatch.setattr(run, "cases_for", lambda _language: CASES)
        return limits

    return make


@pytest.mark.parametrize(("start_ms", "limit_ms"), [(100, 3000), (2000, 10_000), (4000, 20_000), (50_000, 90_000)])
def test_a_time_limit_leaves_room_for_the_start(host: Host, start_ms: int, limit_ms: int) -> None:
    limits = host(start_ms)
    verdicts = run_cases(_language(), "image")
    assert [verdict.problem for verdict in verdicts] == ["", ""]
    assert limits == [60_000, limit_ms]


@pytest.mark.parametrize(("load", "tries"), [(1000.0, 2), (0.0, 1)])
def test_what_fails_on_a_busy_host_is_tried_once_more(monkeypatch: pytest.MonkeyPatch, load: float, tries: int) -> None:
    answers = [b"", b"hello\n"]
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(run, "cases_for", lambda _language: CASES[:1])
    monkeypatch.setattr(run, "run_job", lambda *_: JobResult((_ended(Outcome.OK, answers.pop(0), 1.0),)))
    reported: list[bool] = []
    (verdict,) = run_cases(_language(), "image", lambda each: reported.append(each.passed))
    assert verdict.passed == (tries == 2)
    assert reported == [verdict.passed]
    assert len(answers) == 2 - tries


def test_a_case_may_be_excused_and_its_reason_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(run, "cases_for", lambda _language: [*CASES, CASES[0]])
    answers = [b"hello\n", b"", b"hello\n"]
    ends = iter([Outcome.OK, Outcome.TIMEOUT_WALL, Outcome.OK])
    monkeypatch.setattr(run, "run_job", lambda *_: JobResult((_ended(next(ends), answers.pop(0), 1.0),)))
    verdicts = run_cases(_language(excused={"timeout": "it holds back its output"}), "image")
    assert [verdict.failed for verdict in verdicts] == [False, False, False]
    assert [verdict.excused for verdict in verdicts] == ["", "it holds back its output", ""]
    assert verdicts[1].problem.startswith("printed ''")


def test_what_failed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    python = _language(slug="python", source_file="main.py")
    nothing = _ended(Outcome.OK, b"", 1.0)
    monkeypatch.setattr(run, "run_job", lambda *_: JobResult((nothing,)))
    by_case = {verdict.case: verdict for verdict in run_cases(python, "image")}
    assert all(verdict.failed and verdict.hint.endswith(".") for verdict in by_case.values())
    assert "PYTHONUNBUFFERED" in by_case["timeout"].hint
    assert '{"timeout": "the reason"}' in by_case["timeout"].hint


def _language(**fields: object) -> Language:
    return Language(**{**_SLOW, **fields})


_SLOW = {"slug": "slow", "source_file": "a", "run_command": ["a"], "image": "image", "max_timeout_ms": 90_000}


def _ended(outcome: Outcome, stdout: bytes, wall_ms: float) -> StepResult:
    return StepResult(
        name="run", outcome=outcome, exit_code=0, stdout=stdout, wall_ms=wall_ms, cpu_ms=1.0, peak_memory_bytes=1
    )
