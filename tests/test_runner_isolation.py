"""What a program cannot do to the runner, the kernel or the network."""

from __future__ import annotations

import errno
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from sandbox.outcomes import Reason
from tests.runner_lab import PATIENCE_S, LabRunner, holder_container

X86 = platform.machine() == "x86_64"
only_x86 = pytest.mark.skipif(not X86, reason="the numbers are those of x86_64")


@pytest.fixture(scope="module", params=[False, True], ids=["container", "cell"])
def container(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    """A runner for all tests of this module; and one that makes a cell for each of them."""
    with LabRunner(cells=request.param) as runner:
        assert runner.ready.in_cell == request.param
        yield runner


# Name, number on x86_64, arguments, what the program is told.
REFUSED = [
    ("clone newuser", 56, (0x10000011,), errno.EPERM),
    ("clone newns", 56, (0x00020011,), errno.EPERM),
    ("clone newnet", 56, (0x40000011,), errno.EPERM),
    ("clone3", 435, (0, 0), errno.ENOSYS),
    ("unshare newuser", 272, (0x10000000,), errno.EPERM),
    ("unshare newtime", 272, (0x80,), errno.EPERM),
    ("setns", 308, (0, 0), errno.EPERM),
    ("mount", 165, (), errno.EPERM),
    ("umount2", 166, (), errno.EPERM),
    ("pivot_root", 155, (), errno.EPERM),
    ("chroot", 161, (), errno.EPERM),
    ("open_tree", 428, (), errno.EPERM),
    ("move_mount", 429, (), errno.EPERM),
    ("fsopen", 430, (), errno.EPERM),
    ("fsconfig", 431, (), errno.EPERM),
    ("fsmount", 432, (), errno.EPERM),
    ("fspick", 433, (), errno.EPERM),
    ("mount_setattr", 442, (), errno.EPERM),
    ("open_tree_attr", 467, (), errno.ENOSYS),
    ("a call to come", 1000, (), errno.ENOSYS),
    ("bpf", 321, (), errno.EPERM),
    ("perf_event_open", 298, (), errno.EPERM),
    ("userfaultfd", 323, (), errno.EPERM),
    ("io_uring_setup", 425, (), errno.ENOSYS),
    ("io_uring_enter", 426, (), errno.ENOSYS),
    ("io_uring_register", 427, (), errno.ENOSYS),
    ("io_setup", 206, (1, 0), errno.ENOSYS),
    ("add_key", 248, (), errno.ENOSYS),
    ("request_key", 249, (), errno.ENOSYS),
    ("keyctl", 250, (), errno.ENOSYS),
    ("shmget", 29, (0, 4096, 0o1600), errno.ENOSYS),
    ("semget", 64, (0, 1, 0o1600), errno.ENOSYS),
    ("msgget", 68, (0, 0o1600), errno.ENOSYS),
    ("mq_open", 240, (), errno.ENOSYS),
    ("kexec_load", 246, (), errno.EPERM),
    ("init_module", 175, (), errno.EPERM),
    ("finit_module", 313, (), errno.EPERM),
    ("open_by_handle_at", 304, (), errno.EPERM),
    ("name_to_handle_at", 303, (), errno.EPERM),
    ("quotactl", 179, (), errno.EPERM),
    ("quotactl_fd", 443, (), errno.EPERM),
    ("acct", 163, (), errno.EPERM),
    ("swapon", 167, (), errno.EPERM),
    ("reboot", 169, (), errno.EPERM),
    ("settimeofday", 164, (), errno.EPERM),
    ("clock_settime", 227, (), errno.EPERM),
    ("personality", 135, (0x20000,), errno.EPERM),
    ("syslog", 103, (3,), errno.EPERM),
    ("iopl", 172, (3,), errno.EPERM),
    ("ioperm", 173, (), errno.EPERM),
    ("modify_ldt", 154, (), errno.EPERM),
    ("fanotify_init", 300, (), errno.EPERM),
    ("sethostname", 170, (), errno.EPERM),
    ("memfd_secret", 447, (), errno.ENOSYS),
    ("socket netlink", 41, (16, 3, 0), errno.EAFNOSUPPORT),
    ("socket packet", 41, (17, 3, 0), errno.EAFNOSUPPORT),
    ("socket alg", 41, (38, 5, 0), errno.EAFNOSUPPORT),
    ("socket vsock", 41, (40, 1, 0), errno.EAFNOSUPPORT),
    ("socket raw", 41, (2, 3, 1), errno.EPERM),
    ("socket raw close-on-exec", 41, (2, 0x80003, 1), errno.EPERM),
    ("socket sctp", 41, (2, 1, 132), errno.EPROTONOSUPPORT),
    ("socketpair tipc", 53, (30, 1, 0, 0), errno.EAFNOSUPPORT),
    ("seccomp", 317, (1, 0, 0), errno.EPERM),
    ("prctl seccomp", 157, (22, 2, 0), errno.EINVAL),
    ("process_vm_readv", 310, (), errno.EPERM),
    ("process_vm_writev", 311, (), errno.EPERM),
    ("cachestat", 451, (), errno.ENOSYS),
    ("pidfd_getfd", 438, (), errno.EPERM),
    ("a line discipline", 16, (0, 0x5423, 0), errno.ENOTTY),
    ("a key pressed", 16, (0, 0x5412, 0), errno.ENOTTY),
    ("x32", 0x40000000 + 39, (), errno.ENOSYS),
]
ALLOWED = [
    ("getpid", 39, ()),
    ("sync, which does nothing", 162, ()),
    ("a buffer's size, which stays", 54, (-1, 1, 8, 0, 4)),
    ("personality query", 135, (0xFFFFFFFF,)),
    ("unshare files", 272, (0x400,)),
    ("tcp", 41, (2, 0x80801, 6)),
    ("udp over ipv6", 41, (10, 2, 17)),
    ("unix", 41, (1, 5, 0)),
]


@only_x86
@pytest.mark.parametrize(
    ("number", "arguments", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_dangerous_call_is_refused(runner: LabRunner, number: int, arguments: tuple[int, ...], error: int) -> None:
    assert int(runner.run("guest", "call", str(number), *map(str, arguments)).stdout) == error


@only_x86
@pytest.mark.parametrize(("number", "arguments"), [row[1:] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_an_ordinary_call_is_allowed(runner: LabRunner, number: int, arguments: tuple[int, ...]) -> None:
    assert int(runner.run("guest", "call", str(number), *map(str, arguments)).stdout) == 0


@only_x86
def test_the_entry_of_32_bit_programs_is_closed(runner: LabRunner) -> None:
    ended = runner.run("guest", "call32")
    assert ended.stdout == f"{errno.ENOSYS}\n".encode() or ended.result.signal


def test_a_program_has_no_rights(runner: LabRunner) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in runner.run("cat", "/proc/self/status").stdout.decode().splitlines()
        if ":\t" in line
    )
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"], status["Groups"].strip()) == ("1", "2", "")


def test_the_runner_has_dropped_what_it_does_not_need(runner: LabRunner) -> None:
    status = runner.run("grep", "Cap", "/proc/1/status").stdout.decode().split()
    kept = f"{sum(1 << bit for bit in (0, 1, 3, 5, 6, 7)):016x}"
    assert dict(zip(status[::2], status[1::2], strict=True)) == {
        "CapInh:": "0" * 16,
        "CapPrm:": kept,
        "CapEff:": kept,
        "CapBnd:": kept,
        "CapAmb:": "0" * 16,
    }


def test_the_runner_cannot_be_looked_into(runner: LabRunner) -> None:
    paths = "mem environ maps fd/0 fd/1 fdinfo/0 cwd root exe auxv stack syscall io map_files ns/net task/1/mem"
    for path in paths.split():
        ended = runner.run("sh", "-c", f"cat /proc/1/{path} || ls /proc/1/{path}/")
        assert (ended.stdout, ended.result.exit_code != 0) == (b"", True), path


def test_the_runner_cannot_be_written_to(runner: LabRunner) -> None:
    for path in ("mem", "fd/0", "fd/1", "oom_score_adj", "comm", "coredump_filter", "task/1/comm", "clear_refs"):
        code = "open(F, '>', shift) && syswrite(F, '1') and print 'in'"
        assert runner.perl(code, f"/proc/1/{path}").stdout == b"", path


def test_forged_frames_are_output(runner: LabRunner) -> None:
    ended = runner.run("guest", "forge")
    forged = b"R\0\0\0\6\0\1\0\0\0\7"
    assert (ended.stdout, ended.stderr, ended.result.reason) == (forged, forged, Reason.EXITED)


def test_only_the_three_streams_are_open(runner: LabRunner) -> None:
    assert runner.perl("print grep { -e qq(/proc/$$/fd/$_) } 0..1023").stdout == b"012"


@pytest.mark.parametrize("number", ["TERM", "KILL", "STOP", "INT", "CHLD", "HUP", "SEGV", "USR1"])
def test_the_runner_cannot_be_signalled(runner: LabRunner, number: str) -> None:
    assert runner.run("sh", "-c", f"kill -{number} 1").result.exit_code != 0
    assert runner.run("echo", "fine").stdout == b"fine\n"


def test_a_program_may_kill_everybody_it_can(runner: LabRunner) -> None:
    ended = runner.run("sh", "-c", "sleep 60 & trap '' TERM; kill -TERM -1; kill -KILL -1; echo alive")
    assert (ended.result.reason, ended.stdout) in {(Reason.EXITED, b"alive\n"), (Reason.SIGNALED, b"")}


def test_a_stopped_program_meets_the_wall(runner: LabRunner) -> None:
    assert runner.run("sh", "-c", "kill -STOP $$", wall_ms=300).result.reason is Reason.WALL


def test_files_that_containers_share_are_parted_with(runner: LabRunner) -> None:
    mounts = [line.split() for line in runner.run("cat", "/proc/self/mounts").stdout.decode().splitlines()]
    kinds = {mount[1]: mount[2] for mount in mounts}
    assert kinds["/etc/hosts"] == "tmpfs"
    assert not {"/etc/hostname", "/etc/resolv.conf"} & kinds.keys()
    assert kinds["/.gexec"] == "tmpfs"
    assert runner.run("ls", "/.gexec").stdout == b"flush.so\n"
    assert b"127.0.0.1\tlocalhost" in runner.run("cat", "/etc/hosts").stdout


def test_the_work_directory_has_another_name_in_a_place_that_nobody_can_write(runner: LabRunner) -> None:
    assert runner.run("sh", "-c", "pwd -P; cd /mnt/data && echo here > file; pwd -P").stdout == b"/box\n/box\n"
    assert runner.collect("**") == {"file": b"here\n"}
    for command in (
        "rm -rf /mnt/data",
        "ln -sfn /tmp /mnt/data",
        "mv /mnt/data /mnt/x",
        "touch /mnt/x",
        "mkdir /mnt/x",
    ):
        assert runner.run("sh", "-c", command).result.exit_code != 0
    assert runner.run("sh", "-c", "ls /mnt; readlink /mnt/data").stdout == b"data\n/box\n"


def test_the_programs_user_has_a_name(runner: LabRunner) -> None:
    code = "@u = getpwuid $<; print join ' ', @u[0, 7], scalar getgrgid($(), scalar getpwuid(0), -w '/etc/passwd' || 0"
    assert runner.perl(code).stdout == b"gexec /box gexec root 0"


def test_a_container_has_no_terminal(runner: LabRunner) -> None:
    assert runner.run("ls", "/dev/pts").stdout == b""
    code = "for (qw(/dev/ptmx /dev/pts/ptmx /dev/tty /dev/console)) { open F, '+<', $_ and print }"
    assert runner.perl(code).stdout == b""


def test_what_the_kernel_shows_of_the_whole_machine_is_hidden(runner: LabRunner) -> None:
    paths = "locks cmdline diskstats interrupts softirqs schedstat vmstat zoneinfo modules partitions devices"
    for path in [f"/proc/{name}" for name in paths.split()] + ["/proc/sys/kernel/random/boot_id"]:
        assert runner.run("cat", path).stdout == b"", path
    folders = [
        "/proc/pressure",
        "/proc/fs",
        "/proc/tty",
        "/sys/block",
        "/sys/class",
        "/sys/module",
        "/sys/devices/virtual",
    ]
    for folder in folders:
        assert runner.run("ls", folder).stdout == b"", folder


def test_a_program_cannot_make_the_runner_the_kernels_victim(runner: LabRunner) -> None:
    ended = runner.run("sh", "-c", "echo 0 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj")
    assert ended.stdout == b"1000\n"


def test_a_hoard_of_sockets_ends_in_the_memory_limit_where_the_kernel_does_not_charge_them(runner: LabRunner) -> None:
    if runner.run("test", "-e", "/sys/fs/cgroup/memory/memory.oom_control").result.exit_code:
        pytest.skip("control groups of version 2 charge them")
    code = "use Socket; for (1..3) { fork } for (1..120) { socket $s[$_], PF_INET, SOCK_DGRAM, 17 } sleep 10"
    assert runner.perl(code).result.reason is Reason.MEMORY


def test_the_network_is_a_loopback_of_its_own(runner: LabRunner) -> None:
    interfaces = runner.run("cat", "/proc/net/dev").stdout.decode().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    code = "use Socket; socket S, 2, 1, 6; print connect(S, sockaddr_in 80, inet_aton '8.8.8.8') ? 1 : 0"
    assert runner.perl(code).stdout == b"0"


def test_runners_that_join_a_holder_have_networks_of_their_own(runner: LabRunner) -> None:
    with LabRunner() as other:
        assert other.container.attrs["HostConfig"]["NetworkMode"] == runner.container.attrs["HostConfig"]["NetworkMode"]
        names = {each.run("readlink", "/proc/self/ns/net").stdout for each in (runner, other)}
    assert len(names) == 2


def test_a_runner_that_keeps_its_network_is_bounded_as_well() -> None:
    with LabRunner(network="none") as runner:
        test_the_network_is_a_loopback_of_its_own(runner)
        test_the_runner_has_dropped_what_it_does_not_need(runner)
        test_a_program_has_no_rights(runner)


def test_a_holder_ends_when_it_is_told_to() -> None:
    client = docker.from_env()
    # Removed here, so that its exit status can be seen.
    stream = holder_container(client.api, auto_remove=False)
    holder = client.containers.get(stream.container_id)
    try:
        # The kernel drops a signal for a process 1 that has not yet blocked it.
        status = Path(f"/proc/{holder.attrs['State']['Pid']}/status")
        deadline = time.monotonic() + PATIENCE_S
        while f"SigBlk:\t{'0' * 16}" in status.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        holder.kill("SIGTERM")
        assert holder.wait(timeout=10)["StatusCode"] == 0
    finally:
        stream.close()
        holder.remove(force=True)
        client.close()


def test_a_port_is_free_again_at_once(runner: LabRunner) -> None:
    code = """use Socket; socket L, PF_INET, SOCK_STREAM, 6;
        bind(L, sockaddr_in 8000, INADDR_LOOPBACK) or die "bind: $!";
        listen L, 1; if (!fork) { socket C, PF_INET, SOCK_STREAM, 6; connect C, sockaddr_in 8000, INADDR_LOOPBACK;
        sysread C, $_, 1; exit } accept A, L; close A; wait; print 'met'"""
    for _ in range(3):
        ended = runner.perl(code)
        assert (ended.stdout, ended.stderr) == (b"met", b"")
        runner.end()


def test_nothing_but_the_scratch_directories_can_be_written(runner: LabRunner) -> None:
    code = "find / -xdev -writable ! -type l; find /dev /sys -writable -type d; ls /dev/mqueue"
    assert sorted(runner.run("sh", "-c", code).stdout.decode().split()) == ["/box", "/dev/shm", "/tmp"]


def test_the_program_goes_first_when_memory_runs_out(runner: LabRunner) -> None:
    assert runner.run("cat", "/proc/self/oom_score_adj").stdout == b"1000\n"
