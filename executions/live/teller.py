"""What dispatch tells of a run, published for those who watch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from dispatch.base import Event, Run, Started
from executions.grading.plan import step_of
from executions.live.channel import Channel
from executions.live.channels import all_channels
from executions.live.events import Collected, TestEnded, step_ended
from executions.live.steps import is_told, steps_of, test_told
from executions.models import OPEN, Execution
from executions.results import record_of
from sandbox.types import Artifact, ArtifactsCollected, Outcome, Output, StepFinished

Json = Mapping[str, Any]


class Teller:
    """Publishes the events of one run, in the thread that reads them; nothing of one that nobody can watch."""

    def __init__(self, execution: Execution, channel: Channel | None) -> None:
        self._channel = channel
        self._job = execution.job
        self._steps = steps_of(execution.job)
        """Those that are still to come, as long as each ends well."""
        self._step = ""
        self._next_test = 0
        self._artifacts: tuple[Artifact, ...] = ()

    @property
    def wants_output(self) -> bool:
        """Whether output is to be told as it comes."""
        return self._channel is not None

    def submitted(self, run: Run) -> None:
        """Tell where it stands in line. Call it before its events are read."""
        if self._channel is not None:
            self._channel.open(position=run.position(), estimate_ms=run.estimate_ms())

    def take(self, event: Event) -> None:
        """Publish what it means. Started has to be in the row by then."""
        if self._channel is None:
            return
        if isinstance(event, Output):
            self._printed(self._channel, event)
        elif isinstance(event, StepFinished):
            self._ended(self._channel, event)
        elif isinstance(event, Started):
            self._channel.began(event.queue_ms)
            self._begin_next(self._channel)
        elif isinstance(event, ArtifactsCollected):
            self._artifacts = event.artifacts

    def test_ended(self, index: int, test: Json, *, wall_ms: float | None) -> None:
        """A test, as the row will have it, has its verdict. In the order of the tests, skipped ones in their place."""
        told = test_told(test, self._job, wall_ms=wall_ms)
        if self._channel is not None and told is not None:
            self._channel.publish(lambda seq: TestEnded(seq=seq, index=index, told=told))
        self._next_test = index + 1

    def ended(self, execution: Execution) -> None:
        """The row is final. What the row tells behind all steps is told now, in the same order."""
        if self._channel is None:
            return
        wall_ms = {step["name"]: step["wall_ms"] for step in execution.steps}
        for index, test in list(enumerate(execution.tests or ()))[self._next_test :]:
            self.test_ended(index, test, wall_ms=wall_ms.get(step_of(index)))
        for each in self._artifacts:
            self._collected(self._channel, each.name, each.size_bytes, each.skipped)
        self._channel.end()

    def _printed(self, channel: Channel, event: Output) -> None:
        if is_told(event.step):
            self._begin(channel, event.step)
            channel.printed(event.step, event.stream, event.data)
            if channel.flow is not None:
                channel.flow.wait(channel.place)

    def _ended(self, channel: Channel, event: StepFinished) -> None:
        if not is_told(event.result.name):
            return
        self._begin(channel, event.result.name)
        channel.step_is_over()
        channel.publish(lambda seq: step_ended(record_of(event.result), seq=seq))
        if event.result.outcome is Outcome.OK:
            self._begin_next(channel)

    def _begin_next(self, channel: Channel) -> None:
        if self._steps:
            self._begin(channel, self._steps[0])

    def _begin(self, channel: Channel, step: str) -> None:
        """Once for each step."""
        if step != self._step:
            self._step = step
            self._steps = self._steps[self._steps.index(step) + 1 :] if step in self._steps else []
            channel.step_began(step)

    def _collected(self, channel: Channel, name: str, size_bytes: int, skipped: str) -> None:
        channel.publish(lambda seq: Collected(seq=seq, name=name, bytes=size_bytes, skipped=skipped or None))


@contextmanager
def told(execution: Execution) -> Iterator[Teller]:
    """Inside, its run may be watched: what runs in the background, and what was opened for its submitter."""
    channel = _opened_before(execution.pk, execution.attempt)
    if channel is None and execution.background:
        channel = watch(execution.pk, attempt=execution.attempt)
    attempt, teller = execution.attempt, Teller(execution, channel)
    try:
        yield teller
    finally:
        if channel is not None:
            if execution.status not in OPEN and execution.attempt == attempt:
                teller.ended(execution)
            all_channels().close(channel)


def watch(execution_id: UUID, *, attempt: int = 1) -> Channel:
    """A channel for an execution that this process is about to run; whoever reads it waits for that."""
    return all_channels().open(execution_id, attempt=attempt)


def _opened_before(execution_id: UUID, attempt: int) -> Channel | None:
    channel = all_channels().find(execution_id)
    return channel if channel is not None and channel.attempt == attempt and not channel.is_over else None
