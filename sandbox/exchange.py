"""A conversation with a runner, of a step: what is to be sent, what came, and what result it makes. No I/O."""

from __future__ import annotations

import time
from typing import Protocol, TypeVar

from sandbox import protocol
from sandbox.errors import ContainerLost, ProtocolError
from sandbox.outcomes import Reason
from sandbox.types import Outcome, Output, Step, StepResult

BACKSTOP_S = 1.0
"""How long after its wall time limit a step may stay unanswered before the container is taken for stuck: the runner
ends a step within milliseconds of its limit, and on a host under heavy load within a second."""
FRESH_S = 6.0
"""How much longer it may take where the step begins afresh: the runner gives itself five seconds to empty the writable
places and to restore the work directory, which take it a millisecond."""
_TURNS = 4096
"""So many changes between the two streams are told. A program that alternates more often, as one that writes single
characters to each, has the rest of both told as if it had come one after the other."""
STDIN_CHUNK_BYTES = 65_536
"""A frame of stdin: what a pipe holds (pipe(7)), so that the runner passes it on at once."""


R_co = TypeVar("R_co", covariant=True)


class Conversation(Protocol[R_co]):
    """What the runner is asked for, until its answer is whole."""

    deadline: float
    """Monotonic time."""
    cpu_limit_ms: float | None
    """None: whatever it uses is within its time."""

    @property
    def result(self) -> R_co | None:
        """None until the end."""

    @property
    def stdin_due(self) -> bool:
        """Whether `stdin_frames` has something to send now."""

    def stdin_frames(self) -> bytes: ...

    def take(self, frame: protocol.RunnerFrame) -> Output | None:
        """Digest one frame; see Exchange.take."""

    def overdue(self, *, cpu_ms: float) -> None:
        """The runner did not answer in time: there is a result after this."""

    def fail(self, detail: str) -> None:
        """The container or its stream broke: there is a result after this."""


