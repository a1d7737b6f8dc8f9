"""Checkers and interactors: how each protocol starts them, and what they have said when they end.

All find the test's input and answer in files beside them. A judge that crashes, runs out of something, or says what its
protocol does not know is at fault itself: checker_error, and nothing is said of the program that it looked at.

- testlib: `input output answer` as arguments; the exit code tells (the usual ones, not those for ejudge), and a message
  comes on stderr, which begins with the points where the code is 7. An interactor's `output` is its own to write.
- kattis: `input answer feedback/` as arguments, the output (or the program) on stdin; exit code 42 or 43, and files in
  the feedback folder, which a line of shell prints behind what the judge itself has said.
- json: {"input", "expected", "actual"} on stdin, an object with a verdict on stdout.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from executions.grading.asked import Protocol
from executions.grading.verdicts import Verdict
from sandbox.types import Check, File, Interaction, Outcome, Step, StepResult

MESSAGE_CHARACTERS = 1000
"""Of what a judge says, for the answer."""
PROTOCOLS_OF_INTERACTORS = (Protocol.TESTLIB, Protocol.KATTIS)

_INPUT, _OUTPUT, _ANSWER, _FEEDBACK = "input", "output", "answer", "feedback/"
_READ_BYTES = 64 * 1024
"""Of what a judge prints: more than any message needs."""

_TESTLIB: Mapping[int, Verdict] = MappingProxyType(
    {
        0: Verdict.PASSED,
        1: Verdict.WRONG_ANSWER,
        2: Verdict.PRESENTATION_ERROR,
        3: Verdict.CHECKER_ERROR,
        4: Verdict.WRONG_ANSWER,  # More than what was asked for.
        8: Verdict.WRONG_ANSWER,  # Less.
    }
)
_TESTLIB_POINTS = 7
_POINTS = re.compile(r"\A\s*(?:points\s+)?([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(%?)\s*")
"""A number, or a percentage."""
_CRASHES = re.compile(
    r"^(?:Traceback \(most recent call last\):|\w*SyntaxError: |Exception in thread \"|goroutine \d+ \[|node:internal/"
    r"|[^\n]*\([A-Z]\w*(?:Error|Exception)\)$|(?:PHP )?Fatal error: |Unhandled [Ee]xception)",
    re.MULTILINE,
)
"""What runtimes print of an error that nobody has dealt with: many exit with 1 or 2 then, which mean something here."""

_KATTIS_ACCEPTED, _KATTIS_WRONG = 42, 43
_MARK = "\n--- gexec: feedback ---\n"
_KATTIS_SCRIPT = f"""
mkdir -p {_FEEDBACK} && "$@"
code=$?
printf '{_MARK.encode("unicode_escape").decode()}' >&2
for name in score.txt score_multiplier.txt judgemessage.txt; do
    printf '\\n' >&2
    [ -f {_FEEDBACK}$name ] && head -c 4096 {_FEEDBACK}$name | tr '\\n' ' ' >&2
done
exit $code
"""
"""Runs the judge, then prints what it has left, a line each. $@ is its command."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one test."""

    verdict: Verdict
    points: float | None = None
    """In the test's own points, where the judge gave some."""
    share: float | None = None
    """Of the test's points, from 0 to 1, where it said that instead."""
    message: str = ""


def check_of(protocol: Protocol, run: Step, *, given: bytes, expected: bytes) -> Check:
    """What looks at the output of a test: `run` is the judge's own command, limits and environment."""
    files = (File(_INPUT, given), File(_ANSWER, expected))
    check = Check(run.argv, run.limits, run.environment)
    if protocol is Protocol.TESTLIB:
        return replace(check, argv=(*run.argv, _INPUT, _OUTPUT, _ANSWER), files=files, output_file=_OUTPUT)
    if protocol is Protocol.KATTIS:
        return replace(check, argv=_kattis(run.argv), files=files, output_on_stdin=True)
    begun = json.dumps({"input": _decoded(given), "expected": _decoded(expected)})
    return replace(check, stdin=f'{begun[:-1]}, "actual": '.encode(), output_in_json=True)


def interaction_of(protocol: Protocol, run: Step, *, given: bytes, expected: bytes) -> Interaction:
    """What talks to the program in a test."""
    files = (File(_INPUT, given), File(_ANSWER, expected))
    argv = _kattis(run.argv) if protocol is Protocol.KATTIS else (*run.argv, _INPUT, _OUTPUT, _ANSWER)
    return Interaction(argv, run.limits, run.environment, files)


def judgement_of(protocol: Protocol, result: StepResult) -> Judgement:
    """What a judge that has ended has said."""
    if result.outcome not in {Outcome.OK, Outcome.NONZERO_EXIT} or result.exit_code is None:
        return Judgement(Verdict.CHECKER_ERROR, message=_why(result))
    return _READERS[protocol](result)


