"""What runs a task, as its callers see it: an interface, so that they need not know which process or host that is.

Theory of operation. A caller describes a task wholly: what it runs in, its files, its steps. `submit` hands it over and
gives a run, whose events are read until the last. The events of a run belong to one reader; reading them is what moves
a run of this process on, and closing them early ends the program. What the program did is in the events; what we could
not do is raised, from `events` and not from `submit`, as one of the sandbox's errors:

- before Started, nothing has run: PoolBusy (no slot in time), PoolClosed (shutting down), EngineUnavailable,
  ImageMissing, Cancelled (while it waited);
- after Started, what was printed until then is lost with the run: EngineUnavailable, ContainerLost.

A task that a backend cannot pass on is NotCarried, and has not run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID

from sandbox.console import Console
from sandbox.engine import Images
from sandbox.hosts import HostState, ImageState
from sandbox.types import ArtifactsCollected, Job, JobResult, Lane, Output, Profile, StepFinished, WarmTarget

Report = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True, slots=True)
class Task:
    """All that is needed to run it, on whatever host."""

    id: str
    """An execution's id, or any other that no task in flight has."""
    profile: Profile
    job: Job
    attempt: int = 1
    """Which one of its row: what an earlier one has come to is no result of this one."""
    tenant: str | None = None
    """Whose program it is: containers are used again for the same one only, and never for None."""
    caller: str | None = None
    """Who shares slots and places in line with others, in turns; None is not bounded."""
    lane: Lane = "interactive"
    """In which line it waits: interactive before batch, though batch gets on as well."""
    wait_ms: int | None = None
    """How long it may wait for its start; None: what the server allows."""
    stream_output: bool = False
    """Whether output is an event as it comes. The results have all of it either way."""
    bare_results: bool = False
    """Whether the last event's results are without what was printed: of many steps, each with its own event, all that
    they have printed is more than a server should hold."""
    console: Console | None = None
    """Of this process: what is said to the last step while it runs."""
    start_ahead: bool = False
    """Whether a container that was made for it starts first what waiting ones have started: for a test of that."""


@dataclass(frozen=True, slots=True)
class Started:
    """The task has a slot and a container; its first step begins."""

    queue_ms: float
    container_ms: float = 0.0
    """How much of it was the wait for the container, with a slot already."""
    over_after_ms: float | None = None
    """Where its end is known already: how long ago it has started. Nothing but its end is left to be told."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event: one result for each step that was started."""

    result: JobResult


Event = Started | Output | StepFinished | ArtifactsCollected | Finished


class Reservation(Protocol):
    """A slot and its containers that were free at once. Submit it with its task, or release it."""

    def release(self) -> None:
        """Give it back unused; harmless where it was used or released already."""


class Run(Protocol):
    """A task that was submitted."""

    def events(self) -> Generator[Event, None, None]:
        """Started, then what happens, Finished last; see the module for what is raised. For one reader, once."""

    def skip(self, names: Iterable[str]) -> None:
        """Leave out those of its steps that have not begun. They have no result. Callable from any thread, and by the
        reader between two events."""

    def position(self) -> int | None:
        """How many are before it in line, as things are now; None once it has started, or has ended.

        Before its events are read: how many would be before it. Callable from any thread, as `estimate_ms` is.
        """

    def estimate_ms(self) -> float | None:
        """When it should start, by how long tasks hold a slot of late; None once it has started, or has ended."""

    def is_gone(self) -> bool:
        """Whether nothing of it is left, once its events have ended: its container is. Raises EngineUnavailable."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What has become of containers since this process began."""

    started: int = 0
    lost: int = 0
    """That ended by themselves."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Starts that failed, by the kind of error."""
    leases: int = 0
    """Tasks that got one."""
    leases_waited: int = 0
    """Of these: those that had to wait for a slot or a container."""
    leases_reused: int = 0
    """Of these: those that got one which their tenant had used before."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much can be run now."""

    slots: int
    in_use: int
    waiting: int
    """Tasks that wait for a slot."""
    warm: Mapping[Profile, int]
    """Containers that wait for a task, by what they are made of."""
    waiting_batch: int = 0
    """Of those that wait: in the lane of batch."""
    happened: Happened = field(default_factory=Happened)
    in_cells: Mapping[Profile, bool] = field(default_factory=dict)
    """Whether the last container of each profile has a cell for each task; nothing of those that had none."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """How a task ended, stored outside of the process that asked for it, until a row has it."""

    task_id: str
    attempt: int
    result: JobResult | None
    """None where it is known only that it has ended without one, or with more than could be stored."""
    lost: bool
    """Whether it may have run and has no result, through a fault of ours."""
    goes_on: bool
    """Whether it is with a host all the same: this end is one that its process has not taken for the last."""
    done: Callable[[], None]
    """A row has it, or none wants it."""
    later: Callable[[], None]
    """It is to be told again in a moment, to whichever process."""
    more: Callable[[], JobResult | None] | None = None
    """What the result is, where it is large and not told yet; None where it is lost. Raises EngineUnavailable."""

    def whole(self) -> Leftover:
        """The same with its result."""
        return self if self.more is None else replace(self, result=self.more(), more=None)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts that run tasks."""

    hosts: Sequence[HostState]
    """Those that have said so of late, by name."""
    waiting: Mapping[str, int]
    """Tasks that no host has yet, by lane."""
    images_of: Callable[[HostState], Sequence[ImageState]] = lambda _host: ()
    """What a host has of the images of enabled languages."""


