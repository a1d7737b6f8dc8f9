"""What the HTTP API cannot say yet: file names, and what the runner reports. On a local Docker engine."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from attacks.attack import GUESTS, PRELUDES, Report
from attacks.client import Client
from sandbox.container import CANCELLED_S, Container
from sandbox.docker import DockerEngine, DockerImages, connect
from sandbox.policy import SandboxPolicy
from sandbox.types import File, Job, JobResult, Limits, Outcome, Profile, Step, StepResult
from testkit.waiting import last_seen

_IMAGE = "gexec/python"
_BASE_IMAGE = "gexec/base"
_READY_S = 20.0
_CPU_TOLERANCE = 0.05
_LATE_MS = 2000
"""A quiet machine needs a few; this is for one that has much else to do."""
_LONG_MS = 4000
_CPU_LIMIT_MS = 500
_CPU_OVER_MS = 2500
"""What a runner that comes late may let pass, with the processors of a small machine all used meanwhile."""
_SMALL_QUOTA_US = 5000
_RUNNERS_OWN_MS = 200
"""What the runner itself takes beside a program."""
_GONE_S, _GONE_AT_MOST_S = 5.0, 45.0
"""Where the debt is paid, it takes a minute. An emulated processor takes seconds for a removal."""
_NAMES = 60_000
_DENTRY_BYTES = 192
"""Of one entry, on 64-bit machines. A union of layers keeps one for each that it asks, and one of its own."""
_INTERPRETER_BYTES = 5 << 20
"""Less than it needs itself."""
_LIMITS = Limits(wall_ms=15_000, output_bytes=1 << 20)
_LIST = """import os
for where, _, names in os.walk('/box'):
    for name in names:
        print(os.path.join(where, name).encode())
"""

REFUSED_NAMES = (
    "", ".", "..", "/etc/passwd", "../main.py", "a/../../b", "a/./b", "a//b", "a/", "/", "nul\0.py", "x" * 256,
    "x" * 4097, "a/" * 40 + "b", "\ud800",
)  # fmt: skip
ODD_NAMES = (
    "-rf", "--help", "*", "$(id)", "`id`", ";id", " ", "new\nline", "tab\t", "\x01\x1b[31m", "\u202egnp.py",
    "e\u0301", "\u00e9", "\uff0e\uff0e", "..\\x", "C:x", "CON", "...", ".hidden", "runner", ".gexec/runner",
    "proc/1/mem", "dev/shm/x", "x" * 255, "\U0001f600", "a/b/c/d/e/f/g",
)  # fmt: skip

LONG_CALLS = (
    "/dev/urandom", "/dev/zero", "getrandom", "madvise", "mlock", "copy_file_range", "sendfile", "splice", "fallocate",
    "futex",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DirectAttack:
    """A conversation with a container, without the server in between."""

    name: str
    tries: str
    converse: Callable[[Container], tuple[str, list[str]]]
    """Returns the outcome, and what is wrong with it."""

    def perform(self, client: Client) -> Report:
        """Start a container, attack it, and let it go."""
        if not client.is_local or DockerImages().find(_IMAGE) is None:
            return Report("skipped", skipped=f"no Docker engine with {_IMAGE} here")
        with _container(client) as container:
            outcome, problems = self.converse(container)
        return Report(outcome, tuple(problems))


@dataclass(frozen=True, slots=True)
class LongCall:
    """A program that uses the processors inside of single calls, where the quota of its container does not hold."""

    kind: str
    """Which of the guest's calls."""

    @property
    def name(self) -> str:
        return f"long calls, {self.kind}"

    @property
    def tries(self) -> str:
        return "four processes in one long system call each, past the quota, so that nobody there gets to run"

    def perform(self, client: Client) -> Report:
        """Run it with so small a quota that its debt is large on every machine, and look at it from the host."""
        if not client.is_local or DockerImages().find(_IMAGE) is None:
            return Report("skipped", skipped=f"no Docker engine with {_IMAGE} here")
        job = _long_calls(self.kind, wall_ms=_LONG_MS)
        with _engine() as engine, _started(engine, client, cpu_quota_us=_SMALL_QUOTA_US) as container:
            # Its start has cost its group something, which is not the program's: on an emulated processor seconds.
            start_ms = engine.cpu_ms(container.id)
            step = container.run(job, tenant="attack").steps[0]
            used_ms = engine.cpu_ms(container.id) - start_ms
            container.close()
            began = time.monotonic()
            within_s = min(_GONE_S * client.patience, _GONE_AT_MOST_S)
            last_seen(engine.owned, until=lambda owned: container.id not in owned, within_s=within_s)
            gone_s = time.monotonic() - began
        outcome = f"{step.outcome} in {step.wall_ms:.0f} ms, {step.cpu_ms:.0f} of {used_ms:.0f} ms told"
        problems = list(_long_call_problems(step, used_ms, _LATE_MS * client.patience))
        if gone_s >= within_s:
            problems.append(f"still there after {gone_s:.0f} s")
        return Report(outcome, tuple(problems))