def _kattis(argv: tuple[str, ...]) -> tuple[str, ...]:
    return ("sh", "-c", _KATTIS_SCRIPT, "sh", *argv, _INPUT, _ANSWER, _FEEDBACK)


def _testlib_said(result: StepResult) -> Judgement:
    text, code = _text(result.stderr), result.exit_code
    if code == _TESTLIB_POINTS:
        points, is_share = _points_in(text)
        if points is None:
            return _nonsense(result, "it gave no points")
        message = _shortened(_POINTS.sub("", text))
        given = {"share": points} if is_share else {"points": points}
        return Judgement(Verdict.PARTIAL, **given, message=message)
    verdict = _TESTLIB.get(-1 if code is None else code)
    if verdict is None or (code and _CRASHES.search(text)):
        return _nonsense(result)
    return Judgement(verdict, message=_shortened(text))


def _kattis_said(result: StepResult) -> Judgement:
    code = result.exit_code
    _, marked, feedback = _text(result.stderr).rpartition(_MARK)
    if code not in {_KATTIS_ACCEPTED, _KATTIS_WRONG} or not marked:
        return _nonsense(result)
    score, multiplier, message = (*feedback.split("\n")[1:4], "", "", "")[:3]
    if code == _KATTIS_WRONG:
        return Judgement(Verdict.WRONG_ANSWER, message=_shortened(message))
    (points, _), (share, _) = _points_in(score), _points_in(multiplier)
    given = points is not None or share is not None
    if (score.strip() and points is None) or (multiplier.strip() and share is None):
        return _nonsense(result, "its score is no number")
    verdict = Verdict.PARTIAL if given else Verdict.PASSED
    return Judgement(verdict, points, None if points is not None else share, _shortened(message))


def _json_said(result: StepResult) -> Judgement:
    if result.exit_code or result.stdout_truncated:
        return _nonsense(result)
    try:
        said = json.loads(result.stdout[:_READ_BYTES].decode())
    except (ValueError, RecursionError):
        return _nonsense(result, "it printed no JSON")
    verdict = _JSON_VERDICTS.get(str(said.get("verdict"))) if isinstance(said, dict) else None
    if verdict is None:
        return _nonsense(result, "it printed no verdict")
    points, message = said.get("points"), said.get("message", "")
    if isinstance(points, bool) or not isinstance(points, (int, float, type(None))) or not _finite(points):
        return _nonsense(result, "its points are no number")
    if verdict is Verdict.PARTIAL and points is None:
        return _nonsense(result, "it gave no points")
    text = message if isinstance(message, str) else ""
    return Judgement(verdict, None if points is None else float(points), message=_shortened(_printable(text)))


_JSON_VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        each.value: each
        for each in (
            Verdict.PASSED,
            Verdict.WRONG_ANSWER,
            Verdict.PRESENTATION_ERROR,
            Verdict.PARTIAL,
            Verdict.CHECKER_ERROR,
        )
    }
)
_READERS = {Protocol.TESTLIB: _testlib_said, Protocol.KATTIS: _kattis_said, Protocol.JSON: _json_said}


def _nonsense(result: StepResult, why: str = "") -> Judgement:
    said = _text(result.stderr).partition(_MARK)[0].strip()
    message = f"exit code {result.exit_code}" + (f", {why}" if why else "") + (f": {said}" if said else "")
    return Judgement(Verdict.CHECKER_ERROR, message=_shortened(message))


def _why(result: StepResult) -> str:
    said = _text(result.stderr).partition(_MARK)[0].strip()
    return _shortened(f"{result.outcome.value}: {said}" if said else result.outcome.value)


def _points_in(text: str) -> tuple[float | None, bool]:
    """The number that it begins with, None where there is none; and whether it is a share, given as a percentage."""
    found = _POINTS.match(text)
    if found is None or not math.isfinite(float(found[1])):
        return None, False
    return (float(found[1]) / 100, True) if found[2] else (float(found[1]), False)


def _finite(points: float | None) -> bool:
    if points is None:
        return True
    try:
        return math.isfinite(points)
    except OverflowError:  # An integer that no float can hold.
        return False


def _decoded(data: bytes) -> str:
    return data.decode(errors="replace")


def _text(data: bytes) -> str:
    return _printable(data[:_READ_BYTES].decode(errors="replace"))


def _printable(text: str) -> str:
    """PostgreSQL stores no NUL, and UTF-8 no lone surrogate."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MESSAGE_CHARACTERS else f"{text[: MESSAGE_CHARACTERS - 1]}…"