class Backend(Protocol):
    """Runs tasks. Safe for threads."""

    remote: bool
    """Whether hosts run its tasks: they go on when this process ends, and `leftovers` tells of them."""

    def prepare(self, report: Report) -> None:
        """Put in place what every run needs, once for an installation. Raises SandboxError."""

    def reserve(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
    ) -> Reservation | None:
        """What a task could start in at once, if there is such a thing. Raises PoolClosed.

        `companion` is the profile of the job's companion, where it has one.
        """

    def submit(self, task: Task, *, reservation: Reservation | None = None) -> Run:
        """Take a task over. Nothing is raised here: see `Run.events`."""

    def cancel(self, task_id: str) -> bool:
        """End a task, waiting or running, within a second. False where no such task is in flight."""

    def left_by(self, worker: UUID) -> bool:
        """Whether containers of a server process are there: of one that has ended, they may run on for a moment.

        Raises EngineUnavailable.
        """

    def goes_on(self, task_id: str, attempt: int) -> bool:
        """Whether a task goes on, or its end is yet to be told by `leftovers`, whatever became of who asked for it.

        Raises EngineUnavailable.
        """

    def abandon(self, task_id: str, attempt: int) -> None:
        """End a task whose process has ended; one that is not there is fine. Its end is told by `leftovers`."""

    def check(self, *, timeout_s: float) -> None:
        """Raise EngineUnavailable unless what runs programs answers."""

    def leftovers(self, *, most: int, timeout_s: float) -> list[Leftover]:
        """Ends that no row may have yet; all of them, and again until `done`. Comes back empty after `timeout_s`."""

    def capacity(self) -> Capacity:
        """What is in use, waiting and warm right now."""

    def fleet(self) -> Fleet | None:
        """The hosts; None where this process runs its tasks. Raises EngineUnavailable."""

    def drain(self, host: str, *, drained: bool) -> None:
        """Have the hosts of this name take no more tasks, or take them again. Raises EngineUnavailable."""

    def keep_warm(self, targets: Mapping[Profile, WarmTarget]) -> None:
        """Replace what is kept started and waiting."""

    def images(self, *, timeout_s: float) -> Images:
        """The images that tasks run in; a call that takes longer than `timeout_s` without a word gives up."""

    def close(self, *, grace_s: float) -> None:
        """Refuse new tasks, let those in flight end within `grace_s`, cancel the rest, leave nothing behind."""


class InProcess:
    """The part of a `Backend` that is the same wherever tasks run in this process, and end with it."""

    remote = False

    def goes_on(self, task_id: str, attempt: int) -> bool:
        del task_id, attempt
        return False

    def abandon(self, task_id: str, attempt: int) -> None:
        """What runs here ends with this process."""

    def leftovers(self, *, most: int, timeout_s: float) -> list[Leftover]:
        del most, timeout_s
        return []

    def fleet(self) -> Fleet | None:
        return None

    def drain(self, host: str, *, drained: bool) -> None:
        """There are no hosts."""


def result_of(run: Run) -> JobResult:
    """Read a run to its end. Raises what its events raise."""
    for event in run.events():
        if isinstance(event, Finished):
            return event.result
    raise RuntimeError("a run ended without its last event")