class Exchange:
    """The state of one step's conversation."""

    def __init__(self, step: Step, *, stream_output: bool) -> None:
        self.step = step
        self.result: StepResult | None = None
        self.stdin_due = False
        self.deadline = time.monotonic() + step.limits.wall_ms / 1000 + BACKSTOP_S + FRESH_S * step.fresh
        self.cpu_limit_ms: float | None = step.limits.cpu_ms
        self._began = time.monotonic()
        self._stream_output = stream_output
        self._streams = {1: bytearray(), 2: bytearray()}
        self._cut = {1: False, 2: False}
        self._turns: list[tuple[int, int]] = []
        self._stdin = memoryview(step.stdin)
        self._stdin_closed = False
        self._window = protocol.STDIN_WINDOW
        self._kept_bytes = step.limits.output_bytes

    @property
    def printed(self) -> bytearray:
        """What came on stdout until now."""
        return self._streams[1]

    def opening(self, memory_bytes: int) -> bytes:
        """The step's frames, and as much of its stdin as may be sent at once. ValueError for what cannot be passed.

        memory_bytes: what the container has for the step.
        """
        limits = self.step.limits
        start = protocol.step_frame(
            self.step.argv,
            self.step.environment,
            wall_ms=limits.wall_ms,
            cpu_ms=limits.cpu_ms,
            output_bytes=limits.output_bytes,
            file_size_bytes=limits.file_size_bytes,
            memory_bytes=memory_bytes,
            open_files=limits.open_files,
            large_files_fail=limits.large_files_fail,
            merge_stderr=self.step.merge_stderr,
            terminal=self.step.terminal,
        )
        return self._before() + start + self.stdin_frames()

    def _before(self) -> bytes:
        """The state that the step begins from. What is there under the name of a file of the step's gives way."""
        frames = [
            protocol.file_frames(file.name, file.content, executable=file.executable, replace=True)
            for file in self.step.files
        ]
        return b"".join([protocol.back_frame(), *frames] if self.step.fresh else frames)

    def begun(self) -> None:
        """What `opening` gave was sent, or the exchange has failed."""

    def stdin_frames(self) -> bytes:
        """What the window lets through now; after the last of it the frame that closes stdin."""
        self.stdin_due = False
        frames = []
        while self._window and self._stdin:
            size = min(self._window, STDIN_CHUNK_BYTES)
            frames.append(protocol.stdin_frame(bytes(self._stdin[:size])))
            self._window -= len(self._stdin[:size])
            self._stdin = self._stdin[size:]
        if not self._stdin and not self._stdin_closed:
            self._stdin_closed = True
            frames.append(protocol.stdin_frame(b""))
        return b"".join(frames)

    def take(self, frame: protocol.RunnerFrame) -> Output | None:
        """Digest one frame; output is given where it was asked for.

        Raises ProtocolError for a frame that has no place here, ContainerLost for a fault.
        """
        if self.result is not None:
            raise ProtocolError(f"{type(frame).__name__} after the result")
        if isinstance(frame, protocol.Output):
            return self._collect(frame)
        if isinstance(frame, protocol.Window):
            # Never more than a full one, whatever the runner says: what is sent unread fills this process's memory.
            self._window = min(protocol.STDIN_WINDOW, self._window + frame.size)
            self.stdin_due = bool(self._stdin) or not self._stdin_closed
        elif isinstance(frame, protocol.Result):
            self.result = self._finished(frame)
        elif isinstance(frame, protocol.Fault):
            raise ContainerLost(f"the runner gave up: {frame.message:.500}")
        else:
            raise ProtocolError(f"{type(frame).__name__} while a step runs")
        return None

    def overdue(self, *, cpu_ms: float) -> None:
        """The backstop: nobody knows whether the program met its limit, only that the runner has not said so."""
        self.fail("the runner did not answer in time", cpu_ms=cpu_ms)

    def fail(self, detail: str, *, cpu_ms: float = 0.0) -> None:
        """The container or its stream broke: what was printed until then is kept."""
        self.result = StepResult(
            name=self.step.name,
            outcome=Outcome.SANDBOX_ERROR,
            stdout=bytes(self._streams[1]),
            stderr=bytes(self._streams[2]),
            stdout_truncated=self._cut[1],
            stderr_truncated=self._cut[2],
            wall_ms=(time.monotonic() - self._began) * 1000,
            cpu_ms=cpu_ms,
            detail=detail,
            order=tuple(self._turns),
        )

    def _collect(self, frame: protocol.Output) -> Output | None:
        buffer = self._streams[frame.stream]
        room = self._kept_bytes - len(buffer)
        # The runner cuts too. Its word is not enough for what this process keeps in memory.
        kept = frame.data[:room]
        self._cut[frame.stream] = self._cut[frame.stream] or len(kept) < len(frame.data)
        buffer += kept
        self._count(frame.stream, len(kept))
        return Output(self.step.name, frame.stream, kept) if self._stream_output and kept else None

    def _count(self, stream: int, size: int) -> None:
        """Note whose turn it was. The last two turns are of different streams: of a full list, they take the rest."""
        if not size:
            return
        turns = self._turns
        for at in (-1, -2) if len(turns) >= _TURNS else (-1,):
            if turns and turns[at][0] == stream:
                turns[at] = (stream, turns[at][1] + size)
                return
        turns.append((stream, size))

    def _finished(self, result: protocol.Result) -> StepResult:
        by_signal = result.signal != 0
        return StepResult(
            name=self.step.name,
            outcome=result.reason.outcome_with(result.exit_code),
            stdout=bytes(self._streams[1]),
            stderr=bytes(self._streams[2]),
            stdout_truncated=self._cut[1] or result.stdout_cut,
            stderr_truncated=self._cut[2] or result.stderr_cut,
            exit_code=None if by_signal else result.exit_code,
            signal=result.signal if by_signal else None,
            wall_ms=result.wall_us / 1000,
            cpu_ms=result.cpu_us / 1000,
            peak_memory_bytes=result.peak_memory_bytes,
            started_ahead=result.started_ahead,
            detail=result.detail,
            order=tuple(self._turns),
            started=result.reason is not Reason.NOT_STARTED,
        )
