"""How a step is told: its ending, its numbers, and what it printed as text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from executions.outcomes import Outcome
from executions.printed import as_text, whole_characters
from executions.results import StepRecord
from executions.signals import name_of

_STREAMS = {1: "stdout", 2: "stderr"}


def step_json(step: StepRecord, *, with_output: bool) -> dict[str, Any]:
    """One step; `with_output` has both streams in the order in which they came."""
    told = _ending(step)
    for name in ("stdout", "stderr"):
        told |= _stream(step, name)
    told |= _numbers(step)
    if with_output:
        told["output"] = list(_in_order(step))
    return told


def ending_json(step: StepRecord, *, stdout_bytes: int, stderr_bytes: int) -> dict[str, Any]:
    """One step without what it printed, which was so much."""
    sizes = {
        "stdout_bytes": stdout_bytes,
        "stderr_bytes": stderr_bytes,
        "stdout_truncated": step.stdout_truncated,
        "stderr_truncated": step.stderr_truncated,
    }
    return _ending(step) | sizes | _numbers(step)


def mean_json(steps: Sequence[StepRecord]) -> dict[str, Any]:
    """Of several runs the first one that did not end well, else the first, with the mean of their numbers."""
    shown = next((step for step in steps if step.outcome is not Outcome.OK), steps[0])
    told = step_json(shown, with_output=False)
    for name in ("wall_ms", "cpu_ms", "peak_memory_bytes"):
        values = [value for step in steps if (value := getattr(step, name)) is not None]
        mean = round(sum(values) / len(values), 3) if values else None
        told[name] = int(mean) if name == "peak_memory_bytes" and mean is not None else mean
    return told


def _ending(step: StepRecord) -> dict[str, Any]:
    return {
        "outcome": step.outcome.value,
        "exit_code": None if step.outcome is Outcome.SANDBOX_ERROR else step.exit_code,
        "signal": step.signal,
        "signal_name": name_of(step.signal) if step.signal else None,
        "message": step.detail,
    }


def _numbers(step: StepRecord) -> dict[str, Any]:
    return {"wall_ms": step.wall_ms, "cpu_ms": step.cpu_ms, "peak_memory_bytes": step.peak_memory_bytes}


def _stream(step: StepRecord, name: str) -> dict[str, Any]:
    data: bytes = getattr(step, name)
    truncated: bool = getattr(step, f"{name}_truncated")
    shown = whole_characters(data) if truncated else data
    text = as_text(shown)
    return {
        name: text,
        # Where every byte is in the text, it says nothing more.
        f"{name}_base64": base64.b64encode(data).decode() if "\ufffd" in text and text.encode() != shown else None,
        f"{name}_bytes": len(data),
        f"{name}_truncated": truncated,
    }


def _in_order(step: StepRecord) -> Iterable[dict[str, str]]:
    return ({"stream": _STREAMS[stream], "text": as_text(piece)} for stream, piece in step.pieces())
