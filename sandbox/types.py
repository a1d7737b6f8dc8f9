"""What goes into the sandbox and what comes out of it: frozen values, no behaviour that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.outcomes import Outcome

__all__ = [
    "FILE_SIZE_BYTES",
    "Ahead",
    "Event",
    "File",
    "ImageInfo",
    "Job",
    "JobResult",
    "Limits",
    "Outcome",
    "Output",
    "Profile",
    "Step",
    "StepFinished",
    "StepResult",
    "WarmTarget",
]


FILE_SIZE_BYTES = 64 * 1024 * 1024
"""As much as a work directory of the usual size can hold."""


@dataclass(frozen=True, slots=True)
class File:
    """One file for the work directory: a relative name of at most 255 bytes a component, and its bytes."""

    name: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one step may use. None means that the container's own limit is the only one."""

    wall_ms: int
    output_bytes: int
    """Per stream: stdout and stderr each may carry this much."""
    cpu_ms: int | None = None
    """User and system time of all the step's processes together."""
    file_size_bytes: int = FILE_SIZE_BYTES
    """RLIMIT_FSIZE."""
    large_files_fail: bool = False
    """A write beyond that only fails, and ends nobody by SIGXFSZ: a compiler then says itself what stopped it."""
    open_files: int = 256
    """RLIMIT_NOFILE: enough for any test runner; a descriptor can pin a pipe's pages in the kernel."""
    memory_bytes: int | None = None
    """Where it differs from the profile's (a compile step with more), the container is resized for the step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One program to run: compile, run, or a test."""

    name: str
    argv: tuple[str, ...]
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Job:
    """Files, then steps in order; a step that does not end `ok` ends the job, unless `keep_going`."""

    files: tuple[File, ...]
    steps: tuple[Step, ...]
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. Output is what was printed up to the limit, however the step ended."""

    name: str
    outcome: Outcome
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    exit_code: int | None = None
    """None where the program never exited by itself."""
    signal: int | None = None
    wall_ms: float = 0.0
    cpu_ms: float = 0.0
    peak_memory_bytes: int = 0
    started_ahead: bool = False
    """Whether the program is a fork of the interpreter that the container had started before."""
    detail: str = ""
    """For sandbox_error: what went wrong, safe to show to an operator."""
    started: bool = True
    """False where there is no such command, or it cannot be executed: `detail` has its name, and why."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a running step has printed, as it came. `stream` is 1 for stdout and 2 for stderr."""

    step: str
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step has ended; nothing more of it comes."""

    result: StepResult


Event = Output | StepFinished
"""What happens while a job runs, in order."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """One result for each step that was started, in order."""

    steps: tuple[StepResult, ...]


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An image on the engine's host; `id` is its digest (sha256:...)."""

    id: str
    tags: tuple[str, ...]
    size_bytes: int
    created: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """A command that a waiting container starts before its first job; steps that run the same one are forks of it.

    It is for interpreters that have one thread, open their script by name with the C library's fopen, and draw no
    random numbers before that which a program would see.
    """

    script: str
    """The name by which the command opens its script: there the interpreter waits."""
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a container is made of; containers of equal profiles are interchangeable before their first run."""

    image: str
    """An image name or, better, a digest (sha256:...)."""
    memory_bytes: int
    cpu_quota_us: int
    processes: int
    tmpfs_bytes: int
    """Size of /box; /tmp has the same, /dev/shm a quarter. All of it counts as memory."""
    runs_per_container: int = 1
    cpu_period_us: int = 100_000
    """The kernel's default: a quota of half of it is half a CPU, given in slices of 50 ms."""
    stack_bytes: int = 0
    """RLIMIT_STACK, the soft one: of the first thread, and the C library's default for the others. 0: the engine's."""
    ahead: Ahead | None = None


@dataclass(frozen=True, slots=True)
class WarmTarget:
    """Between which bounds the number of one profile's containers is kept that are started and wait."""

    minimum: int
    maximum: int
