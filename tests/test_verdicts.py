"""Verdicts and points of tests, and what they make together."""

from __future__ import annotations

from typing import Any

import pytest

from executions.grading.asked import (
    Compare,
    Grading,
    GroupPoints,
    Judge,
    Protocol,
    Report,
    Role,
    Test,
)
from executions.grading.record import KEPT_BYTES, Recorder
from executions.grading.shown import coarse, shown
from executions.grading.verdicts import Mark, Verdict, mark_of, score_of, top_verdict
from sandbox.types import Outcome, StepResult

CANARY = "s3cr3t"


def asked(*tests: dict[str, Any], **how: Any) -> Grading:
    return Grading(
        tuple(Test(**{"name": f"t{index}", "stdin": {"text": ""}, **test}) for index, test in enumerate(tests)), **how
    )


def judge(role: Role = Role.CHECKER, protocol: Protocol = Protocol.TESTLIB) -> Judge:
    return Judge(role, protocol, "cpp", {}, (), ())


def result(name: str, stdout: bytes = b"", *, exit_code: int | None = 0, **more: Any) -> StepResult:
    outcome = more.pop("outcome", Outcome.NONZERO_EXIT if exit_code else Outcome.OK)
    return StepResult(name, outcome, stdout=stdout, exit_code=exit_code, **more)


def verdicts(recorder: Recorder) -> list[str]:
    return [test["verdict"] for test in recorder.columns()["tests"]]


@pytest.mark.parametrize(
    ("verdict", "given", "mark"),
    [
        (Verdict.PASSED, {}, Mark(Verdict.PASSED, 4)),
        (Verdict.WRONG_ANSWER, {}, Mark(Verdict.WRONG_ANSWER, 0)),
        (Verdict.CHECKER_ERROR, {"points": 4.0}, Mark(Verdict.CHECKER_ERROR, 0)),
        (Verdict.PARTIAL, {"points": 1.5}, Mark(Verdict.PARTIAL, 1.5)),
        (Verdict.PARTIAL, {"points": 4.0}, Mark(Verdict.PASSED, 4)),
        (Verdict.PARTIAL, {"points": 99.0}, Mark(Verdict.PASSED, 4)),
        (Verdict.PARTIAL, {"points": 0.0}, Mark(Verdict.WRONG_ANSWER, 0)),
        (Verdict.PARTIAL, {"points": -3.0}, Mark(Verdict.WRONG_ANSWER, 0)),
        (Verdict.PARTIAL, {"share": 0.25}, Mark(Verdict.PARTIAL, 1)),
        (Verdict.PASSED, {"points": 2.0}, Mark(Verdict.PASSED, 2)),
    ],
)
def test_what_a_verdict_is_worth(verdict: Verdict, given: dict[str, float], mark: Mark) -> None:
    assert mark_of(Test("t", {}, points=4), verdict, **given) == mark


@pytest.mark.parametrize(
    ("of_tests", "top"),
    [
        ("passed passed", "passed"),
        ("passed wrong_answer timeout_wall", "wrong_answer"),
        ("partial wrong_answer", "partial"),
        ("skipped passed", "passed"),
        ("passed checker_error wrong_answer", "checker_error"),
        ("", "passed"),
    ],
)
def test_the_top_verdict_is_the_first_that_is_not_passed(of_tests: str, top: str) -> None:
    assert top_verdict(Verdict(each) for each in of_tests.split()) == top


@pytest.mark.parametrize(
    ("how", "points"), [(GroupPoints.MIN, {"easy": 6, "hard": 1.5}), (GroupPoints.SUM, {"easy": 6, "hard": 4.5})]
)
def test_points_of_groups(how: GroupPoints, points: dict[str, float]) -> None:
    grading = asked(
        {"group": "easy", "points": 3},
        {"group": "hard", "points": 3},
        {"group": "easy", "points": 3},
        {"group": "hard", "points": 3},
        {"points": 2},
        {"points": 2},
        group_points=how,
    )
    marks = [Mark(Verdict.PASSED, 3), Mark(Verdict.PARTIAL, 0.75), Mark(Verdict.PASSED, 3)]
    marks += [Mark(Verdict.PARTIAL, 3.75 - 0.0) if how is GroupPoints.SUM else Mark(Verdict.PASSED, 3)]
    marks += [Mark(Verdict.PASSED, 2), Mark(Verdict.WRONG_ANSWER, 0)]
    score = score_of(grading, marks)
    assert {name: group["points"] for name, group in score["groups"].items()} == points
    assert score["groups"]["hard"]["max_points"] == 6
    assert score["points"] == sum(points.values()) + 2
    assert (score["max_points"], score["total"]) == (16, 6)


