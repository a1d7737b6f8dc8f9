"""The events of an execution as its row tells them, at the same places as they were told live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from executions.grading.plan import step_of
from executions.live.characters import Characters
from executions.live.events import (
    Began,
    Collected,
    Ended,
    Event,
    Gap,
    Printed,
    Queued,
    Restarted,
    StepBegan,
    TestEnded,
    first_place,
    step_ended,
)
from executions.live.steps import is_told, test_told
from executions.models import OPEN, Execution
from executions.results import StepRecord, steps_in

_PIECE_BYTES = 16 * 1024
_EXACT_TURNS = 4094
"""Of how many changes between two streams the order is told for sure; the sandbox sums up what comes behind them."""


class _Turn(NamedTuple):
    stream: int
    data: bytes
    is_exact: bool
    """Whether it stands where it stood when it was told live."""


def story(execution: Execution, *, after: int = -1) -> Iterator[Event | Gap]:
    """What stands behind that place, as far as the row knows. An open row has its beginning, a finished one all.

    A Gap takes the place of the rest of a step's output for one who has seen a part of it, in an order that the row
    does not have.
    """
    teller = _Teller(execution)
    for event in teller.events():
        if isinstance(event, Gap):
            if event.first <= after < event.last:
                yield Gap(after + 1, event.last)
                after = event.last
        elif event.seq > after:
            yield event.after(after) if isinstance(event, Printed) else event


class _Teller:
    """Gives each event its place."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._place = first_place(execution.attempt)

    def events(self) -> Iterator[Event | Gap]:
        """All of them. A Gap here is where the order of what follows, up to its end, is not known."""
        execution = self._execution
        yield Queued(seq=0)
        if execution.attempt > 1:
            yield Restarted(seq=self._place, attempt=execution.attempt)
        if execution.started_at is not None:
            yield Began(seq=self._next(), attempt=execution.attempt, queue_ms=execution.queue_ms)
        if execution.status in OPEN:
            return
        for step in steps_in(execution):
            if is_told(step.name):
                yield from self._step(step)
        wall_ms = {step["name"]: step["wall_ms"] for step in execution.steps}
        for index, test in enumerate(execution.tests or ()):
            told = test_told(test, execution.job, wall_ms=wall_ms.get(step_of(index)))
            if told is not None:
                yield TestEnded(seq=self._next(), index=index, told=told)
        for each in execution.artifacts or ():
            size_bytes, skipped = each.get("bytes"), each.get("skipped")
            yield Collected(seq=self._next(), name=each["name"], bytes=size_bytes, skipped=skipped)
        yield Ended(seq=self._next())

    def _step(self, step: StepRecord) -> Iterator[Event | Gap]:
        yield StepBegan(seq=self._next(), step=step.name)
        end = self._place + len(step.stdout) + len(step.stderr)
        is_exact = True
        for stream, data, exact in _told(step):
            if is_exact and not exact:
                yield Gap(self._place + 1, end)
            is_exact = exact
            self._place += len(data)
            yield Printed(seq=self._place, step=step.name, stream=stream, data=data)
        yield step_ended(step, seq=self._next())

    def _next(self) -> int:
        self._place += 1
        return self._place


def _told(step: StepRecord) -> Iterator[_Turn]:
    """Its output between characters, as a channel cuts it."""
    characters = Characters()
    exact = True
    for stream, data, is_exact in _turns(step):
        exact = is_exact if data else exact
        for at in range(0, len(data), _PIECE_BYTES):
            if shown := characters.whole(stream, data[at : at + _PIECE_BYTES]):
                yield _Turn(stream, shown, exact)
    for stream, data in characters.rest():
        yield _Turn(stream, data, exact)


def _turns(step: StepRecord) -> Iterator[_Turn]:
    whole = {1: memoryview(step.stdout), 2: memoryview(step.stderr)}
    sizes = ((1, len(step.stdout)), (2, len(step.stderr)))
    one_stream = not (step.stdout and step.stderr)
    exact_turns = len(sizes) if one_stream else min(len(step.order), _EXACT_TURNS)
    at = {1: 0, 2: 0}
    for number, (stream, size) in enumerate(sizes if one_stream else step.order or sizes):
        data = bytes(whole[stream][at[stream] : at[stream] + size])
        at[stream] += size
        yield _Turn(stream, data, number < exact_turns)
    for stream, rest in whole.items():
        yield _Turn(stream, bytes(rest[at[stream] :]), is_exact=False)
