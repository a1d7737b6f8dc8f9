"""What goes into the sandbox and what comes out of it: frozen values, no behaviour that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.outcomes import Outcome

__all__ = [
    "FILE_SIZE_BYTES",
    "Ahead",
    "Artifact",
    "ArtifactRequest",
    "ArtifactsCollected",
    "Check",
    "Companion",
    "Event",
    "File",
    "ImageInfo",
    "Interaction",
    "Job",
    "JobResult",
    "Lane",
    "Limits",
    "Outcome",
    "Output",
    "Profile",
    "Step",
    "StepFinished",
    "StepResult",
    "TerminalSize",
    "WarmTarget",
]


FILE_SIZE_BYTES = 64 * 1024 * 1024
"""As much as a work directory of the usual size can hold."""

Lane = Literal["interactive", "batch"]
"""In which line a job waits for its slot: with those whose answers somebody waits for, or for when there is room."""


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
class Check:
    """A step of the job's companion that looks at what a step printed: it comes after that one, if that ended `ok`.

    Its own result is named `<step>/check`. What it says, by whatever exit code, is a verdict for who reads it: the job
    ends only where it is `cancelled` or a `sandbox_error`. It begins, as every step of a companion does, from the
    companion's state after its own steps, with these files besides.
    """

    argv: tuple[str, ...]
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    stdin: bytes = b""
    output_file: str = ""
    """The name under which it finds what the step printed to stdout; empty where it needs no file."""
    output_on_stdin: bool = False
    """Whether its stdin is what the step printed, in place of `stdin`."""
    output_in_json: bool = False
    """Whether its stdin is `stdin`, then what the step printed as a text of JSON, then a closing brace."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """A step of the job's companion that talks to a step: each reads on its stdin what the other prints to stdout.

    Both run at the same time, each within its own limits; when one ends, the other's input does. Its own result is
    named `<step>/interact` and comes after the step's; the stdout of each is what it has said to the other. As with a
    check, its verdict ends no job.
    """

    argv: tuple[str, ...]
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminalSize:
    """Of a terminal's window, in characters; each 1 to 65,535."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Step:
    """One program to run: compile, run, or a test."""

    name: str
    argv: tuple[str, ...]
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    fresh: bool = False
    """Whether it begins from the state that the last step before the first fresh one has left: the same files in every
    place that can be written, and no process."""
    files: tuple[File, ...] = ()
    """Put in place before it, besides the job's; those of a fresh step are gone with it."""
    merge_stderr: bool = False
    """Whether stderr is the same pipe as stdout, and its output part of stdout's."""
    terminal: TerminalSize | None = None
    """Whether its streams are a terminal, which is then the one that the profile's container has, for one step."""
    check: Check | None = None
    interaction: Interaction | None = None
    """Not both of the two; either needs the job's companion."""


@dataclass(frozen=True, slots=True)
class ArtifactRequest:
    """Which files of the work directory are wanted after the last step."""

    patterns: tuple[str, ...]
    """Relative names with `*` and `?` within a component, and `**` for any number of them."""
    max_files: int
    max_bytes: int
    """Of all together."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job left behind, as it was read by its own user."""

    name: str
    size_bytes: int
    content: bytes | None
    """None where it was not taken: `skipped` says why."""
    skipped: str = ""
    """too_large, too_many or not_regular."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A second container beside the job's, under the same slot: for a checker or an interactor, never for its program.

    Its steps come before the job's own first one. One that does not end `ok` ends the job, with its result as the last;
    their results are named `companion/<name>`.
    """

    profile: Profile
    files: tuple[File, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """Files, then steps in order; a step that does not end `ok` ends the job, unless `keep_going`.

    With `keep_going` a job goes on after whatever ending of a step that is the program's own or a limit's. What such a
    step leaves behind is for fresh steps only.
    """

    files: tuple[File, ...]
    steps: tuple[Step, ...]
    keep_going: bool = False
    artifacts: ArtifactRequest | None = None
    companion: Companion | None = None


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
    after_other: bool = False
    """Of a step with an interaction and of that: whether the other had ended before. What came of it, an end of input
    or being ended with a lost container's other, is then no fault of this one."""
    order: tuple[tuple[int, int], ...] = ()
    """In which order the two streams came: the stream (1 or 2), and how many bytes of it until the other one's turn."""

    def bare(self) -> StepResult:
        """How it ended, without what was printed."""
        return replace(self, stdout=b"", stderr=b"", order=())


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


@dataclass(frozen=True, slots=True)
class ArtifactsCollected:
    """What was left behind of what a job's `artifacts` asked for; after the last step, whatever its ending."""

    artifacts: tuple[Artifact, ...]


Event = Output | StepFinished | ArtifactsCollected
"""What happens while a job runs, in order."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """One result for each step that was started, in order."""

    steps: tuple[StepResult, ...]
    artifacts: tuple[Artifact, ...] = ()


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
    cells: int = 0
    """How many jobs a container serves where the kernel lets its runner make a sandbox for each of them within it, a
    cell. 0: none is made. Where the kernel refuses, `runs_per_container` holds."""
    share: bool = False
    """Whether a container serves one tenant after another, which it does only with a cell for each job."""
    terminal: bool = False
    """Whether there is a terminal for one step to have. Such a container is for one run."""
    runtime: str = ""
    """The OCI runtime's name; empty: the policy's, see SandboxPolicy."""


@dataclass(frozen=True, slots=True)
class WarmTarget:
    """Between which bounds the number of one profile's containers is kept that are started and wait."""

    minimum: int
    maximum: int
