"""Locks on files: a program has the few that it needs, and no more."""

from __future__ import annotations

import errno

import pytest

from tests.runner_lab import LabRunner

MAX_LOCKS = 32 * 1024
# struct flock of 64-bit machines, and F_SETLK, for the byte at an offset.
LOCK = "sub lock_byte { my $lock = pack('ssx4qqlx4', $_[1], 0, $_[0], 1, 0); fcntl(F, 6, $lock) }"
LOCK += "open F, '+>', 'file' or die;"


def test_a_range_of_a_file_is_locked_against_others(runner: LabRunner) -> None:
    code = LOCK + "lock_byte(7, 1) or die $!; if (fork) { wait; exit }"
    code += "print lock_byte(8, 1) ? 1 : 0, lock_byte(7, 1) || 0 + $!"
    assert runner.perl(code).stdout == f"1{errno.EAGAIN}".encode()


def test_locks_are_bounded_over_all_processes(runner: LabRunner) -> None:
    # A file of its own for each thousand, since the kernel goes through the locks of a file one by one.
    code = """for $child (1, 2) { pipe R, W; unless (fork) {
        for ($n = 0; $n < 20_000; $n++) {
            unless ($n % 1000) { open my $new, '+>', "$child.$n" or die; push @kept, $new }
            fcntl($kept[-1], 6, pack('ssx4qqlx4', 1, 0, 2 * $n, 1, 0)) or last }
        syswrite W, "$n " . ($n < 20_000 ? $! + 0 : 0); sleep 60 } sysread R, $told, 99; print "$told\n" }"""
    told = [tuple(map(int, line.split())) for line in runner.perl(code).stdout.splitlines()]
    assert told == [(20_000, 0), (MAX_LOCKS - 20_000, errno.ENOLCK)]


def test_who_gives_locks_back_may_take_them_for_ever(runner: LabRunner) -> None:
    code = LOCK + f"for (1..{MAX_LOCKS}) {{ lock_byte(1, 1) && lock_byte(1, 2) or die $! }} print 'all'"
    assert runner.perl(code).stdout == b"all"


def test_the_next_job_has_all_of_its_locks(runner: LabRunner) -> None:
    runner.perl(LOCK + "$at = 1e6; 1 while lock_byte($at -= 2, 1)")
    runner.end()
    assert runner.perl(LOCK + "print 'locked' if lock_byte(1, 1)").stdout == b"locked"


@pytest.mark.parametrize("command", [37, 38, 1024, 1026], ids=["SETLK", "SETLKW", "lease", "notice"])
def test_ways_to_lock_and_watch_that_programs_do_without_are_unknown(runner: LabRunner, command: int) -> None:
    code = "open F, '+>', 'file'; $lock = pack('ssx4qqlx4', 1, 0, 0, 1, 0); fcntl(F, $ARGV[0], $lock) or print 0 + $!"
    assert runner.perl(code, str(command)).stdout == str(errno.EINVAL).encode()