def _long_calls(kind: str, *, wall_ms: int, cpu_ms: int | None = None) -> Job:
    source = "".join((GUESTS / name).read_text() for name in (PRELUDES["python"], "long_calls.py"))
    file = File("long.py", source.replace("@KIND@", kind).encode())
    return _python("import long", file, wall_ms=wall_ms, cpu_ms=cpu_ms)


def _long_call_problems(step: StepResult, used_ms: float, late_ms: float) -> Iterator[str]:
    if step.outcome is not Outcome.TIMEOUT_WALL:
        yield f"{step.outcome}: {step.detail} {step.stderr[-300:]!r}"
    if step.wall_ms > _LONG_MS + late_ms:
        yield f"ended after {step.wall_ms:.0f} ms"
    if used_ms - step.cpu_ms > max(_RUNNERS_OWN_MS, _CPU_TOLERANCE * used_ms):
        yield f"{step.cpu_ms:.0f} ms were told of {used_ms:.0f}"


@contextmanager
def _engine() -> Iterator[DockerEngine]:
    client = connect()
    engine = DockerEngine(SandboxPolicy(), owner="attacks", base_image=_BASE_IMAGE, client=client)
    engine.prepare()
    try:
        yield engine
    finally:
        engine.close()
        client.close()


@contextmanager
def _started(engine: DockerEngine, client: Client, *, cpu_quota_us: int) -> Iterator[Container]:
    """One like the server's, which is used again."""
    cells = 0 if client.isolation == "container" else 1000
    profile = Profile(_IMAGE, 128 << 20, cpu_quota_us, 256, 32 << 20, runs_per_container=1000, cells=cells)
    container = Container(engine, engine.start(profile), profile)
    try:
        container.wait_ready(_READY_S)
        yield container
    finally:
        container.close()
        engine.remove(container.id)


@contextmanager
def _container(client: Client) -> Iterator[Container]:
    with _engine() as engine, _started(engine, client, cpu_quota_us=50_000) as container:
        yield container


def _python(source: str, *files: File, wall_ms: int = _LIMITS.wall_ms, cpu_ms: int | None = None) -> Job:
    limits = Limits(wall_ms=wall_ms, output_bytes=_LIMITS.output_bytes, cpu_ms=cpu_ms)
    return Job(files, (Step("run", ("python3", "-c", source), limits),))


def _run(container: Container, job: Job) -> JobResult:
    result = container.run(job, tenant="attack")
    container.end_job()
    container.wait_ready(_READY_S)
    return result


def _refuse_names(container: Container) -> tuple[str, list[str]]:
    """Each is refused before anything is sent, and the container is as good as new."""
    problems = []
    for name in REFUSED_NAMES:
        try:
            container.run(_python("0", File(name, b"x")), tenant="attack")
        except ValueError:
            container.runs -= 1
            continue
        problems.append(f"the name {name!r:.60} was taken")
        break
    return f"{len(REFUSED_NAMES)} refused", problems


def _take_odd_names(container: Container) -> tuple[str, list[str]]:
    """Each arrives as it is, inside the work directory."""
    files = [File(name, name.encode()) for name in ODD_NAMES]
    printed = _run(container, _python(_LIST, *files)).steps[0].stdout.decode().splitlines()
    wanted = {repr(f"/box/{name}".encode()) for name in ODD_NAMES}
    missing = [f"missing {name}" for name in wanted - set(printed)]
    return f"{len(printed)} delivered", missing + [f"appeared {name}" for name in set(printed) - wanted]


def _send_twice(container: Container) -> tuple[str, list[str]]:
    """A second file of the same name is not the first one changed: the job ends with a fault and nothing runs."""
    result = container.run(_python("print('ran')", File("same", b"1"), File("same", b"2")), tenant="attack")
    step = result.steps[0]
    return step.outcome, [f"ran: {step.stdout!r}"] if step.outcome is not Outcome.SANDBOX_ERROR else []


