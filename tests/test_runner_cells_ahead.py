"""The interpreter that waits outside of the cells: its forks are programs of theirs, and nothing leads back to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import protocol
from sandbox.outcomes import Reason
from sandbox.policy import RUNNER_PATH
from sandbox.protocol import Fault, Ready
from testkit.waiting import eventually
from tests.runner_lab import AHEAD_UID, ENVIRONMENT, UID, Ended, LabRunner

SCRIPT = "main.sh"
COMMAND = ("interpreter", SCRIPT)
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
RIGHTS += ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "Threads", "NSpgid", "NSsid")


@pytest.fixture(params=[RUNNER_PATH, "asan"], ids=["runner", "asan"])
def cells(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    """A runner that makes cells, and has been told what to start ahead."""
    with LabRunner(request.param, cells=True) as runner:
        start_ahead(runner)
        yield runner
        assert b"Sanitizer" not in runner.stderr


@pytest.fixture(scope="module")
def cell() -> Iterator[LabRunner]:
    """One for tests that leave the interpreter as it was."""
    with LabRunner(cells=True) as runner:
        start_ahead(runner)
        yield runner


def start_ahead(runner: LabRunner, *argv: str, env: dict[str, str] = ENVIRONMENT, script: str = SCRIPT) -> None:
    runner.send(protocol.ahead_frame(script, argv or COMMAND, env))


def run(runner: LabRunner, script: str, *argv: str, **limits: object) -> Ended:
    """One job with this script, up to the end of its step."""
    runner.write_file(SCRIPT, script.encode())
    return runner.run(*(argv or COMMAND), **limits)


def job(runner: LabRunner, script: str, **limits: object) -> Ended:
    """The same, and its cell has ended."""
    ended = run(runner, script, **limits)
    runner.end()
    return ended


def waiting(runner: LabRunner) -> list[int]:
    """The interpreters that wait, by their numbers on the host."""
    table = runner.container.top(ps_args="-eo uid,pid")["Processes"]
    return [int(pid) for uid, pid in table if int(uid) == AHEAD_UID]


def test_one_start_serves_all_cells_and_every_container_has_its_own(cells: LabRunner) -> None:
    drawn = {job(cells, "echo $BOOT").stdout for _ in range(4)}
    assert len(drawn) == 1
    (pid,) = waiting(cells)
    assert run(cells, "echo $BOOT").result.started_ahead
    assert waiting(cells) == [pid]
    with LabRunner(cells=True) as other:
        start_ahead(other)
        assert run(other, "echo $BOOT").stdout not in drawn


def test_steps_and_tests_of_one_job_are_forks_too(cells: LabRunner) -> None:
    cells.write_file(SCRIPT, b"echo $BOOT; ls -A; touch left")
    first = cells.run(*COMMAND)
    assert (first.result.started_ahead, first.stdout.split()[1:]) == (True, [SCRIPT.encode()])
    assert cells.run(*COMMAND).stdout.split()[1:] == [b"left", SCRIPT.encode()]
    for _ in range(3):
        cells.back()
        tested = cells.run(*COMMAND)
        assert (tested.result.started_ahead, tested.stdout.split()[0]) == (True, first.stdout.split()[0])


def test_frames_behind_the_one_that_names_it_reach_the_next_cell() -> None:
    with LabRunner(cells=True) as runner:
        frames = protocol.ahead_frame(SCRIPT, COMMAND, ENVIRONMENT) + protocol.file_frames(SCRIPT, b"wc -c < more")
        runner.send(frames + protocol.file_frames("more", b"x" * 300_000))
        ended = runner.run(*COMMAND)
        assert (ended.stdout, ended.result.started_ahead) == (b"300000\n", True)
        assert runner.end() == Ready(1, 1, in_cell=True)


def test_a_fork_has_what_an_executed_program_of_the_cell_has(cell: LabRunner) -> None:
    status = f"grep -E '^({'|'.join(RIGHTS)}):' /proc/self/status | grep -v 'NS.*[0-9]'"
    facts = """
        ulimit -a; umask; env | grep -v BOOT | sort; pwd; id; nice
        ls -l /proc/self/fd | awk '{print $1, $3, $4, $9}' | grep -v '^total'
        cat /proc/self/oom_score_adj; cut -d' ' -f4 /proc/$$/stat
        cut -d' ' -f5,6 /proc/$$/stat | grep -qx "$$ $$" && echo a session of its own
        ls -ld /proc/self/ | awk '{print $3}'; ls -A /box /tmp; stat -c %a /box
        for each in pid mnt net ipc uts cgroup user; do readlink /proc/self/ns/$each; done
        readlink /proc/self/root; readlink /proc/self/cwd; cat /proc/self/cgroup
        wc -l < /proc/self/mountinfo
    """
    cell.write_file(SCRIPT, (status + facts).encode())
    forked = cell.run(*COMMAND, open_files=77, file_size_bytes=1 << 20)
    executed = cell.run("sh", SCRIPT, open_files=77, file_size_bytes=1 << 20)
    assert (executed.result.started_ahead, forked.result.started_ahead) == (False, True)
    assert forked.stdout.decode() == executed.stdout.decode()
    assert (forked.stderr, executed.stderr) == (b"", b"")
    assert "a session of its own" in forked.stdout.decode()
    assert f"uid={UID}" in forked.stdout.decode()
    cell.end()


def test_streams_codes_signals_and_limits_of_forks(cell: LabRunner) -> None:
    ended = job(cell, "cat; echo wrong >&2; exit 9", stdin=b"words\n")
    assert (ended.stdout, ended.stderr, ended.result.exit_code) == (b"words\n", b"wrong\n", 9)
    merged = job(cell, "echo out; echo err >&2; ls /proc/self/fd | wc -l", merge_stderr=True)
    assert merged.stdout == b"out\nerr\n4\n"
    killed = job(cell, "kill -SEGV $$").result
    assert (killed.reason, killed.signal, killed.started_ahead) == (Reason.SIGNALED, signal.SIGSEGV, True)
    assert job(cell, "while :; do :; done", cpu_ms=200).result.reason is Reason.CPU
    assert job(cell, "sleep 60 & sleep 60", wall_ms=300).result.reason is Reason.WALL
    assert job(cell, "yes", output_bytes=1000).result.reason is Reason.OUTPUT
    assert job(
        cell, "exec perl -e 'open F, q(<), q(main.sh); print fcntl(F, 6, pack(q(s!s!q!q!l!), 0, 0, 0, 1, 0)) + 0'"
    )
    assert job(cell, "true").result.started_ahead


def test_nothing_of_it_is_seen_from_a_cell(cell: LabRunner) -> None:
    seen = job(cell, "set -- /proc/[0-9]*; echo $#; grep -h ^Uid /proc/[0-9]*/status | cut -f2 | sort -u; echo $PPID")
    # Process 1 and this shell.
    assert seen.stdout.decode().split() == ["2", "0", str(UID), "1"]
    assert job(cell, "grep -c ' ....s ' /proc/self/maps; kill -9 -1; echo on").stdout == b"0\non\n"
    assert job(cell, "for n in $(seq 1 400); do kill -0 $n 2>/dev/null && [ $n -ne $$ ] && echo $n; done").stdout == b""


def test_whatever_a_program_does_it_goes_on(cell: LabRunner) -> None:
    boot = job(cell, "echo $BOOT").stdout
    for greedy in ("exec perl -e 'while (1) { fork }'", "exec perl -e '$x = q(x) x 3e8'", "kill -9 -1; kill -STOP -1"):
        job(cell, greedy, wall_ms=500)
        job(
            cell,
            f"(setsid sleep 60 &); head -c 60M /dev/zero > /box/f; head -c 60M /dev/zero > /tmp/f; {greedy}",
            wall_ms=500,
        )
        again = job(cell, "echo $BOOT")
        assert (again.stdout, again.result.started_ahead) == (boot, True)


def test_one_that_is_killed_costs_no_job_and_is_started_again(cells: LabRunner) -> None:
    boot = job(cells, "echo $BOOT").stdout
    (pid,) = waiting(cells)
    os.kill(pid, signal.SIGKILL)
    runs = [job(cells, "echo $BOOT; ls -A") for _ in range(4)]
    assert [ended.stdout.split()[1:] for ended in runs] == [[SCRIPT.encode()]] * 4
    assert not runs[0].result.started_ahead
    assert runs[-1].result.started_ahead
    assert boot.split()[0] not in [ended.stdout.split()[0] for ended in runs]


def test_one_that_is_stopped_is_given_up() -> None:
    with LabRunner(cells=True) as runner:
        start_ahead(runner)
        job(runner, "true")
        (pid,) = waiting(runner)
        os.kill(pid, signal.SIGSTOP)
        for _ in range(2):
            ended = job(runner, "echo still runs", wall_ms=10_000)
            assert (ended.stdout, ended.result.started_ahead) == (b"still runs\n", False)
        # What it was asked for meanwhile it does not do later.
        os.kill(pid, signal.SIGCONT)
        eventually(lambda: not Path(f"/proc/{pid}").exists())
        assert job(runner, "set -- /proc/[0-9]*; echo $#").stdout == b"2\n"


@pytest.mark.parametrize("manner", ["other", "stuck", "helped", "wrapped"])
def test_an_interpreter_that_does_not_wait_alone_is_given_up(manner: str) -> None:
    with LabRunner(cells=True) as runner:
        start_ahead(runner, "interpreter", manner, SCRIPT)
        ended = run(runner, "cat /proc/[0-9]*/status | grep ^Uid | cut -f2 | sort -u", "interpreter", "other", SCRIPT)
        assert (ended.stdout.decode(), ended.result.started_ahead) == (f"0\n{UID}\n", False)
        assert waiting(runner) == []
        runner.end()


@pytest.mark.parametrize(
    ("argv", "env", "script"),
    [
        (("nowhere", SCRIPT), ENVIRONMENT, SCRIPT),
        (("true",), ENVIRONMENT, SCRIPT),
        (COMMAND, {**ENVIRONMENT, "LD_PRELOAD": "/lib/other.so"}, SCRIPT),
    ],
)
def test_what_cannot_be_started_ahead_is_started_later(argv: tuple[str, ...], env: dict[str, str], script: str) -> None:
    with LabRunner(cells=True) as runner:
        start_ahead(runner, *argv, env=env, script=script)
        for number in (1, 2):
            ended = run(runner, "ls -A; echo run", env=env)
            assert (ended.stdout, ended.result.started_ahead) == (b"main.sh\nrun\n", False)
            assert runner.end() == Ready(1, number, in_cell=True)


@pytest.mark.parametrize(
    "frames",
    [protocol.ahead_frame(SCRIPT, COMMAND, {}) * 2, b"A\0\0\0\0", b"A\0\0\0\4\0\0\0\0", b"A\0\0\x40\1" + bytes(0x4001)],
    ids=["twice", "empty", "short", "long"],
)
def test_a_malformed_or_untimely_frame_ends_the_container(frames: bytes) -> None:
    with LabRunner(cells=True) as runner:
        runner.send(frames)
        assert [type(frame) for frame in runner.wait_gone()] == [Fault]


def test_its_start_is_not_on_a_programs_account() -> None:
    with LabRunner(cells=True) as runner:
        slow = ("interpreter", "slow", SCRIPT)
        start_ahead(runner, *slow)
        result = run(runner, "true", *slow).result
        # The start takes 100 ms of CPU time.
        assert (result.cpu_us < 100_000, result.started_ahead) == (True, True)


def test_many_forks_leave_nothing_behind_and_are_not_all_of_one_start() -> None:
    with LabRunner(cells=True) as runner:

        def kept() -> tuple[int, int]:
            (pid,) = waiting(runner)
            return len(list(Path(f"/proc/{pid}/fd").iterdir())), len(runner.container.top()["Processes"])

        start_ahead(runner)
        job(runner, "true")
        before = kept()
        forks = [job(runner, "echo $BOOT") for _ in range(110)]
        assert eventually(kept, until=lambda now: now == before) == before
        assert all(ended.result.started_ahead for ended in forks)
        boots = [ended.stdout for ended in forks]
        assert len(set(boots)) == 2
        assert boots == sorted(boots, key=boots.index)


def test_it_ends_with_its_container() -> None:
    with LabRunner(cells=True) as runner:
        start_ahead(runner)
        run(runner, "true")
        (pid,) = waiting(runner)
        runner.close_stdin()
        runner.wait_gone()
        eventually(lambda: not Path(f"/proc/{pid}").exists())
