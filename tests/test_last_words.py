"""What a program holds back in a buffer when its time is over, or when it crashes, is part of its output."""

from __future__ import annotations

import signal

import pytest

from sandbox.outcomes import Reason
from tests.runner_lab import ENVIRONMENT, LabRunner

FLUSHED = ENVIRONMENT | {"LD_PRELOAD": "/.gexec/flush.so"}
PRINTED = b"a line\nhalf "
WAITS = "print 'half '; $SIG{RTMAX} = sub { print 'a line'; $|=1; 1 while 1 }; 1 while 1"


@pytest.mark.parametrize("limits", [{"wall_ms": 300}, {"cpu_ms": 200}], ids=["wall", "cpu"])
def test_who_catches_the_warning_has_a_moment_for_last_words(runner: LabRunner, limits: dict[str, int]) -> None:
    ended = runner.perl(WAITS, **limits)
    assert ended.result.reason is (Reason.WALL if "wall_ms" in limits else Reason.CPU)
    assert ended.stdout == b"half a line"
    assert ended.result.signal == signal.SIGKILL


def test_the_sanitizers_have_nothing_to_say() -> None:
    with LabRunner("asan") as asan:
        test_who_catches_the_warning_has_a_moment_for_last_words(asan, {"wall_ms": 300})
        asan.end()
        assert b"Sanitizer" not in asan.stderr


def test_who_does_not_catch_it_is_killed_at_once(runner: LabRunner) -> None:
    result = runner.run("guest", "spin", "1", wall_ms=200).result
    assert (result.reason, result.signal) == (Reason.WALL, signal.SIGKILL)


def test_a_child_is_warned_too(runner: LabRunner) -> None:
    code = "fork || exec 'env', 'LD_PRELOAD=/.gexec/flush.so', 'printer', 'spin'; wait"
    assert runner.perl(code, wall_ms=500).stdout == PRINTED


def test_the_moment_is_short_and_there_is_only_one(runner: LabRunner) -> None:
    code = "$SIG{RTMAX} = sub { $seen++ }; $|=1; 1 until $seen; fork; fork; while (1) { print 'x' if $seen > 1 }"
    ended = runner.perl(code, wall_ms=300)
    assert (ended.result.reason, ended.stdout) == (Reason.WALL, b"")
    # A third of a second is far more than it takes and far less than what one more limit would give.
    assert ended.result.cpu_us < 2_000_000


def test_last_words_count_for_the_output_limit(runner: LabRunner) -> None:
    code = "$SIG{RTMAX} = sub { print 'x' x 5e6 }; 1 while 1"
    ended = runner.perl(code, wall_ms=300, output_bytes=1000)
    assert (ended.result.reason, ended.result.stdout_cut, len(ended.stdout)) == (Reason.WALL, True, 1000)


def test_a_program_may_exit_by_itself_with_its_last_words(runner: LabRunner) -> None:
    ended = runner.perl("$SIG{RTMAX} = sub { print 'done'; exit 5 }; 1 while 1", wall_ms=300)
    assert (ended.result.reason, ended.result.exit_code, ended.stdout) == (Reason.WALL, 5, b"done")


@pytest.mark.parametrize(
    ("end", "number"),
    [
        ("abort", signal.SIGABRT),
        ("fault", signal.SIGSEGV),
        ("jump", signal.SIGSEGV),
        ("divide", signal.SIGFPE),
        ("deep", signal.SIGSEGV),
    ],
)
def test_a_crash_keeps_half_a_line_and_its_signal(runner: LabRunner, end: str, number: int) -> None:
    ended = runner.run("printer", end, env=FLUSHED)
    assert (ended.stdout, ended.result.reason, ended.result.signal) == (PRINTED, Reason.SIGNALED, number)


def test_a_time_out_keeps_half_a_line(runner: LabRunner) -> None:
    for limits in ({"wall_ms": 300}, {"cpu_ms": 200}):
        assert runner.run("printer", "spin", env=FLUSHED, **limits).stdout == PRINTED


def test_a_program_that_ignores_the_warning_gains_nothing(runner: LabRunner) -> None:
    result = runner.run("printer", "stay", env=FLUSHED, wall_ms=300).result
    assert (result.reason, result.signal) == (Reason.WALL, signal.SIGKILL)


def test_nothing_is_printed_twice(runner: LabRunner) -> None:
    """The warning comes in the middle of a write more often than not."""
    for _ in range(20):
        ended = runner.run("printer", "count", env=FLUSHED, wall_ms=30, output_bytes=1 << 26)
        numbers = ended.stdout.removeprefix(PRINTED).split()
        assert numbers[:-1] == [b"%d" % number for number in range(len(numbers) - 1)]


def test_a_program_does_not_see_what_flushes_it(runner: LabRunner) -> None:
    listed = runner.run("printer", "variables", env=FLUSHED).stdout.decode().splitlines()[2:]
    assert dict(line.split("=", 1) for line in listed) == ENVIRONMENT


def test_many_lines_come_whole_and_in_order(runner: LabRunner) -> None:
    ended = runner.run("printer", "lines", env=FLUSHED, output_bytes=1 << 24)
    assert ended.stdout == PRINTED + b"".join(b"%d\n" % number for number in range(200_000))
