"""What is started ahead: forks that cannot be told from executed programs, and a server that no program can touch."""

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
from tests.runner_lab import AHEAD_UID, ENVIRONMENT, PATIENCE_S, UID, Ended, LabRunner

SCRIPT = "main.sh"
COMMAND = ("interpreter", SCRIPT)
# What interpreter.c's "slow" takes at least to come to its script.
SLOW_START_US = 300_000
SLOW_START_CPU_US = 100_000
# The fields of /proc/self/status that say what a process may do.
RIGHTS: tuple[str, ...] = (
    "Uid",
    "Gid",
    "Groups",
    "Umask",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
)
RIGHTS += ("Seccomp_filters", "SigBlk", "SigIgn", "SigCgt", "Threads")


@pytest.fixture(params=[RUNNER_PATH, "asan"], ids=["runner", "asan"])
def ahead(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    """A runner that has started the interpreter ahead."""
    with LabRunner(request.param) as runner:
        start_ahead(runner)
        yield runner


def start_ahead(runner: LabRunner, *argv: str, env: dict[str, str] = ENVIRONMENT, script: str = SCRIPT) -> None:
    """Let it start the interpreter, or this command."""
    runner.send(protocol.ahead_frame(script, argv or COMMAND, env))


def run(runner: LabRunner, script: str, *argv: str, **limits: object) -> Ended:
    """One job with this script, up to the end of its step."""
    runner.write_file(SCRIPT, script.encode())
    return runner.run(*(argv or COMMAND), **limits)


def boot(ended: Ended) -> str:
    """The state that the interpreter had after its start."""
    return ended.stdout.decode().strip()


def server_pid(runner: LabRunner) -> int:
    """The waiting interpreter, by its number on the host, as soon as it has taken its user on."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := [pid for uid, pid in processes(runner) if uid == AHEAD_UID]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (pid,) = found
    return pid


def processes(runner: LabRunner) -> list[tuple[int, int]]:
    """The users and numbers, on the host, of the container's processes."""
    table = runner.container.top(ps_args="-eo uid,pid")["Processes"]
    return [(int(uid), int(pid)) for uid, pid in table]


def test_steps_are_forks_of_one_start_and_every_container_has_its_own(ahead: LabRunner) -> None:
    first = run(ahead, "echo $BOOT")
    assert first.result.started_ahead
    ahead.end()
    second = run(ahead, "echo $BOOT")
    assert second.result.started_ahead
    assert boot(first) == boot(second) != ""
    with LabRunner() as other:
        start_ahead(other)
        assert boot(run(other, "echo $BOOT")) != boot(first)


def test_each_fresh_step_is_a_fork_that_finds_the_script_as_it_was(ahead: LabRunner) -> None:
    ahead.write_file(SCRIPT, b"echo $BOOT; echo 'echo changed' > main.sh; touch left /tmp/left; sleep 60 & exit 0")
    boots = []
    for _ in range(3):
        ahead.back()
        ended = ahead.run(*COMMAND)
        assert ended.result.started_ahead
        boots.append(boot(ended))
    assert boots == [boots[0]] * 3
    assert boots[0] != "changed"
    ahead.back()
    found = ahead.run("find", "/box", "/tmp", "-mindepth", "1")
    assert found.stdout == b"/box/main.sh\n"
    ahead.end()


def test_a_fork_may_have_one_stream_too(ahead: LabRunner) -> None:
    ended = run(ahead, "echo out; echo err >&2; echo out; ls /proc/self/fd | wc -l", merge_stderr=True)
    assert (ended.result.started_ahead, ended.stdout, ended.stderr) == (True, b"out\nerr\nout\n4\n", b"")


def test_a_fork_has_what_an_executed_program_has(ahead: LabRunner) -> None:
    status = f"grep -E '^({'|'.join(RIGHTS)}):' /proc/self/status"
    facts = """
        ulimit -a; umask; env | grep -v BOOT | sort; pwd; id
        ls -l /proc/self/fd | awk '{print $1, $3, $4, $9}' | grep -v '^total'
        cat /proc/self/oom_score_adj; cut -d' ' -f4 /proc/$$/stat
        cut -d' ' -f5,6 /proc/$$/stat | grep -qx "$$ $$" && echo a session of its own
        ls -ld /proc/self/ | awk '{print $3}'; ls -A /box; stat -c %a /box
    """
    script = status + facts
    with LabRunner() as plain:
        executed = run(plain, script, open_files=77, file_size_bytes=1 << 20)
    forked = run(ahead, script, open_files=77, file_size_bytes=1 << 20)
    assert (executed.result.started_ahead, forked.result.started_ahead) == (False, True)
    assert forked.stdout.decode() == executed.stdout.decode()
    assert (forked.stderr, executed.stderr) == (b"", b"")
    assert "a session of its own" in forked.stdout.decode()
    assert f"uid={UID}" in forked.stdout.decode()


@pytest.mark.parametrize("code", [0, 1, 126, 127, 255])
def test_exit_codes_of_forks(ahead: LabRunner, code: int) -> None:
    result = run(ahead, f"exit {code}").result
    assert (result.reason, result.exit_code, result.started_ahead) == (Reason.EXITED, code, True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_signals_that_end_forks(ahead: LabRunner, number: int) -> None:
    result = run(ahead, f"kill -{number} $$").result
    assert (result.reason, result.signal) == (Reason.SIGNALED, number)


def test_limits_of_forks(ahead: LabRunner) -> None:
    assert run(ahead, "while :; do :; done", cpu_ms=200).result.reason is Reason.CPU
    ahead.end()
    wall = run(ahead, "sleep 60 & sleep 60", wall_ms=300).result
    assert (wall.reason, wall.started_ahead) == (Reason.WALL, True)
    # Ended by the limit, which counts from the step's start, and not by the sleeps.
    assert 300_000 <= wall.wall_us < 60_000_000
    ahead.end()
    assert run(ahead, "yes", output_bytes=1000).result.reason is Reason.OUTPUT
    ahead.end()
    assert run(ahead, "echo $BOOT").result.started_ahead


def test_stdin_and_both_streams_of_a_fork(ahead: LabRunner) -> None:
    ended = run(ahead, "cat; echo wrong >&2", stdin=b"words\n")
    assert (ended.stdout, ended.stderr, ended.result.started_ahead) == (b"words\n", b"wrong\n", True)


def test_whatever_a_fork_leaves_is_ended_and_the_server_is_not(ahead: LabRunner) -> None:
    before = server_pid(ahead)
    run(ahead, "setsid sleep 60 & (setsid sh -c 'trap \"\" TERM; sleep 60' &) ; touch /tmp/left")
    ahead.end()
    found = run(ahead, "ls -A /tmp; for p in /proc/[0-9]*; do grep -h '^Uid' $p/status; done; echo $BOOT")
    uids = [line.split()[1] for line in found.stdout.decode().splitlines() if line.startswith("Uid")]
    assert set(uids) == {"0", str(UID), str(AHEAD_UID)}
    assert uids.count(str(AHEAD_UID)) == 1
    assert found.result.started_ahead
    assert server_pid(ahead) == before


def test_a_fork_bomb_ends_and_leaves_the_server(ahead: LabRunner) -> None:
    bomb = run(ahead, "exec perl -e 'while (1) { fork }'", wall_ms=500)
    assert bomb.result.reason in {Reason.WALL, Reason.MEMORY}
    ahead.end()
    assert run(ahead, "echo $BOOT").result.started_ahead


@pytest.mark.parametrize(
    "attack",
    [
        "kill -9 $server",
        "kill -STOP $server",
        "kill -INT $server",
        "head -c 1 /proc/$server/mem",
        "cat /proc/$server/environ",
        "ls /proc/$server/fd/",
        "ls /proc/$server/cwd/",
        "echo x > /proc/$server/oom_score_adj",
        # ptrace(PTRACE_ATTACH), process_vm_readv, prlimit64, pidfd_getfd, sched_setaffinity, setpriority, ioprio_set
        "perl -e 'exit(syscall(101, 16, $ENV{server} + 0, 0, 0) < 0 ? 1 : 0)'",
        "perl -e 'exit(syscall(310, $ENV{server} + 0, 0, 0, 0, 0, 0) < 0 ? 1 : 0)'",
        "perl -e '$l = pack(q(QQ), 3, 3); exit(syscall(302, $ENV{server} + 0, 7, $l, 0) < 0 ? 1 : 0)'",
        "perl -e '$p = syscall(434, $ENV{server} + 0, 0); exit(syscall(438, $p, 3, 0) < 0 ? 1 : 0)'",
        "perl -e '$m = pack(q(Q), 1); exit(syscall(203, $ENV{server} + 0, 8, $m) < 0 ? 1 : 0)'",
        "perl -e 'exit(syscall(141, 0, $ENV{server} + 0, 19) < 0 ? 1 : 0)'",
        "perl -e 'exit(syscall(251, 1, $ENV{server} + 0, 3 << 13) < 0 ? 1 : 0)'",
    ],
)
def test_a_program_cannot_touch_the_server(attack: str) -> None:
    of_server = f"grep -qs '^Uid:[[:space:]]*{AHEAD_UID}' $p/status"
    find = f"for p in /proc/[0-9]*; do {of_server} && export server=${{p#/proc/}}; done"
    with LabRunner() as runner:
        start_ahead(runner)
        tried = run(runner, f"{find}; echo against ${{server:?}}; {attack}; echo refused $?", stdin=b"")
        lines = tried.stdout.decode().splitlines()
        assert lines[0].startswith("against ")
        assert lines[-1].startswith("refused ")
        assert lines[-1] != "refused 0"
        runner.end()
        again = run(runner, "ulimit -n; nice")
        assert (again.stdout, again.result.started_ahead) == (b"256\n0\n", True)


def test_a_program_that_ends_everybody_ends_all_but_the_server(ahead: LabRunner) -> None:
    run(ahead, "kill -STOP -1; kill -9 -1")
    ahead.end()
    assert run(ahead, "true").result.started_ahead


def test_another_command_or_environment_is_executed_as_ever(ahead: LabRunner) -> None:
    assert not run(ahead, "true", *COMMAND, "more").result.started_ahead
    ahead.end()
    assert not run(ahead, "true", env={**ENVIRONMENT, "MORE": "1"}).result.started_ahead
    ahead.end()
    assert run(ahead, "true").result.started_ahead


def test_a_second_step_of_the_job_may_be_a_fork_too(ahead: LabRunner) -> None:
    ahead.write_file(SCRIPT, b"echo $BOOT; ls -A")
    assert not ahead.run("touch", "made").result.started_ahead
    first = ahead.run(*COMMAND)
    assert sorted(first.stdout.decode().splitlines()[1:]) == ["made", SCRIPT]
    assert ahead.run(*COMMAND).stdout == first.stdout


@pytest.mark.parametrize("manner", ["other", "stuck", "helped", "wrapped"])
def test_an_interpreter_that_does_not_wait_alone_is_given_up(manner: str) -> None:
    with LabRunner() as runner:
        start_ahead(runner, "interpreter", manner, SCRIPT)
        time.sleep(0.2)
        script = "cat /proc/[0-9]*/status | grep ^Uid | cut -f2 | sort -u"
        ended = run(runner, script, "interpreter", "other", SCRIPT)
        assert (ended.stdout.decode(), ended.result.started_ahead) == (f"0\n{UID}\n", False)
        assert [uid for uid, _ in processes(runner)] == [0]
        runner.end()
        assert not run(runner, "true", "interpreter", "other", SCRIPT).result.started_ahead


def test_a_slow_start_is_waited_for() -> None:
    with LabRunner() as runner:
        began = time.monotonic()
        start_ahead(runner, "interpreter", "slow", SCRIPT)
        ended = run(runner, "true", "interpreter", "slow", SCRIPT)
        elapsed_us = (time.monotonic() - began) * 1e6
        assert (ended.result.reason, ended.result.started_ahead) == (Reason.EXITED, True)
        assert ended.result.wall_us <= elapsed_us - SLOW_START_US


def test_the_cpu_time_of_the_start_is_not_the_programs() -> None:
    with LabRunner() as runner:
        slow = ("interpreter", "slow", SCRIPT)
        executed = run(runner, "true", *slow).result
        assert (executed.cpu_us >= SLOW_START_CPU_US, executed.started_ahead) == (True, False)
        runner.send(protocol.end_frame() + protocol.ahead_frame(SCRIPT, slow, ENVIRONMENT))
        runner.expect(Ready)
        forked = run(runner, "true", *slow).result
        assert (forked.cpu_us < SLOW_START_CPU_US, forked.started_ahead) == (True, True)


def test_an_interpreter_that_looks_into_its_script_first_waits_there_and_finds_all_of_it_then() -> None:
    with LabRunner() as runner:
        start_ahead(runner, "interpreter", "twice", SCRIPT)
        ended = run(runner, "echo whole", "interpreter", "twice", SCRIPT)
        assert (ended.stdout, ended.result.started_ahead) == (b"whole\n", True)


def test_a_server_that_was_killed_ends_the_container_after_its_job(ahead: LabRunner) -> None:
    run(ahead, "true")
    ahead.end()
    os.kill(server_pid(ahead), signal.SIGKILL)
    time.sleep(0.2)
    ended = run(ahead, "echo still runs")
    assert (ended.stdout, ended.result.started_ahead) == (b"still runs\n", False)
    ahead.send(protocol.end_frame())
    assert [type(frame) for frame in ahead.wait_gone()] == [Fault]


def test_a_stopped_server_costs_its_container_and_no_more() -> None:
    with LabRunner() as runner:
        start_ahead(runner)
        run(runner, "true")
        runner.end()
        os.kill(server_pid(runner), signal.SIGSTOP)
        ended = run(runner, "echo still runs", wall_ms=10_000)
        assert ended.stdout == b"still runs\n"
        runner.send(protocol.end_frame())
        assert [type(frame) for frame in runner.wait_gone()] == [Fault]


@pytest.mark.parametrize(
    ("argv", "env", "script"),
    [
        (("nowhere", SCRIPT), ENVIRONMENT, SCRIPT),
        (("/etc/passwd", SCRIPT), ENVIRONMENT, SCRIPT),
        (("true",), ENVIRONMENT, SCRIPT),
        (COMMAND, {**ENVIRONMENT, "LD_PRELOAD": "/lib/other.so"}, SCRIPT),
        (COMMAND, ENVIRONMENT, "another.sh"),
    ],
)
def test_what_cannot_be_started_ahead_is_started_later(argv: tuple[str, ...], env: dict[str, str], script: str) -> None:
    with LabRunner() as runner:
        start_ahead(runner, *argv, env=env, script=script)
        ended = run(runner, "ls -A; echo run", env=env)
        assert (ended.stdout, ended.result.started_ahead) == (b"main.sh\nrun\n", False)
        runner.end()


def test_without_a_user_for_it_nothing_is_started_ahead() -> None:
    with LabRunner(ahead=False) as runner:
        start_ahead(runner)
        assert not run(runner, "true").result.started_ahead


@pytest.mark.parametrize(
    "frames",
    [
        protocol.ahead_frame(SCRIPT, COMMAND, {}) * 2,
        protocol.file_frames(SCRIPT, b"") + protocol.ahead_frame(SCRIPT, COMMAND, {}),
        b"A\0\0\0\0",
        b"A\0\0\0\4\0\0\0\0",
        b"A\0\0\0\x0a\0\1\0\0\0\0\0\2..",
        b"A\0\0\0\x0e\0\1\0\0\0\0\0\2/a\0\0\0\0",
        b"A\0\0\0\x0d\0\1\0\0\0\0\0\1a\0\0\0\1",
        b"A\0\0\x40\1" + bytes(0x4001),
    ],
)
def test_a_malformed_or_untimely_frame_ends_the_container(frames: bytes) -> None:
    with LabRunner() as runner:
        runner.send(frames)
        assert [type(frame) for frame in runner.wait_gone()] == [Fault]


def test_it_can_be_asked_for_after_a_job_too() -> None:
    with LabRunner() as runner:
        assert not run(runner, "true").result.started_ahead
        runner.send(protocol.end_frame() + protocol.ahead_frame(SCRIPT, COMMAND, ENVIRONMENT))
        runner.expect(Ready)
        assert run(runner, "true").result.started_ahead


def test_a_container_that_is_ended_takes_the_server_along() -> None:
    with LabRunner() as runner:
        start_ahead(runner)
        run(runner, "true")
        pid = server_pid(runner)
        runner.close_stdin()
        runner.wait_gone()
        eventually(lambda: not Path(f"/proc/{pid}").exists())
