"""What is said to a person who runs a program without scripts: how it ended, or why it was not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest.display import duration, size, visible

_ENDED = {
    "ok": "finished",
    "timeout_wall": "ended at its time limit",
    "timeout_cpu": "ended at its limit of CPU time",
    "out_of_memory": "ended at its memory limit",
    "output_limit": "ended at its output limit",
    "compile_error": "not compiled: the compiler found an error",
    "cancelled": "stopped",
    "sandbox_error": "not run to its end, through no fault of the program",
}
_LOST = "not ended yet: the run was lost, and waits to be begun again"
_REFUSED = {
    "rate_limited": "That were as many runs as one may have for now. Try again in {wait} s.",
    "quota_exceeded": "What you may use for now is used up. Try again in {wait} s.",
    "no_slot": "The server is busy. Nothing was run: try again in {wait} s.",
    "queue_full": "The server is busy. Nothing was run: try again in {wait} s.",
    "shutting_down": "The server is being restarted. Nothing was run: try again in {wait} s.",
    "engine_unavailable": "The server cannot run programs at the moment. Nothing was run: try again in {wait} s.",
    "database_unavailable": "The server cannot run programs at the moment. Nothing was run: try again in {wait} s.",
    "unauthorized": "This server runs programs with an API key only: type yours beside Arguments.",
    "body_too_large": "The program and its input are larger than they may be.",
    "internal_error": "The server has made a mistake. It is in its log.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A result as the page shows it."""

    title: str
    facts: str = ""
    compiler: str = ""
    stdout: str = ""
    stderr: str = ""
    is_good: bool = False


def ended(told: Mapping[str, Any]) -> Shown:
    """Of an execution's resource."""
    run: Mapping[str, Any] = told["run"] or {}
    compiled: Mapping[str, Any] = told["compile"] or {}
    return Shown(
        title=_title(told["outcome"], run),
        facts=_facts(run or compiled, told),
        compiler=_text(compiled, "stdout") + _text(compiled, "stderr"),
        stdout=_text(run, "stdout"),
        stderr=_text(run, "stderr"),
        is_good=told["outcome"] == "ok",
    )


def refused(problem: Mapping[str, Any], wait: str) -> str:
    """Of a problem; `wait` is how many seconds its Retry-After says."""
    known = _REFUSED.get(problem["code"])
    return known.format(wait=wait or "a few") if known else visible(str(problem["detail"]).encode())


def _title(outcome: str | None, run: Mapping[str, Any]) -> str:
    if outcome in ("ok", "nonzero_exit"):
        return f"finished: exit code {run.get('exit_code')}"
    if outcome == "signal":
        return f"ended by {run.get('signal_name') or 'a signal'}"
    return _ENDED.get(outcome or "", _LOST)


def _facts(step: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    cpu, memory = step.get("cpu_ms"), step.get("peak_memory_bytes")
    facts = [duration(step.get("wall_ms"))]
    facts += [f"CPU {duration(cpu)}"] if cpu is not None else []
    facts += [size(memory)] if memory else []
    return " · ".join([*facts, str(told["language"]["version"])])


def _text(step: Mapping[str, Any], stream: str) -> str:
    text = visible(str(step.get(stream, "")).encode())
    return f"{text}\n(cut at its output limit)" if step.get(f"{stream}_truncated") else text
