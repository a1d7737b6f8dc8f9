"""A slot for one job, and its container, or two."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from types import TracebackType

from sandbox import pair
from sandbox.console import Console, ConsoleExchange
from sandbox.container import Container, result_of
from sandbox.errors import ContainerLost
from sandbox.exchange import Exchange
from sandbox.types import Event, Job, JobResult, Lane, Step

logger = logging.getLogger(__name__)


class Lease:
    """A slot and a container for one job, or two containers. A context manager; leaving it gives all back."""

    def __init__(
        self,
        container: Container,
        companion: Container | None = None,
        *,
        tenant: str | None,
        caller: str | None,
        lane: Lane,
        began: float,
        give_back: Callable[[Lease], None],
        replace: Callable[[Lease, Container], Container],
    ) -> None:
        """`caller` holds the slot, since the monotonic time `began`; the last two are the pool's."""
        self.container = container
        self.companion = companion
        self.tenant = tenant
        self.caller = caller
        self.lane: Lane = lane
        self.began = began
        self.container_wait_s = 0.0
        """How long the slot was held before there was a container."""
        self._cancelled = False
        self._skipped: set[str] = set()
        self._give_back = give_back
        self._replace = replace

    @property
    def containers(self) -> tuple[Container, ...]:
        """Its one or two."""
        return (self.container,) if self.companion is None else (self.container, self.companion)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back(self)

    def run(self, job: Job) -> JobResult:
        """Run the job; whatever happens to the program or the container is in the result.

        Raises ValueError for a job that cannot be passed on (NUL in an argument, a bad file name, a companion where the
        lease has none), and EngineUnavailable, ImageMissing, PoolBusy, PoolClosed or ContainerLost where no container
        would take it.
        """
        return result_of(self.events(job))

    def events(
        self, job: Job, *, stream_output: bool = False, console: Console | None = None
    ) -> Generator[Event, None, None]:
        """Run the job and tell of it as it goes; see Container.events. Raises what `run` does, at the first `next`.

        Of a companion's steps only the ends are told: what they print may say what no program's author is to know.
        `console` is for the job's last step.
        """
        judge = self._judge(job)
        if judge is not None:
            if not (yield from judge.prepare()):
                return
            if not self.container.usable():
                # It has waited for a compiler, and a broken stream does not always show when the first step is sent.
                self._take_another()
        try:
            yield from self._tell(job, judge, stream_output=stream_output, console=console)
        except ContainerLost:
            self._take_another()
        else:
            return
        yield from self._tell(job, judge, stream_output=stream_output, console=console)

    def _tell(
        self, job: Job, judge: pair.Judge | None, *, stream_output: bool, console: Console | None
    ) -> Generator[Event, None, None]:
        container = self.container

        def exchange_for(step: Step) -> Exchange:
            if console is not None and step is job.steps[-1]:
                return ConsoleExchange(step, console, stream_output=stream_output, send=container.pass_on)
            return Exchange(step, stream_output=stream_output)

        if judge is None:
            return container.events(
                job,
                tenant=self.tenant,
                stream_output=stream_output,
                skipped=self._skipped,
                exchange_for=exchange_for,
            )
        return pair.events(
            job, self.container, judge, tenant=self.tenant, stream_output=stream_output, skipped=self._skipped
        )

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
        """End the running steps, or the next, whose outcome will be `cancelled`. Callable from any thread."""
        # Before the containers are asked: one that takes the place of another meanwhile is told as well.
        self._cancelled = True
        for container in self.containers:
            self._cancel(container)

    def _cancel(self, container: Container) -> None:
        try:
            container.cancel()
        except ContainerLost:
            logger.debug("nothing left to cancel in %s", container.id[:12])

    def _judge(self, job: Job) -> pair.Judge | None:
        if job.companion is None:
            for step in job.steps:
                if step.check or step.interaction:
                    raise ValueError("there is nowhere to check a step, or to answer it")
            return None
        if self.companion is None:
            raise ValueError("the lease has no second container")
        return pair.Judge(job.companion, self.companion, self._take_another_companion)

    def _take_another(self) -> None:
        """Once a job: a second container that is lost as well says more about the engine than about containers."""
        logger.info("container %s was lost before its run", self.container.id[:12])
        self.container = self._replace(self, self.container)
        if self._cancelled:
            self._cancel(self.container)

    def _take_another_companion(self, lost: Container) -> Container:
        logger.info("container %s was lost before its run", lost.id[:12])
        self.companion = another = self._replace(self, lost)
        if self._cancelled:
            self._cancel(another)
        return another
