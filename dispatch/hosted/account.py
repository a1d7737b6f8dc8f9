"""What a host has told of a run, as events and as its result: no more than a program could have done, each thing once.

Events are numbered: those that come twice are passed over, and those that were lost on their way are made up for by
the end, which is stored, as far as that has room for them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

from dispatch.base import Task
from sandbox.errors import ContainerLost, HostLost
from sandbox.messages import Begun, Ended, Numbered
from sandbox.types import Artifact, ArtifactsCollected, Job, JobResult, Output, StepFinished, StepResult

Told = Begun | Output | StepFinished | ArtifactsCollected


class Account:
    """Of one run. `skip` is callable from any thread."""

    def __init__(self, task: Task) -> None:
        self.host: str | None = None
        """Which one it has begun on; ? where what said so was lost."""
        self.skipped: set[str] = set()
        self._task = task
        self._left_out: set[str] = set()
        self._next = 0
        """The number of the next event."""
        self._gap = False
        """Whether events were lost on their way."""
        self._bounds = _bounds_of(task.job)
        self._results: list[StepResult] = []
        self._artifacts: tuple[Artifact, ...] = ()

    def skip(self, names: Iterable[str]) -> None:
        """Steps that are not wanted."""
        self.skipped.update(names)

    def take(self, message: Numbered) -> Generator[Told, None, None]:
        """What is new in it, Begun first. Raises HostLost where it was begun a second time, and ContainerLost."""
        if message.number < self._next:
            self._require_once(message)
            return
        self._gap = self._gap or message.number > self._next
        self._next = message.number + 1
        event = message.event
        if isinstance(event, Begun):
            yield self._begun(event)
            return
        if self.host is None:
            # What said so was lost.
            yield self._begun(Begun("?"))
        if isinstance(event, StepFinished):
            self._require_bounded(event.result)
            if self._is_wanted(event.result.name):
                self._results.append(event.result.bare() if self._task.bare_results else event.result)
                yield event
            return
        if isinstance(event, ArtifactsCollected):
            self._artifacts = event.artifacts
        yield event

    def complete(self, ended: Ended, whole: Callable[[Ended], Ended]) -> Generator[Told, None, None]:
        """What was lost on its way, of an end that has a result. Raises ContainerLost where it is lost for good.

        `whole` is the end with its result, where that is stored apart.
        """
        if ended.result is None:
            raise ContainerLost("its host told no result")
        if self.host is None:
            yield self._begun(Begun(ended.host))
        self._gap = self._gap or ended.events != self._next
        if not self._gap:
            return
        ended = whole(ended)
        if self._task.stream_output or self._task.bare_results or ended.cut:
            raise ContainerLost("what it told was lost on its way")
        yield from self._missing(ended.result or JobResult(()))

    def result(self) -> JobResult:
        return JobResult(tuple(self._results), self._artifacts)

    def _missing(self, result: JobResult) -> Generator[Told, None, None]:
        told = {step.name for step in self._results}
        for step in result.steps:
            self._require_bounded(step)
            if step.name not in told and self._is_wanted(step.name):
                self._results.append(step)
                yield StepFinished(step)
        if result.artifacts and not self._artifacts:
            self._artifacts = result.artifacts
            yield ArtifactsCollected(self._artifacts)

    def _begun(self, event: Begun) -> Begun:
        self.host = event.host
        return event

    def _require_once(self, message: Numbered) -> None:
        """A NATS that crashed may give a job to a second host as if it was the first: what it tells is not the same."""
        if isinstance(message.event, Begun) and self.host is not None:
            raise HostLost("it was begun a second time")

    def _require_bounded(self, result: StepResult) -> None:
        """Of a host that a program has taken over, no more is taken than of a program."""
        most = self._bounds.get(result.name)
        if most is None or max(len(result.stdout), len(result.stderr)) > most:
            raise ContainerLost(f"its host told of step {result.name!r:.100} what cannot be")

    def _is_wanted(self, name: str) -> bool:
        """Not what was to be skipped: the host may have heard of that too late."""
        of, _, what = name.rpartition("/")
        if name in self.skipped or (of in self._left_out and what in {"check", "interact"}):
            self._left_out.add(name)
            return False
        return True


def _bounds_of(job: Job) -> dict[str, int]:
    """What may be printed of each step that there can be a result of, by its name."""
    bounds = {}
    for step in job.steps:
        bounds[step.name] = step.limits.output_bytes
        for word, judging in (("check", step.check), ("interact", step.interaction)):
            if judging is not None:
                bounds[f"{step.name}/{word}"] = judging.limits.output_bytes
    if job.companion is not None:
        bounds |= {f"companion/{step.name}": step.limits.output_bytes for step in job.companion.steps}
    return bounds
