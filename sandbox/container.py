"""One sandbox container from the pool's side: sends jobs to its runner and collects the answers.

A container is used by one thread at a time; only `cancel` and `pass_on` may be called from another.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import suppress
from typing import TypeVar

from sandbox import protocol
from sandbox.collecting import Collecting
from sandbox.engine import Engine, Stream
from sandbox.errors import ContainerLost, EngineUnavailable, ProtocolError
from sandbox.exchange import Conversation, Exchange
from sandbox.types import (
    ArtifactsCollected,
    Event,
    File,
    Job,
    JobResult,
    Outcome,
    Output,
    Profile,
    Step,
    StepFinished,
    StepResult,
)

logger = logging.getLogger(__name__)

R = TypeVar("R")

EVERYBODY = "*"
"""The tenant of jobs whose profile shares containers. No key is called so."""

_CLEAN = (Outcome.OK, Outcome.NONZERO_EXIT)
"""After any other ending the container goes: what a program has left behind that met a limit or a signal is not worth
finding out."""
_OURS = (Outcome.SANDBOX_ERROR, Outcome.CANCELLED)
"""After any other ending the runner is there and has nothing left to end: a fresh step may follow."""
RESCUE_S = 6.0
"""How long a runner that is overdue may take once its container has no quota any more: it has to kill, and to wait for
the end of, what may be in the middle of a long system call."""
CANCELLED_S = 3.0
"""How long a runner may take to say that it has ended what was cancelled, which takes milliseconds; then it is overdue.
An engine that hangs passes neither the word nor the answer on."""
_LOOK_S = 0.5
"""How often a thread that waits for a runner looks whether its step was cancelled meanwhile."""
_CPU_LOOK_S = 2.0
"""How often, while a runner says nothing, its container's own count is compared with a step's limit of CPU time."""
_CPU_LOOK_AGAIN_S = 0.4
"""The same where the count is beyond the limit, and may be by what no step has used."""
_CPU_OVER_MS = 400.0
"""So far beyond the limit a runner that gets to run has ended the step: what it and the start of a container use is not
told, and is counted there."""
_WIPED_S = 0.2
"""How long a lease of a used container waits for its runner to be done with cleaning up. It takes milliseconds; a
container that takes longer has much to remove, and a fresh one is there sooner."""


class Container:
    """A started container and its runner."""

    def __init__(self, engine: Engine, stream: Stream, profile: Profile) -> None:
        self.profile = profile
        self.runs = 0
        self.tenant: str | None = None
        """Whose runs this container has seen; None before the first."""
        self.in_cell = False
        """Whether the runner makes a cell for each job, as it said last."""
        self.idle_since = time.monotonic()
        self._engine = engine
        self._stream = stream
        self._frames = protocol.FrameReader()
        self._memory_bytes = profile.memory_bytes
        self._sending = threading.Lock()
        """A `cancel` from another thread must not fall into the middle of a frame."""
        self._clean = True
        """Whether all that ran here ended by itself."""
        self._sound = True
        """Whether the runner has answered for all that ran here, and nothing is on its way to it."""
        self._cancelled_by = float("inf")
        """Monotonic time by which a step that was cancelled has to have its answer."""
        self.lost = False
        """Whether it ended by itself, or its stream broke, under a job."""
        self.overdue = False
        """The runner did not answer in time: nobody knows what goes on in the container until it is gone."""
        self._unthrottled = False
        self._told_cpu_ms = 0.0
        self._cpu_look_at = 0.0
        """Monotonic time of the next one."""
        self._cpu_looks = threading.Lock()
        """Held while one is under way: an engine that hangs has one thread wait for it."""
        self._busy = False
        """A job has begun and is not over; it stays so where the consumer of its events left early."""
        self._awaits_ready = True
        self._ahead = _ahead_frame(profile)
        """What has not been sent yet."""
        self._opening = b""
        """The files of a job of which no step has begun."""
        self._untouched = False
        """Whether that is so."""

    @property
    def id(self) -> str:
        """The engine's id of this container."""
        return self._stream.container_id

    @property
    def reusable(self) -> bool:
        """Whether another run may follow: every ending was clean and the profile allows one more.

        A cell ends with all that is in it, by the kernel's own doing: there the ending need not have been clean.
        """
        if self.tenant is None or self._busy or not self._sound:
            return False
        if self.in_cell:
            return self.runs < self.profile.cells
        return self._clean and self.runs < self.profile.runs_per_container

    @property
    def unsettled(self) -> bool:
        """Whether something of a job may still run there: its end was not awaited, or not answered in time."""
        return self._busy or self.overdue

    @property
    def may_be_throttled(self) -> bool:
        """Whether what may still run there may keep it from ending, since its quota holds."""
        return self.unsettled and not self._unthrottled

    def usable(self, timeout_s: float = _WIPED_S) -> bool:
        """Whether a job can be sent now: the runner has sent that it is ready, and nothing since."""
        try:
            if self._awaits_ready:
                self.wait_ready(timeout_s)
        except (ContainerLost, ProtocolError):
            return False
        return self._stream.quiet()

    def wait_ready(self, timeout_s: float) -> None:
        """Wait for the runner's word, after the start or after a job. Raises ContainerLost, ProtocolError."""
        deadline = time.monotonic() + timeout_s
        while True:
            data = self._stream.receive(max(0.0, deadline - time.monotonic()))
            if data is None:
                raise ContainerLost(f"the runner was not ready within {timeout_s:g} s")
            frames = self._frames.feed(data)
            if not frames:
                continue
            # Nothing may come before or behind the R: a byte that a program had forged would be read as the next job's.
            if len(frames) > 1 or not isinstance(frames[0], protocol.Ready) or self._frames.pending:
                raise ProtocolError(f"expected R, got {[type(frame).__name__ for frame in frames]}")
            if frames[0].jobs_done != self.runs:
                raise ProtocolError(f"the runner has done {frames[0].jobs_done} jobs, not {self.runs}")
            if self.runs and frames[0].in_cell != self.in_cell:
                raise ProtocolError("the runner makes cells now and then")
            self.in_cell = frames[0].in_cell
            self._awaits_ready = False
            return

    def start_ahead(self) -> None:
        """Let the runner start what the profile says, so that it waits for the next job. Raises ContainerLost."""
        if self._ahead:
            self._send(self._ahead)
            self._ahead = b""

    def run(self, job: Job, *, tenant: str | None) -> JobResult:
        """Run one job to its end; see `events`, whose errors it raises."""
        return result_of(self.events(job, tenant=tenant))

    def events(
        self,
        job: Job,
        *,
        tenant: str | None,
        stream_output: bool = False,
        skipped: Collection[str] = (),
        exchange_for: Callable[[Step], Exchange] | None = None,
    ) -> Generator[Event, None, None]:
        """Run one job and tell of it as it goes: how each step ended, also when the container broke under it, and where
        `stream_output` is asked for what it prints, as it comes. What it prints is in the step's result either way.

        `skipped` is looked at before each step: one whose name is there by then is left out, and has no result. After
        the last step come the files that the job asks for, unless it was cancelled or failed for a fault of ours.

        Nothing begins before the first `next`. A consumer that closes the generator before the job is over ends the
        program, and the container with it. Raises ContainerLost where nothing of the job can have started, so that
        another container may take it, and ValueError where the job does not fit into frames. `exchange_for` is asked
        for a step's conversation when it is about to begin. Of companions, checks and interactions nothing is known
        here.
        """
        collecting = Collecting(job.artifacts) if job.artifacts else None
        self.open_job(job.files, tenant=tenant)
        self._busy = True
        steps, asked = _without(skipped, job.steps), None
        try:
            while steps:
                exchange = exchange_for(steps[0]) if exchange_for else Exchange(steps[0], stream_output=stream_output)
                self.begin_step(exchange)
                result = yield from self._converse(exchange)
                self._note(result)
                # Known before the last event is handed out: a consumer need not come back for the end.
                steps = self._following(job, result, _without(skipped, steps[1:]))
                asked = None if result.outcome in _OURS else collecting
                self._busy = bool(steps) or asked is not None
                yield StepFinished(result)
                # Again: it may have skipped some meanwhile, and what is the next one now may not follow.
                steps = self._following(job, result, _without(skipped, steps))
            if asked is not None:
                yield from self._collect(asked)
            self._busy = False
        except ValueError:
            # Nothing of this step was sent, and the steps before it are over.
            self._busy = False
            raise
        finally:
            if self._busy:
                self._abandon()

    def _following(self, job: Job, result: StepResult, later: tuple[Step, ...]) -> tuple[Step, ...]:
        """What of the steps to come may follow on this result: all or none."""
        if not later or result.outcome is Outcome.OK:
            return later
        # What a step that met a limit has left behind is looked at by nobody: only a fresh step may follow.
        goes_on = job.keep_going and result.outcome not in _OURS and (self._clean or later[0].fresh)
        return later if goes_on else ()

    # A job step by step, for who has steps that are made only when the job runs.

    def open_job(self, files: Iterable[File], *, tenant: str | None) -> None:
        """Take a job, whose files go with its first step. ValueError where they do not fit into frames."""
        self._opening = b"".join(
            protocol.file_frames(file.name, file.content, executable=file.executable) for file in files
        )
        self.runs += 1
        # Who shares containers shares none that has no cells.
        self.tenant = tenant if tenant != EVERYBODY or self.in_cell else None
        self._untouched = True

    def begin_step(self, exchange: Exchange) -> None:
        """Start a step of the job. Raises ContainerLost and ValueError as `events` does."""
        opening, self._opening = self._opening, b""
        first, self._untouched = self._untouched, False
        self._cpu_look_at = time.monotonic() + min(_CPU_LOOK_S, (exchange.cpu_limit_ms or 0.0) / 1000)
        self._begin(exchange, opening, may_be_repeated=first)
        self._busy = True

    def converse(self, exchange: Exchange) -> Generator[Output, None, StepResult]:
        """See to a step that has begun, until its result. One that is not read to its end leaves the container busy."""
        result = yield from self._converse(exchange)
        self._busy = False
        self._note(result)
        return result

    def _note(self, result: StepResult) -> None:
        self._clean = self._clean and result.outcome in _CLEAN
        self._sound = self._sound and result.outcome not in _OURS
        self._told_cpu_ms += result.cpu_ms

    def end_job(self) -> None:
        """Ask the runner to clean up; `usable` finds out whether it could. Raises ContainerLost."""
        self._awaits_ready = True
        self.idle_since = time.monotonic()
        # The next cell starts what the first was told to, and is told nothing.
        self._send(protocol.end_frame() + (b"" if self.in_cell else self._ahead))
        self._ahead = b""

    def cancel(self) -> None:
        """End the running step; it is answered as cancelled. Callable from any thread. Raises ContainerLost."""
        # Also where no step runs: this K may be read by the runner after the next S, and end another's program.
        self._sound = self._clean = False
        # Before the frame: a step whose S is sent after it looks here, and is told again; and the frame may get stuck.
        self._cancelled_by = min(self._cancelled_by, time.monotonic() + CANCELLED_S)
        self._send(protocol.kill_frame())

    def close(self) -> None:
        """Let the container end and be removed."""
        self._stream.close()

    def pass_on(self, data: bytes) -> None:
        """Send frames to a step that runs. Callable from any thread. Raises ContainerLost."""
        self._send(data)

    def _send(self, data: bytes) -> None:
        with self._sending:
            self._stream.send(data)

    def _resize(self, step: Step) -> None:
        wanted = step.limits.memory_bytes or self.profile.memory_bytes
        if wanted != self._memory_bytes:
            self._engine.resize(self.id, wanted)
            self._memory_bytes = wanted

    def _begin(self, exchange: Exchange, opening: bytes, *, may_be_repeated: bool) -> None:
        """Send what starts a step; one that could not be started has its result after this."""
        try:
            self._resize(exchange.step)
            self._send(opening + exchange.opening(self._memory_bytes))
        except EngineUnavailable as error:
            exchange.fail(str(error))
        except ContainerLost as error:
            self._broke()
            if may_be_repeated:
                raise
            exchange.fail(str(error))
        exchange.begun()
        if self._cancelled_by < float("inf"):
            # The runner may have read the K before there was anything to end. A broken stream shows in what follows.
            with suppress(ContainerLost):
                self._send(protocol.kill_frame())

    def _collect(self, collecting: Collecting) -> Generator[Event, None, None]:
        """What a container broke under has come as far as it was whole."""
        collecting.begin()
        try:
            self._send(collecting.opening)
        except ContainerLost as error:
            self._broke()
            collecting.fail(str(error))
        artifacts = yield from self._converse(collecting)
        if collecting.failure:
            logger.warning("container %s: files it left were not collected: %s", self.id[:12], collecting.failure)
        self._busy = False
        yield ArtifactsCollected(artifacts)

    def _converse(self, exchange: Conversation[R]) -> Generator[Output, None, R]:
        """Feed and drain what runs until its result."""
        while exchange.result is None:
            try:
                frames = self._receive(exchange)
                for frame in frames:
                    output = exchange.take(frame)
                    if output is not None:
                        # The time that the consumer takes is not the runner's: without this, a consumer that
                        # reads slowly would meet the backstop.
                        handed_out = time.monotonic()
                        yield output
                        exchange.deadline += time.monotonic() - handed_out
                if exchange.stdin_due:
                    self._send(exchange.stdin_frames())
            except (ContainerLost, ProtocolError) as error:
                self._broke()
                exchange.fail(str(error))
        return exchange.result

    def _receive(self, exchange: Conversation[object]) -> list[protocol.RunnerFrame]:
        """What the runner says next, nothing after a while. At the end of its time there is a result."""
        data = self._stream.receive(min(_LOOK_S, max(0.0, exchange.deadline - time.monotonic())))
        if data is not None:
            return self._frames.feed(data)
        self._look_at_cpu(exchange)
        deadline = exchange.deadline if self.overdue else min(exchange.deadline, self._cancelled_by)
        if time.monotonic() < deadline:
            return []
        self._sound = self._clean = False
        if self.overdue:
            exchange.overdue(cpu_ms=self._used_cpu_ms())
        else:
            self.overdue = True
            exchange.deadline = time.monotonic() + RESCUE_S
            # Beside this: the engine itself may be what does not answer, and the wait is bounded all the same.
            threading.Thread(target=self._unthrottle, name="gexec-unthrottle", daemon=True).start()
        return []

    def _look_at_cpu(self, exchange: Conversation[object]) -> None:
        """Where a step is past its limit of CPU time without a word of its runner, let that get to run, which ends it.

        The runner has part in the debt of its container's quota: it may not run again before its limit of wall time.
        """
        limit_ms, now = exchange.cpu_limit_ms, time.monotonic()
        if limit_ms is None or self.overdue or self._unthrottled or now < self._cpu_look_at:
            return
        self._cpu_look_at = now + _CPU_LOOK_S
        most_ms = self._told_cpu_ms + limit_ms
        threading.Thread(target=self._unthrottle_beyond, args=[most_ms], name="gexec-cpu-look", daemon=True).start()

    def _unthrottle_beyond(self, most_ms: float) -> None:
        if not self._cpu_looks.acquire(blocking=False):
            return
        try:
            beyond_ms = self._engine.cpu_ms(self.id) - most_ms
        except EngineUnavailable:
            # Another look follows; and the limit of wall time holds without the engine's word.
            return
        finally:
            self._cpu_looks.release()
        if beyond_ms > _CPU_OVER_MS:
            self._sound = self._clean = False
            self._unthrottle()
        elif beyond_ms > 0:
            self._cpu_look_at = time.monotonic() + _CPU_LOOK_AGAIN_S

    def _unthrottle(self) -> None:
        """Where the program has used so much in one system call that its runner does not get to run: let it."""
        try:
            self._engine.unthrottle(self.id)
            self._unthrottled = True
        except EngineUnavailable as error:
            if self._busy:  # Else it has answered meanwhile, and may be gone.
                logger.warning("container %s does not answer, and keeps its quota: %s", self.id[:12], error)

    def _used_cpu_ms(self) -> float:
        """What the step has used by the engine's count; 0 where it does not say."""
        if not self._unthrottled:
            return 0.0
        try:
            return max(0.0, self._engine.cpu_ms(self.id) - self._told_cpu_ms)
        except EngineUnavailable:
            return 0.0

    def _broke(self) -> None:
        self._sound = self._clean = False
        self.lost = True

    def _abandon(self) -> None:
        """End a job whose events are not read any more: the runner kills what runs and exits when its stdin closes."""
        self._sound = self._clean = False
        self._stream.close()


def _without(skipped: Collection[str], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """What is left of `steps` from the first that is not skipped."""
    return tuple(itertools.dropwhile(lambda step: step.name in skipped, steps))


def result_of(events: Iterable[Event]) -> JobResult:
    """What a job's events come to. Raises what reading them does."""
    told = list(events)
    collected = (event.artifacts for event in told if isinstance(event, ArtifactsCollected))
    steps = tuple(event.result for event in told if isinstance(event, StepFinished))
    return JobResult(steps, next(collected, ()))


def _ahead_frame(profile: Profile) -> bytes:
    """Empty where nothing is to be started ahead, or cannot be: what is too long for that may yet be run."""
    if profile.ahead is None:
        return b""
    try:
        return protocol.ahead_frame(profile.ahead.script, profile.ahead.argv, dict(profile.ahead.environment))
    except ValueError as error:
        logger.warning("programs of %s are not started ahead: %s", profile.image, error)
        return b""
