"""One job on this host, carried out by a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing

from sandbox.errors import Cancelled, ContainerLost, PoolBusy, SandboxError
from sandbox.host.talked import TalkedTo
from sandbox.messages import Assignment, Begun, Ended, Failure, Heard, Numbered
from sandbox.pool import Lease, Pool, Withdrawal
from sandbox.types import Artifact, ArtifactsCollected, JobResult, Output, StepFinished, StepResult

logger = logging.getLogger(__name__)

Tell = Callable[[Numbered], None]

_SMALL_BYTES = 64 * 1024
_FEW_STEPS = 16
"""A result of so many steps that have printed so much together has room in a message with certainty."""


class HostedRun:
    """An assignment with what it has here. All but `carry_out` is callable from any thread."""

    def __init__(
        self, assignment: Assignment, pool: Pool, *, host: str, tell: Tell, answer: Callable[[Heard], None]
    ) -> None:
        """`tell` sends an event, and may wait; `answer` must not."""
        self.assignment = assignment
        self.begun = False
        talked = assignment.talked
        self.talked = None if talked is None else TalkedTo(kept_bytes=talked.kept_bytes, answer=answer)
        """Where it is talked to."""
        self._pool = pool
        self._host = host
        self._tell = tell
        self._told = 0
        self._lock = threading.Lock()
        self._cancelled = False
        self._withdrawal = Withdrawal()
        self._skipped = set(assignment.skipped)
        self._lease: Lease | None = None

    def cancel(self) -> bool:
        """End it; whether it has begun. One that has not never will."""
        with self._lock:
            self._cancelled = True
            begun = self.begun
        self._withdrawal.withdraw()
        if self.talked is not None:
            self.talked.open()
        if (lease := self._lease) is not None:
            lease.cancel()
        return begun

    def withdraw(self) -> bool:
        """Have it never begin; whether it has."""
        with self._lock:
            self._cancelled = self._cancelled or not self.begun
            begun = self.begun
        if not begun:
            self._withdrawal.withdraw()
        return begun

    def skip(self, names: Iterable[str]) -> None:
        """Leave out those of its steps that have not begun."""
        names = tuple(names)
        self._skipped.update(names)
        if (lease := self._lease) is not None:
            lease.skip(names)

    def carry_out(self) -> Ended:
        """Run it and tell of it; the last word on it, whatever happens."""
        try:
            result = self._result()
        except SandboxError as error:
            retry_after_s = error.retry_after_s if isinstance(error, PoolBusy) else 1
            return self._ended(failure=Failure(type(error).__name__, str(error)[:1000], retry_after_s))
        except Exception:
            logger.exception("%s failed for a reason of ours", self.assignment.id)
            return self._ended(failure=Failure(ContainerLost.__name__, "the host failed for a reason of its own"))
        return self._ended(result=result)

    def _ended(self, *, result: JobResult | None = None, failure: Failure | None = None) -> Ended:
        job = self.assignment
        return Ended(job.id, job.attempt, self._host, self._told, result, failure, begun=self.begun)

    def _result(self) -> JobResult:
        job = self.assignment
        began = time.monotonic()
        results: list[StepResult] = []
        artifacts: tuple[Artifact, ...] = ()
        with self._leased() as lease:
            # In this order: what comes before the lease is known here is found by the checks after it.
            self._lease = lease
            lease.skip(self._skipped)
            self._begin(container_ms=round((time.monotonic() - began) * 1000, 3))
            if job.start_ahead:
                lease.start_ahead()
            console = self.talked.console if self.talked else None
            with closing(lease.events(job.job, stream_output=job.stream_output, console=console)) as events:
                for event in events:
                    if isinstance(event, Output) and self.talked is not None:
                        self.talked.printed(len(event.data))
                    if isinstance(event, StepFinished):
                        results.append(event.result.bare() if job.bare_results else event.result)
                        if self._is_told_by_end(results):
                            # As one that was lost on its way, which the end makes up for: a message less.
                            self._told += 1
                            continue
                    if isinstance(event, ArtifactsCollected):
                        artifacts = event.artifacts
                    self._say(event)
        return JobResult(tuple(results), artifacts)

    def _is_told_by_end(self, results: list[StepResult]) -> bool:
        """Whether nothing comes after this step but the end, which is sure to have room for all of them."""
        job = self.assignment
        if job.stream_output or job.bare_results or job.talked or job.job.artifacts or not job.job.steps:
            return False
        last = job.job.steps[-1]
        if (
            results[-1].name != last.name
            or last.check is not None
            or last.interaction is not None
            or len(results) > _FEW_STEPS
        ):
            return False
        return sum(len(each.stdout) + len(each.stderr) for each in results) <= _SMALL_BYTES

    def _leased(self) -> Lease:
        job = self.assignment
        return self._pool.lease(
            job.profile,
            tenant=job.tenant,
            lane=job.lane,
            companion=job.job.companion.profile if job.job.companion else None,
            withdrawal=self._withdrawal,
        )

    def _begin(self, *, container_ms: float) -> None:
        with self._lock:
            if self._cancelled:
                raise Cancelled("cancelled while it waited")
            self.begun = True
        if self.talked is not None:
            self.talked.begin()
        self._say(Begun(self._host, container_ms))

    def _say(self, event: Begun | StepFinished | ArtifactsCollected | object) -> None:
        self._tell(Numbered(self._told, event))  # type: ignore[arg-type]  # all events of a lease, and Begun
        self._told += 1
