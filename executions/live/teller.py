"""What dispatch tells of a run, published for those who watch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from dispatch.base import Event, Run, Started
from executions.live.channel import Channel
from executions.live.channels import all_channels
from executions.live.events import Collected, TestEnded, step_ended
from executions.live.steps import is_told
from executions.models import OPEN, Execution
from executions.results import record_of
from sandbox.types import ArtifactsCollected, Outcome, Output, StepFinished


class Teller:
    """Publishes the events of one run, in the thread that reads them; nothing of one that nobody can watch."""

    def __init__(self, execution: Execution, channel: Channel | None) -> None:
        self._channel = channel
        self._steps = [step["name"] for step in execution.job.get("steps", ()) if is_told(step["name"])]
        """Those that are still to come, as long as each ends well."""
        self._step = ""

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
            for each in event.artifacts:
                self._collected(self._channel, each.name, each.size_bytes, each.skipped)

    def test_ended(self, index: int, told: Mapping[str, Any], *, wall_ms: float | None) -> None:
        """A test has its verdict, told as everybody may read it. In the order of the tests, skipped ones included."""
        if self._channel is not None:
            self._channel.publish(lambda seq: TestEnded(seq=seq, index=index, told={**told, "wall_ms": wall_ms}))

    def _printed(self, channel: Channel, event: Output) -> None:
        if is_told(event.step):
            self._begin(channel, event.step)
            channel.printed(event.step, event.stream, event.data)

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
    attempt = execution.attempt
    try:
        yield Teller(execution, channel)
    finally:
        if channel is not None:
            if execution.status not in OPEN and execution.attempt == attempt:
                channel.end()
            all_channels().close(channel)


def watch(execution_id: UUID, *, attempt: int = 1) -> Channel:
    """A channel for an execution that this process is about to run; whoever reads it waits for that."""
    return all_channels().open(execution_id, attempt=attempt)


def _opened_before(execution_id: UUID, attempt: int) -> Channel | None:
    channel = all_channels().find(execution_id)
    return channel if channel is not None and channel.attempt == attempt and not channel.is_over else None
