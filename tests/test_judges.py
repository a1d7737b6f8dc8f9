"""How checkers and interactors are started, and what their endings mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executions.grading.asked import Protocol
from executions.grading.judges import MESSAGE_CHARACTERS, Judgement, check_of, interaction_of, judgement_of
from executions.grading.verdicts import Verdict
from sandbox.types import Limits, Outcome, Step, StepResult

RUN = Step("run", ("/tmp/main",), Limits(wall_ms=1000, output_bytes=1000), {"A": "1"})
MARK = b"\n--- gexec: feedback ---\n"


def said(code: int | None, *, stderr: bytes = b"", stdout: bytes = b"", **more: Any) -> StepResult:
    outcome = more.pop("outcome", Outcome.NONZERO_EXIT if code else Outcome.OK)
    return StepResult("test/0/check", outcome, stdout=stdout, stderr=stderr, exit_code=code, **more)


@pytest.mark.parametrize(
    ("code", "stderr", "verdict", "points"),
    [
        (0, b"ok 3 numbers", Verdict.PASSED, None),
        (1, b"wrong answer 1st words differ", Verdict.WRONG_ANSWER, None),
        (2, b"", Verdict.PRESENTATION_ERROR, None),
        (3, b"FAIL answer is missing", Verdict.CHECKER_ERROR, None),
        (4, b"", Verdict.WRONG_ANSWER, None),
        (8, b"", Verdict.WRONG_ANSWER, None),
        (7, b"points 0.5 half of it", Verdict.PARTIAL, 0.5),
        (7, b"0.25", Verdict.PARTIAL, 0.25),
        (7, b"points 1e400", Verdict.CHECKER_ERROR, None),
        (7, b"no number", Verdict.CHECKER_ERROR, None),
        (5, b"", Verdict.CHECKER_ERROR, None),
        (42, b"", Verdict.CHECKER_ERROR, None),
        (127, b"sh: not found", Verdict.CHECKER_ERROR, None),
    ],
)
def test_testlib_tells_by_its_exit_code(code: int, stderr: bytes, verdict: Verdict, points: float | None) -> None:
    judged = judgement_of(Protocol.TESTLIB, said(code, stderr=stderr))
    assert (judged.verdict, judged.points) == (verdict, points)


def test_testlib_may_give_a_percentage() -> None:
    judged = judgement_of(Protocol.TESTLIB, said(7, stderr=b"points 30% of it"))
    assert judged.share == pytest.approx(0.3)
    assert (judged.points, judged.message) == (None, "of it")


@pytest.mark.parametrize(
    "last_words",
    [
        b'Traceback (most recent call last):\n  File "main.py", line 1\nZeroDivisionError: division by zero\n',
        b'Exception in thread "main" java.lang.NullPointerException\n\tat Main.main\n',
        b"panic: runtime error: index out of range\n\ngoroutine 1 [running]:\n",
        b"node:internal/modules/cjs/loader:1\n",
        b"main.rb:1:in 'Integer#/': divided by 0 (ZeroDivisionError)\n",
    ],
)
def test_a_crash_with_an_exit_code_that_means_something_is_a_crash(last_words: bytes) -> None:
    for code in (1, 2):
        assert judgement_of(Protocol.TESTLIB, said(code, stderr=last_words)).verdict is Verdict.CHECKER_ERROR


def test_points_are_no_part_of_the_message() -> None:
    assert judgement_of(Protocol.TESTLIB, said(7, stderr=b"points 0.5 half of it\n")).message == "half of it"


@pytest.mark.parametrize(
    ("code", "feedback", "judged"),
    [
        (42, b"\n\n\n", Judgement(Verdict.PASSED)),
        (42, b"\n\n\nwell done ", Judgement(Verdict.PASSED, message="well done")),
        (43, b"\n\n\nline 3 differs ", Judgement(Verdict.WRONG_ANSWER, message="line 3 differs")),
        (42, b"\n12.5 \n\n", Judgement(Verdict.PARTIAL, points=12.5)),
        (42, b"\n\n0.5\n", Judgement(Verdict.PARTIAL, share=0.5)),
    ],
)
def test_kattis_tells_by_its_exit_code_and_its_feedback(code: int, feedback: bytes, judged: Judgement) -> None:
    assert judgement_of(Protocol.KATTIS, said(code, stderr=b"noise" + MARK + feedback)) == judged


@pytest.mark.parametrize(
    "result",
    [
        said(0, stderr=MARK),
        said(1, stderr=b"Traceback" + MARK),
        said(42),  # Without what is printed behind it, nobody knows whether it was the judge's own.
        said(42, stderr=MARK + b"\nmuch\n\n"),
        said(137, stderr=MARK),
    ],
)
def test_a_kattis_judge_that_says_nothing_it_can_say_is_at_fault(result: StepResult) -> None:
    assert judgement_of(Protocol.KATTIS, result).verdict is Verdict.CHECKER_ERROR


@pytest.mark.parametrize(
    ("printed", "judged"),
    [
        ({"verdict": "passed"}, Judgement(Verdict.PASSED)),
        ({"verdict": "wrong_answer", "message": "no"}, Judgement(Verdict.WRONG_ANSWER, message="no")),
        ({"verdict": "partial", "points": 0.5}, Judgement(Verdict.PARTIAL, points=0.5)),
        ({"verdict": "passed", "points": 2, "more": 1}, Judgement(Verdict.PASSED, points=2.0)),
        ({"verdict": "wrong_answer", "message": 7}, Judgement(Verdict.WRONG_ANSWER)),
        ({"verdict": "wrong_answer", "message": "a\0\ud800"}, Judgement(Verdict.WRONG_ANSWER, message="a\ufffd?")),
    ],
)
def test_json_tells_by_what_it_prints(printed: dict[str, Any], judged: Judgement) -> None:
    assert judgement_of(Protocol.JSON, said(0, stdout=json.dumps(printed).encode())) == judged


@pytest.mark.parametrize(
    "printed",
    [
        b"", b"passed", b"[]", b"{}", b'{"verdict": 1}', b'{"verdict": "accepted"}', b'{"verdict": ["passed"]}',
        b'{"verdict": "timeout_wall"}', b'{"verdict": "partial"}', b'{"verdict": "partial", "points": "1"}',
        b'{"verdict": "partial", "points": true}', b'{"verdict": "partial", "points": NaN}',
        b'{"verdict": "partial", "points": 1e999}', b'{"verdict": "partial", "points": 1' + b"0" * 400 + b"}",
        b"[" * 100_000, b"\xff", b'{"verdict": "passed"} and more',
    ],
)  # fmt: skip
def test_garbage_is_the_checkers_fault(printed: bytes) -> None:
    assert judgement_of(Protocol.JSON, said(0, stdout=printed)).verdict is Verdict.CHECKER_ERROR


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize(
    "outcome", [Outcome.TIMEOUT_WALL, Outcome.TIMEOUT_CPU, Outcome.OUT_OF_MEMORY, Outcome.OUTPUT_LIMIT, Outcome.SIGNAL]
)
def test_a_judge_that_a_limit_or_a_signal_ends_is_at_fault(protocol: Protocol, outcome: Outcome) -> None:
    judged = judgement_of(protocol, said(None, outcome=outcome, stdout=b'{"verdict": "passed"}', stderr=b"so far"))
    assert judged == Judgement(Verdict.CHECKER_ERROR, message=f"{outcome.value}: so far")


def test_a_message_is_short_and_can_be_stored() -> None:
    judged = judgement_of(Protocol.TESTLIB, said(1, stderr=b"\0\xff" + b"x" * 1_000_000))
    assert len(judged.message) <= MESSAGE_CHARACTERS
    assert judged.message.startswith("\ufffd\ufffdx")


def test_each_protocol_is_started_its_way() -> None:
    testlib = check_of(Protocol.TESTLIB, RUN, given=b"in", expected=b"out")
    assert testlib.argv == ("/tmp/main", "input", "output", "answer")
    assert testlib.output_file == "output"
    assert {file.name: file.content for file in testlib.files} == {"input": b"in", "answer": b"out"}
    kattis = check_of(Protocol.KATTIS, RUN, given=b"in", expected=b"out")
    assert kattis.argv[-4:] == ("/tmp/main", "input", "answer", "feedback/")
    assert kattis.output_on_stdin
    with_json = check_of(Protocol.JSON, RUN, given=b'i\xff"', expected=b"out")
    assert json.loads(with_json.stdin + b'"x"}') == {"input": 'i\ufffd"', "expected": "out", "actual": "x"}
    assert with_json.output_in_json
    interactor = interaction_of(Protocol.TESTLIB, RUN, given=b"in", expected=b"out")
    assert interactor.argv == ("/tmp/main", "input", "output", "answer")
    assert {each.environment["A"] for each in (testlib, kattis, with_json, interactor)} == {"1"}
