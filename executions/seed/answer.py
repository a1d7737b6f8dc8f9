"""The answer of POST /execute."""

from __future__ import annotations

from executions.models import Execution
from executions.outcomes import Outcome
from executions.results import StepRecord, steps_in
from languages.programs import COMPILE

# From which byte on a UTF-8 sequence goes on, or begins one of two, three or four bytes.
_CONTINUES, _LEADS_2, _LEADS_3, _LEADS_4 = 0x80, 0xC0, 0xE0, 0xF0


def answer(execution: Execution) -> dict[str, str | int]:
    """Exactly stdout, stderr, exit_code and error. Where compiling failed, stderr is what the compiler printed."""
    stdout, stderr = _printed(steps_in(execution))
    return {
        "stdout": stdout,
        "stderr": stderr,
        "exit_code": -1 if execution.exit_code is None else execution.exit_code,
        "error": execution.error,
    }


def _printed(steps: list[StepRecord]) -> tuple[str, str]:
    """stdout and stderr of the run; of a compile step that failed, all that it printed as stderr."""
    if not steps or (steps[-1].name == COMPILE and steps[-1].outcome is Outcome.OK):
        return "", ""
    last = steps[-1]
    if last.name == COMPILE:
        return "", text(last.stdout + last.stderr, truncated=False)
    return text(last.stdout, truncated=last.stdout_truncated), text(last.stderr, truncated=last.stderr_truncated)


def text(output: bytes, *, truncated: bool) -> str:
    """`output` as UTF-8 with U+FFFD for what is none. Where it was cut, half a character at the end is left away."""
    return (_whole_characters(output) if truncated else output).decode("utf-8", errors="replace")


def _whole_characters(output: bytes) -> bytes:
    """Without an incomplete UTF-8 sequence at the end: a lead byte stands among the last three, if there is one."""
    for back in range(1, min(3, len(output)) + 1):
        byte = output[-back]
        if byte >= _LEADS_2:
            return output[:-back] if back < _sequence_length(byte) else output
        if byte < _CONTINUES:
            break
    return output


def _sequence_length(lead: int) -> int:
    return 4 if lead >= _LEADS_4 else 3 if lead >= _LEADS_3 else 2