def test_a_group_of_tests_without_points_has_none() -> None:
    grading = asked({"group": "g", "points": 0}, {"group": "g", "points": 5})
    failed = score_of(grading, [Mark(Verdict.WRONG_ANSWER, 0), Mark(Verdict.PASSED, 5)])
    assert failed["groups"]["g"] == {"points": 0, "max_points": 5}


def test_outputs_are_compared_as_they_come() -> None:
    recorder = Recorder(asked({}, {}, {}, compare=Compare.TOKENS), [b"1", b"2", None])
    assert recorder.take(result("compile")) is None
    first = recorder.take(result("test/0", b"1\n"))
    assert first is not None
    assert (first.index, first.mark) == (0, Mark(Verdict.PASSED, 1))
    second = recorder.take(result("test/1", b"x"))
    assert second is not None
    assert second.difference is not None
    recorder.take(result("test/2", b"anything"))
    columns = recorder.columns()
    assert (columns["verdict"], columns["score"]["passed"], columns["score"]["total"]) == ("wrong_answer", 2, 3)
    assert columns["tests"][1]["first_difference"] == {"line": 1, "column": 1, "expected": "2", "actual": "x"}


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        (result("test/0", b"1", exit_code=3), "nonzero_exit"),
        (result("test/0", b"1", exit_code=None, outcome=Outcome.SIGNAL, signal=11), "signal"),
        (result("test/0", b"1", exit_code=None, outcome=Outcome.TIMEOUT_WALL), "timeout_wall"),
        (result("test/0", b"1", exit_code=None, outcome=Outcome.OUTPUT_LIMIT), "output_limit"),
        (result("test/0", b"1", exit_code=None, outcome=Outcome.SANDBOX_ERROR), "sandbox_error"),
        (result("test/0", b"1", exit_code=None, outcome=Outcome.SANDBOX_ERROR, started=False), "not_started"),
        (result("test/0", b"1", exit_code=1, stderr=b"MemoryError\n"), "out_of_memory"),
    ],
)
def test_a_program_that_does_not_end_well_has_not_passed(program: StepResult, verdict: str) -> None:
    recorder = Recorder(asked({}), [b"1"])
    recorder.take(program)
    assert verdicts(recorder) == [verdict]


def test_another_exit_code_may_be_the_right_one() -> None:
    recorder = Recorder(asked({"exit_code": 3}, {"exit_code": 3}), [b"1", b"1"])
    recorder.take(result("test/0", b"1", exit_code=3))
    recorder.take(result("test/1", b"1", exit_code=0))
    columns = recorder.columns()
    assert [test["verdict"] for test in columns["tests"]] == ["passed", "wrong_answer"]
    assert columns["tests"][1]["checker_message"] == "exit code 0, expected 3"


def test_a_failure_ends_its_group() -> None:
    recorder = Recorder(asked({"group": "a"}, {"group": "b"}, {"group": "a"}, {}, {"group": "b"}), [b"1"] * 5)
    recorder.take(result("test/0", b"no"))
    assert recorder.skips() == ["test/2"]
    recorder.take(result("test/1", b"1"))
    recorder.take(result("test/3", b"no"))
    assert recorder.skips() == ["test/2"]
    recorder.take(result("test/4", b"1"))
    assert verdicts(recorder) == ["wrong_answer", "passed", "skipped", "wrong_answer", "passed"]


def test_a_failure_ends_everything_where_that_was_asked_for() -> None:
    recorder = Recorder(asked({}, {}, {}, stop_on_failure=True), [b"1"] * 3)
    recorder.take(result("test/0", b"no"))
    assert recorder.skips() == ["test/1", "test/2"]
    assert verdicts(recorder) == ["wrong_answer", "skipped", "skipped"]


def test_all_together_may_take_only_so_long() -> None:
    recorder = Recorder(asked({}, {}, {}, {}, total_ms=1000), [b"1"] * 4)
    recorder.take(result("test/0", b"1", wall_ms=400))
    assert recorder.skips() == []
    recorder.take(result("test/1", b"1", wall_ms=700))
    assert recorder.skips() == ["test/2", "test/3"]
    assert verdicts(recorder) == ["passed", "passed", "timeout_wall", "skipped"]
    assert recorder.columns()["verdict"] == "timeout_wall"


