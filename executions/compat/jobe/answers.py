"""How jobe tells of a run: an outcome by number, and three texts."""

from __future__ import annotations

import re
import signal

from executions.compat.jobe.words import OVERLOADED, result
from executions.compat.languages import Entry
from executions.compat.running import ran
from executions.models import OPEN, Execution
from executions.outcomes import Outcome
from executions.results import StepRecord

COMPILATION_ERROR, RUNTIME_ERROR, TIME_LIMIT, SUCCESS, INTERNAL_ERROR = 11, 12, 13, 15, 20
_OVER = (Outcome.TIMEOUT_WALL, Outcome.TIMEOUT_CPU, Outcome.OUTPUT_LIMIT)
_KEPT = ("\n", "\r", "\t")


def answer(execution: Execution, entry: Entry) -> object:
    """The answer to POST /runs."""
    run_id, (compiled, runs) = str(execution.pk), ran(execution)
    if execution.status in OPEN or execution.outcome == Outcome.CANCELLED:
        return result(run_id, OVERLOADED)
    if execution.outcome == Outcome.SANDBOX_ERROR:
        return result(run_id, INTERNAL_ERROR, stderr=execution.error)
    said = _compiler_said(compiled, entry) or (execution.error if not runs else "")
    if said or not runs:
        return result(run_id, COMPILATION_ERROR, cmpinfo=said)
    run = runs[0]
    if refused := _refused(run, entry):
        return result(run_id, COMPILATION_ERROR, cmpinfo=refused)
    outcome, stderr = _ended(run)
    stderr = stderr.replace("\n\t", "\n        ") if entry["id"] == "java" else stderr
    return result(run_id, outcome, stdout=shown(run.stdout), stderr=stderr)


def _compiler_said(step: StepRecord | None, entry: Entry) -> str:
    """What makes it a compilation error; empty where it is none."""
    if step is None or (step.outcome is Outcome.OK and not entry.get("warnings_fail")):
        return ""
    # A compiler that fails may speak on either stream; of one that does not, its warnings are what jobe looks at.
    return shown(step.stderr if step.outcome is Outcome.OK else step.stdout + step.stderr)


def _refused(run: StepRecord, entry: Entry) -> str:
    """What an interpreter says of a program that it has not begun, where jobe would have looked at the syntax first."""
    pattern = entry.get("syntax_errors")
    if not pattern or run.outcome is not Outcome.NONZERO_EXIT or run.stdout:
        return ""
    text = shown(run.stderr)
    return text if re.match(pattern, text) else ""


def _ended(run: StepRecord) -> tuple[int, str]:
    """The outcome and what is told of stderr: jobe looks at that alone, never at an exit code."""
    if run.outcome in _OVER:
        return TIME_LIMIT, ""
    number = signal.SIGKILL if run.outcome is Outcome.OUT_OF_MEMORY else run.signal
    if run.outcome in {Outcome.SIGNAL, Outcome.OUT_OF_MEMORY} and number:
        if number == signal.SIGSEGV:
            return RUNTIME_ERROR, ""
        return RUNTIME_ERROR, f"{shown(run.stderr)}warning: command terminated with signal {int(number)}\n"
    return (RUNTIME_ERROR, shown(run.stderr)) if run.stderr else (SUCCESS, "")


def shown(output: bytes) -> str:
    """As it is where it is UTF-8; else each byte that is no printable one of ASCII, and no blank, as \\xNN."""
    try:
        return output.decode()
    except UnicodeDecodeError:
        return "".join(map(_shown_byte, output))


def _shown_byte(byte: int) -> str:
    letter = chr(byte)
    return letter if letter in _KEPT or " " <= letter <= "~" else f"\\x{byte:02x}"
