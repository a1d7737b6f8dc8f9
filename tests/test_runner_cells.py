"""A cell for each job: what is new in it, what of the one before is not there, and who makes it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import protocol
from sandbox.outcomes import Reason
from sandbox.policy import RUNNER_PATH
from sandbox.protocol import Fault, Ready
from testkit.waiting import eventually
from tests.runner_lab import AHEAD_UID, ENVIRONMENT, POLICY, UID, LabRunner

SCRIPT = "main.sh"
COMMAND = ("interpreter", SCRIPT)
NAMESPACES = ("pid", "mnt", "net", "ipc", "uts", "cgroup")


@pytest.fixture(params=[RUNNER_PATH, "asan"], ids=["runner", "asan"])
def cells(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    """A runner that makes cells."""
    with LabRunner(request.param, cells=True) as runner:
        assert runner.ready == Ready(1, 0, in_cell=True)
        yield runner
        assert b"Sanitizer" not in runner.stderr


@pytest.fixture(scope="module")
def cell() -> Iterator[LabRunner]:
    """One for tests that need none of their own."""
    with LabRunner(cells=True) as runner:
        yield runner


def processes_of(runner: LabRunner) -> list[int]:
    """Those of the container, by the host's numbers: process 1, the maker, the cell's, and then the program's.

    What waits outside, where something was started ahead, is left out.
    """
    table = runner.container.top(ps_args="-eo pid,ppid,uid")["Processes"]
    parents = {int(pid): int(parent) for pid, parent, uid in table if int(uid) != AHEAD_UID}

    def depth(pid: int) -> int:
        return 1 + depth(parents[pid]) if pid in parents else 0

    return sorted(parents, key=depth)


def namespaces_of(runner: LabRunner) -> dict[str, str]:
    told = runner.run("sh", "-c", "for n in " + " ".join(NAMESPACES) + "; do readlink /proc/self/ns/$n; done").stdout
    return dict(zip(NAMESPACES, told.decode().split(), strict=True))


def test_every_job_has_new_namespaces_and_they_are_counted(cells: LabRunner) -> None:
    first = processes_of(cells)[0]
    container = {name: str(Path(f"/proc/{first}/ns/{name}").readlink()) for name in NAMESPACES}
    for number in range(1, 4):
        # Numbers of those that are gone may come again, but not of one that is there.
        assert not set(container.values()) & set(namespaces_of(cells).values())
        cells.write_file("left", b"x")
        cells.run("sh", "-c", "touch /tmp/left /dev/shm/left; (setsid sleep 60 &) ; kill -STOP $$", wall_ms=300)
        assert cells.end() == Ready(1, number, in_cell=True)
        assert cells.run("find", "/box", "/tmp", "/dev/shm", "-mindepth", "1").stdout == b""


def test_nobody_is_seen_but_the_cells_own(cell: LabRunner) -> None:
    assert cell.perl("print join ' ', sort grep { /^\\d+$/ } map { s,/proc/,,r } glob '/proc/*'").stdout == b"1 2"
    told = cell.run("sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map").stdout.split()
    root = str(POLICY.cell_root_uid).encode()
    own = str(UID).encode()
    assert told[:6] == [b"0", root, b"1", own, own, b"1"]
    assert cell.run("id", "-u").stdout == f"{UID}\n".encode()
    cell.end()


def test_what_hides_parts_of_proc_hides_them_in_a_cell(cell: LabRunner) -> None:
    hidden = (
        "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/locks", "/proc/cmdline", "/proc/interrupts",
        "/proc/modules", "/proc/kallsyms", "/proc/diskstats", "/proc/vmstat", "/proc/zoneinfo",
    )  # fmt: skip
    assert cell.run("sh", "-c", f"cat {' '.join(hidden)} 2>/dev/null").stdout == b""
    assert cell.run("sh", "-c", "ls -A /proc/acpi 2>/dev/null").stdout == b""
    written = ("sys/vm/drop_caches", "self/oom_score_adj", "sysrq-trigger")
    refused = cell.run("sh", "-c", "; ".join(f"echo 1000 > /proc/{name}" for name in written))
    assert refused.stderr.count(b"cannot create") == 3
    assert cell.run("cat", "/proc/self/oom_score_adj").stdout == b"1000\n"
    assert cell.run("cat", "/proc/sys/net/ipv4/tcp_max_tw_buckets").stdout == b"0\n"
    cell.end()


def test_what_was_bound_in_one_network_is_free_in_the_next(cell: LabRunner) -> None:
    perl = (
        "use Socket; socket S, PF_INET, SOCK_STREAM, 0; bind S, sockaddr_in(4000, INADDR_LOOPBACK) or die; listen S, 1;"
        "socket U, PF_UNIX, SOCK_STREAM, 0; bind U, pack('Sa*', AF_UNIX, qq(\\0name)) or die $!; print 'bound'"
    )
    for _ in range(2):
        assert cell.perl(perl).stdout == b"bound"
        cell.end()


def test_a_program_may_make_none_of_its_own(cell: LabRunner) -> None:
    tried = (
        "unshare -U",
        "unshare -m",
        "unshare -n",
        "mount -t tmpfs x /tmp; false",
        "umount /box; false",
        "nsenter -t 1 -m",
    )
    ended = cell.run("sh", "-c", "; ".join(f"{each} echo made" for each in tried))
    assert ended.stdout == b""
    status = cell.run("sh", "-c", "grep -E '^(Cap(Prm|Eff|Amb|Inh)|NoNewPrivs)' /proc/self/status").stdout.split()
    assert sorted(set(status[1::2])) == [b"0" * 16, b"1"]
    cell.end()


def test_what_is_started_ahead_is_there_in_every_cell(cells: LabRunner) -> None:
    cells.send(protocol.ahead_frame(SCRIPT, COMMAND, ENVIRONMENT))
    for number in range(1, 4):
        cells.write_file(SCRIPT, b"ls -A /box")
        ended = cells.run(*COMMAND)
        assert (ended.stdout, ended.result.started_ahead) == (f"{SCRIPT}\n".encode(), True)
        assert cells.end().jobs_done == number


def test_every_test_of_a_job_has_a_cell_which_begins_from_the_same_files(cells: LabRunner) -> None:
    cells.send(protocol.ahead_frame(SCRIPT, COMMAND, ENVIRONMENT))
    for jobs in (1, 3):
        cells.write_file(SCRIPT, b"cat built; ls -A; echo x > built; touch left /tmp/left; (setsid sleep 60 &)")
        cells.run("sh", "-c", "echo built > built; (setsid sleep 60 &)")
        seen = []
        for _ in range(3):
            cells.back()
            ended = cells.run(*COMMAND)
            assert ended.stdout == b"built\nbuilt\nmain.sh\n"
            assert ended.result.started_ahead
            seen.append(processes_of(cells)[2])
            assert cells.run("ls", "-A", "/tmp").stdout == b"left\n"
        assert len(set(seen)) == 3
        assert cells.end() == Ready(1, jobs, in_cell=True)
        assert cells.run("ls", "-A", "/box", "/tmp").stdout == b"/box:\n\n/tmp:\n"
        cells.end()


@pytest.mark.parametrize("rest", [0, 3, 300_000])
def test_what_came_behind_the_word_for_a_new_test_is_handed_on(cells: LabRunner, rest: int) -> None:
    """Whole frames, a piece of one, and more than a pipe holds."""
    later = protocol.file_frames("later", b"y" * 300_000)
    cells.write_file("first", b"x")
    cells.send(protocol.back_frame() + protocol.file_frames("told", b"told") + later[:rest])
    cells.send(later[rest:])
    assert cells.run("sh", "-c", "cat first told; wc -c < later").stdout == b"xtold300000\n"
    cells.end()


def test_a_word_that_comes_late_reaches_nobody(cells: LabRunner) -> None:
    cells.run("true")
    cells.send(protocol.end_frame() + protocol.kill_frame()[:2])
    time.sleep(0.1)
    cells.send(protocol.kill_frame()[2:])
    assert cells.expect(Ready).jobs_done == 1
    assert cells.run("echo", "on").stdout == b"on\n"
    cells.send(protocol.end_frame() + protocol.kill_frame() + protocol.signal_frame(signal.SIGINT))
    assert cells.expect(Ready).jobs_done == 2


@pytest.mark.parametrize(
    "early",
    [
        protocol.file_frames("x", b"x"),
        protocol.back_frame(),
        protocol.end_frame(),
        protocol.ahead_frame(SCRIPT, COMMAND, ENVIRONMENT),
    ],
    ids=["file", "back", "end", "ahead"],
)
def test_what_comes_before_the_next_cell_is_there_ends_the_container(early: bytes) -> None:
    """It would be read by the cell of the job before."""
    with LabRunner(cells=True) as runner:
        runner.run("true")
        runner.send(protocol.end_frame() + early)
        assert any(isinstance(frame, Fault) for frame in runner.wait_gone())


def test_what_the_container_has_counted_is_not_told(cell: LabRunner) -> None:
    """It would tell how much the jobs before have used."""
    names = r"(stat|events|peak|pressure|failcnt|max_usage_in_bytes|oom_control|cpuacct\.usage.*|serviced)$"
    counters = f"find /sys/fs/cgroup -type f 2>/dev/null | grep -E '{names}'"
    assert cell.run("sh", "-c", f"{counters} | xargs -r cat").stdout == b""
    limit = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null"
    assert cell.run("sh", "-c", limit).stdout == b"134217728\n"
    cell.end()


def test_a_device_keeps_no_trace(cell: LabRunner) -> None:
    """Its times would tell a later program what an earlier one has read, or has to say."""
    looked = "stat -c '%n %X %Y %Z' /dev/zero /dev/urandom /dev/null"
    before = cell.run("sh", "-c", looked).stdout
    assert cell.run("sh", "-c", "touch -a /dev/null || touch -d 2001-01-01 /dev/zero || echo held").stdout == b"held\n"
    cell.run("sh", "-c", "head -c 9 /dev/urandom; head -c 9 /dev/zero; echo x > /dev/null; sleep 1.1")
    cell.end()
    assert cell.run("sh", "-c", looked).stdout == before
    cell.end()


def test_memory_that_one_job_has_filled_is_there_for_the_next(cell: LabRunner) -> None:
    for _ in range(3):
        cell.run("sh", "-c", "head -c 60M /dev/zero > /box/f; head -c 30M /dev/zero > /tmp/f")
        cell.end()
        assert cell.perl("$n = 45e6; $x = 'x' x $n; print length $x").stdout == b"45000000"
        cell.end()


def test_a_frame_that_names_it_is_too_late_after_a_file(cells: LabRunner) -> None:
    cells.write_file(SCRIPT, b"true")
    cells.send(protocol.ahead_frame(SCRIPT, COMMAND, ENVIRONMENT))
    assert cells.expect(Fault).message == "an untimely A frame"


@pytest.mark.parametrize("victim", [0, 1, 2], ids=["process 1", "the maker", "the cell"])
def test_whoever_of_them_is_killed_the_container_ends(victim: int) -> None:
    with LabRunner(cells=True) as runner:
        runner.start("sleep", "60")
        os.kill(processes_of(runner)[victim], signal.SIGKILL)
        runner.wait_gone()


def test_it_ends_with_its_stream() -> None:
    runner = LabRunner(cells=True)
    with runner:
        runner.start("sleep", "60")
        first = processes_of(runner)[0]
    eventually(lambda: not Path(f"/proc/{first}").exists())


def test_limits_are_those_of_the_container(cell: LabRunner) -> None:
    assert cell.run("guest", "spin", cpu_ms=100).result.reason is Reason.CPU
    cell.end()
    assert cell.perl("$x = 'x' x 3e8").result.reason is Reason.MEMORY
    cell.end()
    assert cell.run("sleep", "60", wall_ms=100).result.reason is Reason.WALL
    cell.end()
    many = cell.perl("for (1..200) { defined(fork // last) or last; } sleep 1; print 'end'", wall_ms=20_000)
    assert many.result.reason in {Reason.EXITED, Reason.WALL, Reason.CPU}
    cell.end()
    full = cell.run("sh", "-c", "head -c 100M /dev/zero > /box/f; stat -c %s /box/f")
    assert int(full.stdout) <= 64 << 20
    cell.end()
    assert cell.run("echo", "still").stdout == b"still\n"
    cell.end()


def test_where_the_kernel_refuses_it_runs_as_without() -> None:
    """Without SYS_ADMIN, as a container that may not mount has it."""
    with LabRunner(network="none", extra=("--cells", str(POLICY.cell_root_uid))) as runner:
        assert runner.ready == Ready(1, 0, in_cell=False)
        assert runner.run("echo", "on").stdout == b"on\n"
        assert runner.end() == Ready(1, 1, in_cell=False)


def test_many_cells_leave_nothing_behind(cell: LabRunner) -> None:
    def kept() -> tuple[int, int]:
        memory = Path(f"/proc/{processes_of(cell)[1]}/fd")
        return len(processes_of(cell)), len(list(memory.iterdir()))

    before = kept()
    for _ in range(50):
        cell.run("true")
        cell.end()
    assert eventually(kept, until=lambda now: now == before) == before