def test_what_comparing_takes_counts_as_well() -> None:
    """Two million numbers in every test, each written otherwise than expected, would keep a server for hours."""
    recorder = Recorder(asked({}, {}, {}, compare=Compare.FLOAT, total_ms=1), [b"1 " * 100_000] * 3)
    recorder.take(result("test/0", b"1.0 " * 100_000))
    assert recorder.skips() == ["test/1", "test/2"]
    assert verdicts(recorder) == ["passed", "timeout_wall", "skipped"]


@pytest.mark.parametrize(
    ("code", "stderr", "stops"), [(1, b"", True), (7, b"points 0.5", False), (3, b"", False), (0, b"", False)]
)
def test_neither_a_part_nor_a_checkers_fault_is_a_failure(code: int, stderr: bytes, stops: bool) -> None:
    recorder = Recorder(asked({}, {}, stop_on_failure=True, judge=judge()), [b"", b""])
    assert recorder.take(result("test/0")) is None
    recorder.take(result("test/0/check", exit_code=code, stderr=stderr))
    assert recorder.skips() == (["test/1"] if stops else [])


@pytest.mark.parametrize(("name", "verdict"), [("compile", "compile_error"), ("companion/compile", "checker_error")])
def test_whoever_does_not_compile_is_at_fault(name: str, verdict: str) -> None:
    recorder = Recorder(asked({}, {}, judge=judge()), [b"", b""])
    recorder.take(result("companion/compile" if name == "compile" else "x"))
    recorder.take(result(name, exit_code=1))
    assert recorder.skips() == ["test/0", "test/1"]
    columns = recorder.columns()
    assert (columns["verdict"], columns["score"]["passed"]) == (verdict, 0)
    assert [test["verdict"] for test in columns["tests"]] == ["skipped", "skipped"]
    assert recorder.judge_failed is (verdict == "checker_error")


@pytest.mark.parametrize("name", ["compile", "companion/compile"])
@pytest.mark.parametrize("outcome", [Outcome.SANDBOX_ERROR, Outcome.CANCELLED])
def test_nobody_is_where_the_container_is_lost(name: str, outcome: Outcome) -> None:
    recorder = Recorder(asked({}, judge=judge()), [b""])
    recorder.take(result(name, exit_code=None, outcome=outcome))
    assert recorder.columns()["verdict"] == outcome.value
    assert not recorder.judge_failed


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.SANDBOX_ERROR])
def test_a_job_that_is_ended_has_not_passed(outcome: Outcome) -> None:
    recorder = Recorder(asked({}, {}, {}), [b"1"] * 3)
    recorder.take(result("test/0", b"1"))
    recorder.take(result("test/1", b"1", exit_code=None, outcome=outcome))
    assert verdicts(recorder) == ["passed", outcome.value, "skipped"]


def test_nor_has_one_of_which_nothing_more_was_heard() -> None:
    recorder = Recorder(asked({}, {}), [b"1"] * 2)
    recorder.take(result("test/0", b"1"))
    assert recorder.columns(Verdict.CANCELLED)["verdict"] == "cancelled"
    checked = Recorder(asked({}, judge=judge()), [b"1"])
    checked.take(result("test/0", b"1"))
    assert checked.columns()["verdict"] == "sandbox_error"


PIPE = {"exit_code": None, "outcome": Outcome.SIGNAL, "signal": 13}
CRASH = {"exit_code": None, "outcome": Outcome.SIGNAL, "signal": 11}
LIMIT = {"exit_code": None, "outcome": Outcome.TIMEOUT_WALL}


