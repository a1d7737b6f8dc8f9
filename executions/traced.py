"""What a trace tells of an execution: its wait, its container, its steps, its end. Nothing of what it is or prints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from dispatch.base import Event, Started
from executions.lifecycle import TRACEPARENT
from executions.models import OPEN, Execution
from executions.outcomes import Outcome
from rest import tracing
from sandbox.types import StepFinished

MOST_STEPS = 50
"""Of one execution: it may have hundreds of tests."""
_COMPILE = "compile"


@contextmanager
def traced(execution: Execution) -> Iterator[None]:
    """Inside, it is run: a part of the request's trace, also where that has been answered long ago."""
    about = {
        "execution": execution.pk,
        "client": execution.client_id,
        "door": execution.door,
        "lane": execution.lane,
        "language": execution.language_slug,
        "attempt": execution.attempt,
    }
    with tracing.now().part("execution", of=execution.job.get(TRACEPARENT, ""), **about) as span:
        try:
            yield
        finally:
            span.say(outcome=execution.outcome, status_of_execution=execution.status)
            if execution.outcome == Outcome.SANDBOX_ERROR or execution.status in OPEN:
                span.fail()


class Trace:
    """Makes spans of a run's events, for the thread that reads them."""

    def __init__(self, execution: Execution) -> None:
        self._accepted_ms_ago = 0.0
        if execution.background and execution.attempt == 1:
            self._accepted_ms_ago = (timezone.now() - execution.created_at).total_seconds() * 1000
        self._before = time.monotonic()
        self._steps = 0

    def take(self, event: Event) -> None:
        """Tell of it."""
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, StepFinished) and self._steps < MOST_STEPS:
            self._steps += 1
            self._end_step(event)

    def _start(self, event: Started) -> None:
        queued_ms = max(0.0, event.queue_ms - event.container_ms) + self._accepted_ms_ago
        tracing.now().past("queue", lasted_ms=queued_ms, ended_ms_ago=event.container_ms)
        tracing.now().past("container", lasted_ms=event.container_ms)
        self._before = time.monotonic()

    def _end_step(self, event: StepFinished) -> None:
        now, result = time.monotonic(), event.result
        lasted_ms = (now - self._before) * 1000
        self._before = now
        tracing.now().past(
            _COMPILE if result.name == _COMPILE else "program",
            lasted_ms=lasted_ms,
            outcome=result.outcome.value,
            wall_ms=result.wall_ms,
            cpu_ms=result.cpu_ms,
            exit_code=result.exit_code,
            signal=result.signal,
        )