def _spin(container: Container) -> tuple[str, list[str]]:
    """The CPU time that is reported is what the kernel tells the program itself, children included."""
    step = _run(container, _python((GUESTS / "cpu_accounted.py").read_text())).steps[0]
    reported = re.search(rb"^cpu_ms ([\d.]+)$", step.stdout, re.MULTILINE)
    if not reported:
        return step.outcome, [f"printed {step.stdout!r} {step.stderr!r}"]
    difference = abs(step.cpu_ms / float(reported[1]) - 1)
    problems = [f"{float(reported[1]):.0f} ms by getrusage"] if difference > _CPU_TOLERANCE else []
    return f"{step.cpu_ms:.0f} ms, {difference:.1%} off", problems


def _meet_the_wall(container: Container) -> tuple[str, list[str]]:
    """The limit of 1000 ms is met a little late, never early."""
    times = [_sleep(container) for _ in range(3)]
    late = [f"ended after {wall_ms:.0f} ms" for wall_ms in times if not 1000 <= wall_ms < 1000 + _LATE_MS]
    return ", ".join(f"{wall_ms:.0f} ms" for wall_ms in times), late


def _ask_for_nothing(container: Container) -> tuple[str, list[str]]:
    """What the kernel remembers of names that do not exist outlives the program, but is charged to it until then."""
    # New names each time: what an earlier program asked for may be known still, at that one's cost.
    new = secrets.token_hex(4)
    source = f"import os\nprint(any(os.access(f'/usr/lib/{new}{{number}}', 0) for number in range({_NAMES})))"
    step = _run(container, _python(source, wall_ms=4 * _LIMITS.wall_ms)).steps[0]
    least = _INTERPRETER_BYTES + _NAMES * _DENTRY_BYTES
    problems = [] if step.stdout == b"False\n" else [f"{step.outcome}: {step.stdout!r} {step.stderr!r}"]
    if step.peak_memory_bytes < least:
        problems.append(f"{step.peak_memory_bytes} bytes were charged, not {least}")
    return f"{step.peak_memory_bytes >> 20} MB charged", problems


def _meet_the_processors(container: Container) -> tuple[str, list[str]]:
    """A limit of CPU time is met in the middle of calls that last longer than it: somebody counts meanwhile."""
    job = _long_calls("/dev/urandom", wall_ms=10 * _LONG_MS, cpu_ms=_CPU_LIMIT_MS)
    step = container.run(job, tenant="attack").steps[0]
    problems = [] if step.outcome is Outcome.TIMEOUT_CPU else [f"{step.outcome}: {step.detail} {step.stderr[-300:]!r}"]
    if not _CPU_LIMIT_MS <= step.cpu_ms <= _CPU_LIMIT_MS + _CPU_OVER_MS:
        problems.append(f"{step.cpu_ms:.0f} ms were used of {_CPU_LIMIT_MS}")
    return f"{step.outcome} after {step.cpu_ms:.0f} ms", problems


def _leave_a_long_call(container: Container) -> tuple[str, list[str]]:
    """Whoever hangs up is rid of the program although nobody there gets to read that."""
    threading.Timer(_LONG_MS / 1000, container.cancel).start()
    step = container.run(_long_calls("/dev/urandom", wall_ms=10 * _LONG_MS), tenant="attack").steps[0]
    problems = [] if step.outcome is Outcome.CANCELLED else [f"{step.outcome}: {step.detail}"]
    if step.wall_ms > _LONG_MS + 1000 * CANCELLED_S + _LATE_MS:
        problems.append(f"ended after {step.wall_ms:.0f} ms")
    return f"{step.outcome} in {step.wall_ms:.0f} ms", problems


def _sleep(container: Container) -> float:
    return _run(container, _python("import time; time.sleep(60)", wall_ms=1000)).steps[0].wall_ms


ATTACKS: tuple[DirectAttack | LongCall, ...] = (
    DirectAttack("file names, refused", "names with .., absolute, NUL, 4 KB, too deep", _refuse_names),
    DirectAttack("file names, odd", "names that a shell, a terminal or a reader misreads", _take_odd_names),
    DirectAttack("file names, twice", "two files of one name", _send_twice),
    DirectAttack("CPU time", "spins in four processes and asks the kernel", _spin),
    *(LongCall(kind) for kind in LONG_CALLS),
    DirectAttack("names that do not exist", "fills the kernel's memory of names with such", _ask_for_nothing),
    DirectAttack(
        "long calls, CPU limit",
        "four processes in one long call each, which is longer than they may use",
        _meet_the_processors,
    ),
    DirectAttack("long calls, left", "hangs up while its processes are in one long call each", _leave_a_long_call),
    DirectAttack("wall time", "sleeps past a limit of 1000 ms, three times", _meet_the_wall),
)