@pytest.mark.parametrize(
    ("program", "interactor", "verdict"),
    [
        ({}, {}, "passed"),
        ({}, {"exit_code": 1}, "wrong_answer"),
        # The interactor has ended first: what becomes of the program is no more than the closed pipe's doing.
        (PIPE | {"after_other": True}, {"exit_code": 1}, "wrong_answer"),
        ({"exit_code": 1, "after_other": True}, {"exit_code": 1}, "wrong_answer"),
        (CRASH | {"after_other": True}, {"exit_code": 1}, "wrong_answer"),
        (CRASH | {"after_other": True}, {}, "signal"),
        (PIPE | {"after_other": True}, {}, "passed"),
        # The program has ended first.
        (CRASH, {"exit_code": 1, "after_other": True}, "signal"),
        (CRASH, {"exit_code": 9, "after_other": True}, "signal"),
        ({"exit_code": 1}, {"exit_code": 8, "after_other": True}, "nonzero_exit"),
        ({}, {"exit_code": 8, "after_other": True}, "wrong_answer"),
        ({}, {"exit_code": 9, "after_other": True}, "checker_error"),
        # Limits.
        (LIMIT, {"exit_code": 1, "after_other": True}, "timeout_wall"),
        (LIMIT | {"after_other": True}, {"exit_code": 0}, "timeout_wall"),
        (LIMIT | {"after_other": True}, {"exit_code": 1}, "wrong_answer"),
        ({"after_other": True}, LIMIT, "checker_error"),
        ({}, {"exit_code": None, "outcome": Outcome.SANDBOX_ERROR}, "sandbox_error"),
    ],
)
def test_who_is_at_fault_when_two_talk(program: dict[str, Any], interactor: dict[str, Any], verdict: str) -> None:
    recorder = Recorder(asked({}, judge=judge(Role.INTERACTOR)), [None])
    assert recorder.take(result("test/0", **program)) is None
    ended = recorder.take(result("test/0/interact", **interactor))
    assert ended is not None
    assert ended.mark.verdict == verdict


def test_a_checker_does_not_see_what_did_not_end_well() -> None:
    recorder = Recorder(asked({}, judge=judge()), [b""])
    ended = recorder.take(result("test/0", exit_code=1))
    assert ended is not None
    assert ended.mark.verdict is Verdict.NONZERO_EXIT


def test_outputs_are_compared_whole_and_kept_in_part() -> None:
    count = 100
    recorder = Recorder(asked(*[{}] * count), [b"x" * 200_000] * count)
    for index in range(count):
        recorder.take(result(f"test/{index}", b"x" * 200_000, stderr=b"e"))
    ended = recorder.ended()
    assert {each.mark.verdict for each in ended} == {Verdict.PASSED}
    kept = [each.result for each in ended if each.result]
    assert sum(len(each.stdout) + len(each.stderr) for each in kept) <= KEPT_BYTES
    assert {(each.stdout_truncated, each.stderr_truncated) for each in kept} == {(True, False)}


def test_what_is_asked_is_the_same_after_its_way_through_a_row() -> None:
    grading = asked(
        {
            "args": ("a",),
            "files": ({"name": "f", "content": {"text": ""}, "executable": False},),
            "limits": {"wall_ms": 5},
        },
        {"expected": {"text": "1"}, "hidden": True, "points": 0.5, "group": "g", "exit_code": 2},
        compare=Compare.FLOAT,
        report=Report.SUMMARY,
        group_points=GroupPoints.SUM,
        judge=judge(),
    )
    assert Grading.from_json(grading.to_json()) == grading


FULL = {
    "name": "h",
    "hidden": True,
    "group": "g",
    "verdict": "wrong_answer",
    "points": 0,
    "max_points": 1,
    "first_difference": {"expected": CANARY},
    "checker_message": CANARY,
    "stdout": CANARY,
    "exit_code": 65,
    "wall_ms": 1.234,
}


@pytest.mark.parametrize("report", [Report.FULL, Report.VERDICTS])
def test_of_hidden_tests_only_names_and_verdicts_are_told(report: Report) -> None:
    told = shown([FULL], sees_hidden=False, report=report)
    assert told == [{"name": "h", "hidden": True, "verdict": "wrong_answer"}]


def test_who_may_see_hidden_tests_sees_all_that_was_asked_for() -> None:
    assert shown([FULL], sees_hidden=True) == [FULL]
    verdicts_only = {"name": "h", "hidden": True, "verdict": "wrong_answer", "points": 0, "group": "g"}
    assert shown([FULL], sees_hidden=True, report=Report.VERDICTS) == [verdicts_only]
    assert shown([FULL], sees_hidden=True, report=Report.SUMMARY) is None


def test_times_that_hidden_tests_are_part_of_are_coarse() -> None:
    assert [coarse(value) for value in (None, 0.0, 4.9, 15.1, 1234.5)] == [None, 0.0, 0.0, 20.0, 1230.0]
