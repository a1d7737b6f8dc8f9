"""After a step no process is left; after a job nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.outcomes import Reason
from sandbox.policy import RUNNER_PATH
from sandbox.protocol import Fault
from tests.runner_lab import UID, LabRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = ("/box", "/tmp", "/dev/shm")


@pytest.fixture(
    scope="module",
    params=[(RUNNER_PATH, False), ("asan", False), (RUNNER_PATH, True)],
    ids=["runner", "asan", "cell"],
)
def runner(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    binary, cells = request.param
    with LabRunner(binary, cells=cells) as runner:
        assert runner.ready.in_cell == cells
        yield runner
        assert b"Sanitizer" not in runner.stderr


def assert_like_new(runner: LabRunner) -> None:
    """Ends the job and looks at what the next one finds."""
    runner.end()
    found = runner.run("find", *PLACES, "-printf", "%p %U %G %m\n")
    owners = [f"/box {UID} {UID} 700", "/tmp 0 0 1777", "/dev/shm 0 0 1777"]
    assert (found.stdout.decode().splitlines(), found.stderr) == (owners, b"")
    assert alone(runner)


def alone(runner: LabRunner) -> bool:
    """Whether the program sees only the runner and itself."""
    return runner.perl("print scalar grep { m,/\\d+$, } glob '/proc/*'").stdout == b"2"


@pytest.mark.parametrize(
    "mess",
    [
        "touch a; mkdir -p b/c; ln -s /etc/passwd l; ln a h; mkfifo p",
        "mkdir -p d/d/d; touch d/d/d/f; chmod 000 d/d/d d/d d; chmod 000 /box",
        "mkdir s; touch s/f; chmod 1777 s; chmod 555 s",
        "perl -e 'for (1..255) { open F, q(>), chr($_) x 200 }'; mkdir -- '-rf' ' ' '...' '*'",
        "ln -s . loop; ln -s .. up; ln -s / root; mkdir real; ln -s ../.. real/up",
        "cp /bin/true t; chmod 7777 t; ./t; mkdir g; chmod 7777 g",
        "guest many 20000",
        "for i in 1 2 3 4 5 6; do mkdir $i; for j in 1 2 3 4 5 6; do mkdir $i/$j; touch $i/$j/f; done; done",
        "perl -e 'use Socket; socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un q(sock)'",
        "dd if=/dev/zero of=full bs=1M 2>/dev/null; true",
        "exec 3>kept; rm kept; sleep 60 & echo more >&3",
        "chmod 777 /box; chmod 000 /tmp /dev/shm 2>/dev/null; true",
    ],
)
def test_whatever_was_left_is_gone(runner: LabRunner, mess: str) -> None:
    for place in PLACES:
        runner.run("sh", "-c", f"cd {place} && {mess}")
    assert_like_new(runner)


def test_a_tree_of_any_depth_is_gone(runner: LabRunner) -> None:
    assert runner.run("guest", "deep", "10000").stdout == b"deep\n"
    assert_like_new(runner)


def test_many_full_directories_are_gone(runner: LabRunner) -> None:
    code = "for (1..5000) { mkdir $_; open F, '>', qq($_/f) or die; close F } print 'made'"
    assert runner.perl(code).stdout == b"made"
    assert_like_new(runner)


def test_an_access_list_is_not_handed_down(runner: LabRunner) -> None:
    acl = "pack('V', 2) . join '', map { pack 'vvV', @$_ } [1,7,-1],[4,7,-1],[32,7,-1]"
    code = f"$n = 'system.posix_acl_default'; $v = {acl}; $p = '/box'; print syscall(188, $p, $n, $v, length $v, 0)"
    if runner.perl(code).stdout != b"0":
        pytest.skip("no access lists on a tmpfs here")
    runner.end()
    runner.write_file("f", b"")
    runner.run("mkdir", "made")
    assert runner.run("stat", "-c", "%a", "made", "f").stdout == b"755\n644\n"
    assert_like_new(runner)


@pytest.mark.parametrize(
    "daemon",
    [
        "sleep 60 & exit 0",
        "setsid sleep 60 & exit 0",
        "(setsid sh -c 'sleep 60 & exec sleep 60' &) ; sleep 0.1",
        "trap '' TERM HUP INT; (trap '' TERM HUP; setsid sh -c 'while :; do sleep 1; done' &)",
        "perl -e 'use POSIX; fork && exit; setsid(); fork && exit; close $_ for *STDIN, *STDOUT, *STDERR; sleep 60'",
        "perl -e 'for (1..20) { fork } ' & sleep 0.2",
        "setsid sh -c 'kill -STOP $$' & sleep 0.1",
    ],
)
def test_what_a_step_leaves_running_is_gone(runner: LabRunner, daemon: str) -> None:
    result = runner.run("sh", "-c", daemon).result
    assert (result.reason, result.wall_us < 10_000_000) == (Reason.EXITED, True)
    assert alone(runner)
    assert_like_new(runner)


def test_output_of_a_daemon_is_delivered_up_to_the_end(runner: LabRunner) -> None:
    ended = runner.run("sh", "-c", "(echo late; sleep 60) & sleep 0.3; echo end")
    assert (ended.stdout, ended.result.reason) == (b"late\nend\n", Reason.EXITED)


def test_orphans_are_reaped_while_the_step_runs(runner: LabRunner) -> None:
    code = "for (1..200) { (fork or (fork or exit 0), exit 0); wait } sleep 1; print grep /Z/, `cat /proc/[0-9]*/stat`"
    assert runner.perl(code, wall_ms=10_000).stdout == b""


def test_a_container_is_used_many_times(runner: LabRunner) -> None:
    before = runner.end().jobs_done
    for job in range(1, 51):
        runner.write_file("in", str(job).encode())
        assert runner.run("cat", "in").stdout == str(job).encode()
        assert runner.end().jobs_done == before + job


def test_files_are_never_written_through_a_link() -> None:
    with LabRunner() as runner:
        runner.run("sh", "-c", "mkdir /tmp/real; ln -s /tmp/real dir; ln -s /tmp/real/f file")
        runner.write_file("dir/f", b"escaped")
        (fault,) = runner.wait_gone()
        assert isinstance(fault, Fault)


def test_a_process_from_outside_does_not_survive_the_job() -> None:
    with LabRunner() as runner:
        runner.container.exec_run(["sleep", "60"], detach=True)
        assert not alone(runner)
        runner.end()
        assert alone(runner)
