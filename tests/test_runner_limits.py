"""Every limit ends a step, says so, and keeps what was printed."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sandbox import protocol
from sandbox.outcomes import Reason
from sandbox.protocol import Output
from tests.runner_lab import LabRunner

HELLO = "$| = 1; print 'hello'; print STDERR 'oops';"


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("sleep 60", {"wall_ms": 500}, Reason.WALL),
        ("$SIG{TERM} = $SIG{HUP} = $SIG{INT} = 'IGNORE'; 1 while 1", {"wall_ms": 500}, Reason.WALL),
        ("1 while 1", {"cpu_ms": 300}, Reason.CPU),
        ("fork; fork; 1 while 1", {"cpu_ms": 300}, Reason.CPU),
        ("exec 'guest', 'eat', '300'", {}, Reason.MEMORY),
        ("open F, '>', '/tmp/big'; print F 'x' x 1e6 for 1..1e4", {"file_size_bytes": 1 << 40}, Reason.EXITED),
        ("print 'x' x 1e6", {"output_bytes": 1000}, Reason.OUTPUT),
        ("print STDERR 'x' x 1e6; sleep 60", {"output_bytes": 1000}, Reason.OUTPUT),
        ("kill 9, $$", {}, Reason.SIGNALED),
        ("kill 9, -1; sleep 60", {"wall_ms": 500}, Reason.WALL),
        ("exit 3", {}, Reason.EXITED),
    ],
)
def test_what_was_printed_is_kept(runner: LabRunner, code: str, limits: dict[str, int], reason: Reason) -> None:
    ended = runner.perl(HELLO + code, **limits)
    assert ended.result.reason is reason
    assert ended.stdout.startswith(b"hello")
    assert ended.stderr.startswith(b"oops")


def test_the_wall_limit_is_kept_to(runner: LabRunner) -> None:
    for wall_ms in (100, 1000):
        result = runner.run("guest", "spin", "1", wall_ms=wall_ms).result
        assert (result.reason, result.signal) == (Reason.WALL, 9)
        assert wall_ms * 1000 <= result.wall_us


def test_the_processor_time_of_all_processes_counts(runner: LabRunner) -> None:
    result = runner.run("guest", "spin", "2", cpu_ms=400).result
    assert result.reason is Reason.CPU
    assert result.cpu_us >= 400_000


def test_the_kernel_ends_a_process_that_the_runner_comes_too_late_for(runner: LabRunner) -> None:
    assert runner.run("sh", "-c", "ulimit -t; ulimit -Ht", cpu_ms=1300).stdout == b"4\n4\n"
    processors = len(os.sched_getaffinity(0))
    wall = runner.run("sh", "-c", "ulimit -t", wall_ms=5000)
    assert wall.stdout == b"%d\n" % (5 * processors + 2)


def test_a_program_may_call_as_deep_as_its_memory_allows(runner: LabRunner) -> None:
    assert runner.run("sh", "-c", "ulimit -s; ulimit -Hs").stdout == b"131072\nunlimited\n"
    deep = runner.run("guest", "stack", "100")
    assert (deep.result.reason, deep.stdout) == (Reason.EXITED, b"%d\n" % (100 << 20 >> 16 >> 4))
    assert runner.run("guest", "stack", "200").result.reason is Reason.MEMORY


def test_the_runner_gets_to_run_before_its_programs(runner: LabRunner) -> None:
    runner.container.reload()
    pid = runner.container.attrs["State"]["Pid"]
    assert os.getpriority(os.PRIO_PROCESS, pid) == -20
    assert runner.run("nice").stdout == b"0\n"
    many = runner.run("sh", "-c", "for i in $(seq 50); do guest spin 1 & done; echo begun; wait", wall_ms=1500)
    assert (many.result.reason, many.stdout) == (Reason.WALL, b"begun\n")


def test_stacks_of_that_size_leave_room_for_many_threads() -> None:
    with LabRunner(processes=256) as runner:
        many = runner.run("guest", "threads", "200")
    assert (many.result.reason, many.stdout) == (Reason.EXITED, b"threads\n")


def test_a_file_that_grows_too_large_ends_a_program_and_is_told_to_a_compiler(runner: LabRunner) -> None:
    code = "open F, '>', '/tmp/f'; syswrite F, 'x' x 1e5; syswrite F, 'x' or print $!"
    ended = runner.perl(code, file_size_bytes=10_000)
    assert (ended.result.reason, ended.result.signal) == (Reason.SIGNALED, signal.SIGXFSZ)
    told = runner.perl(code, file_size_bytes=10_000, large_files_fail=True)
    assert (told.result.reason, told.stdout) == (Reason.EXITED, b"File too large")


def test_the_processor_time_of_the_dead_counts(runner: LabRunner) -> None:
    code = "while (1) { unless (fork) { for (1..2e5) {} exit } wait }"
    assert runner.perl(code, cpu_ms=300).result.reason is Reason.CPU


def test_memory_of_a_child_is_a_memory_end_unless_the_program_copes(runner: LabRunner) -> None:
    assert runner.run("sh", "-c", "guest eat 300; exit 5").result.reason is Reason.MEMORY
    coped = runner.run("sh", "-c", "guest eat 300; echo coped")
    assert (coped.result.reason, coped.stdout) == (Reason.EXITED, b"coped\n")


def test_an_ordinary_kill_after_a_memory_end_is_told_apart(runner: LabRunner) -> None:
    assert runner.run("guest", "eat", "300").result.reason is Reason.MEMORY
    assert runner.run("sh", "-c", "kill -9 $$").result.reason is Reason.SIGNALED


@pytest.mark.parametrize("size", [0, 1, 1000, 65535, 65536, 65537, 200_000])
def test_exactly_the_limit_is_kept(runner: LabRunner, size: int) -> None:
    allowed = runner.perl("print 'x' x shift", str(size), output_bytes=size)
    assert (allowed.stdout, allowed.result.reason) == (b"x" * size, Reason.EXITED)
    assert not allowed.result.stdout_cut
    for stream, more in ("STDOUT", size + 1), ("STDERR", size + 300_000):
        cut = runner.perl(f"print {stream} 'x' x shift", str(more), output_bytes=size)
        assert cut.stdout + cut.stderr == b"x" * size
        assert cut.result.reason is Reason.OUTPUT
        assert (cut.result.stdout_cut, cut.result.stderr_cut) == (stream == "STDOUT", stream == "STDERR")


def test_each_stream_has_its_own_limit(runner: LabRunner) -> None:
    ended = runner.perl("print 'o' x 500; print STDERR 'e' x 500", output_bytes=500)
    assert (len(ended.stdout), len(ended.stderr), ended.result.reason) == (500, 500, Reason.EXITED)


def test_a_flood_ends_soon(runner: LabRunner) -> None:
    ended = runner.run("sh", "-c", "yes & yes >&2", output_bytes=1 << 20)
    assert ended.result.reason is Reason.OUTPUT
    assert max(len(ended.stdout), len(ended.stderr)) == 1 << 20


def test_a_kill_ends_the_step(runner: LabRunner) -> None:
    runner.start("perl", "-e", HELLO + "sleep 60")
    assert isinstance(runner.next_frame(), Output)
    runner.send(protocol.kill_frame())
    result = runner.finish().result
    assert (result.reason, result.signal) == (Reason.KILLED, 9)


def test_a_kill_is_seen_while_nobody_reads_the_output(runner: LabRunner) -> None:
    runner.start("yes", output_bytes=1 << 40)
    time.sleep(1)
    runner.send(protocol.kill_frame())
    assert runner.finish().result.reason is Reason.KILLED


def test_a_kill_without_a_step_is_ignored(runner: LabRunner) -> None:
    runner.send(protocol.kill_frame())
    assert runner.run("true").result.reason is Reason.EXITED


def test_the_file_size_limit_ends_the_writer(runner: LabRunner) -> None:
    result = runner.run("dd", "if=/dev/zero", "of=big", "bs=64k", file_size_bytes=1 << 20).result
    assert (result.reason, result.signal) == (Reason.SIGNALED, 25)
    assert runner.run("stat", "-c", "%s", "big").stdout == b"1048576\n"


def test_open_files_are_limited(runner: LabRunner) -> None:
    code = "while (open my $h, '<', '/dev/null') { push @f, $h } print scalar @f"
    assert runner.perl(code, open_files=20).stdout == b"17"


def test_no_core_no_locked_memory_no_queues(runner: LabRunner) -> None:
    limits = runner.run("cat", "/proc/self/limits").stdout.decode()
    values = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
    assert values["Max core file size"] == ["0", "0"]
    assert values["Max locked memory"] == ["65536", "65536"]
    assert values["Max msgqueue size"] == ["0", "0"]
    assert values["Max realtime priority"] == ["0", "0"]


def test_a_fork_bomb_ends_at_the_wall(runner: LabRunner) -> None:
    # On a busy host, the memory of as many copies of perl is now and then full before.
    bomb = runner.perl("1 while defined fork || 1", wall_ms=700).result
    assert bomb.reason in {Reason.WALL, Reason.MEMORY}
    assert runner.run("echo", "fine").stdout == b"fine\n"


def test_threads_and_children_work(runner: LabRunner) -> None:
    assert runner.run("guest", "threads").result.exit_code == 0
    assert runner.run("sh", "-c", "true | cat; exec true").result.exit_code == 0
