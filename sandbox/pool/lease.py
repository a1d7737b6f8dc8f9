"""A slot and a container for one job."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from types import TracebackType

from sandbox.container import Container
from sandbox.errors import ContainerLost
from sandbox.types import Event, Job, JobResult

logger = logging.getLogger(__name__)


class Lease:
    """A slot and a container for one job. A context manager; leaving it gives both back."""

    def __init__(
        self,
        container: Container,
        *,
        tenant: str | None,
        caller: str | None,
        began: float,
        give_back: Callable[[Lease], None],
        replace: Callable[[Lease], Container],
    ) -> None:
        """`caller` holds the slot, since the monotonic time `began`; the last two are the pool's."""
        self.container = container
        self.tenant = tenant
        self.caller = caller
        self.began = began
        self._cancelled = False
        self._skipped: set[str] = set()
        self._give_back = give_back
        self._replace = replace

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back(self)

    def run(self, job: Job) -> JobResult:
        """Run the job; whatever happens to the program or the container is in the result.

        Raises ValueError for a job that cannot be passed on (NUL in an argument, a bad file name), and
        EngineUnavailable, ImageMissing, PoolBusy, PoolClosed or ContainerLost where no container would take it.
        """
        try:
            return self.container.run(job, tenant=self.tenant)
        except ContainerLost:
            self._take_another()
        return self.container.run(job, tenant=self.tenant)

    def events(self, job: Job, *, stream_output: bool = False) -> Generator[Event, None, None]:
        """Run the job and tell of it as it goes; see Container.events. Raises what `run` does, at the first `next`."""
        try:
            yield from self._events(job, stream_output)
        except ContainerLost:
            self._take_another()
        else:
            return
        yield from self._events(job, stream_output)

    def start_ahead(self) -> None:
        """Let its container start what it would have started while it waited. Call it before `run`."""
        try:
            self.container.start_ahead()
        except ContainerLost:
            logger.debug("container %s was lost before its run", self.container.id[:12])

    def skip(self, names: Iterable[str]) -> None:
        """Leave out those of the job's steps that have not begun; they have no result. Callable from any thread."""
        self._skipped.update(names)

    def cancel(self) -> None:
        """End the running step, or the next, whose outcome will be `cancelled`. Callable from any thread."""
        # Before the container is asked: one that takes its place meanwhile is told as well.
        self._cancelled = True
        try:
            self.container.cancel()
        except ContainerLost:
            logger.debug("nothing left to cancel in %s", self.container.id[:12])

    def _events(self, job: Job, stream_output: bool) -> Generator[Event, None, None]:
        return self.container.events(job, tenant=self.tenant, stream_output=stream_output, skipped=self._skipped)

    def _take_another(self) -> None:
        """Once a job: a second container that is lost as well says more about the engine than about containers."""
        logger.info("container %s was lost before its run", self.container.id[:12])
        self.container = self._replace(self)
        if self._cancelled:
            self.cancel()
