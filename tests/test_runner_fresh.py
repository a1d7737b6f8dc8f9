"""A fresh step finds nobody, and what the first one found wherever it can write, whatever was done since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import protocol
from sandbox.outcomes import Reason
from sandbox.policy import RUNNER_PATH
from sandbox.protocol import Fault
from tests.runner_lab import LabRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = r"""
    find . -type f -printf '%p %y %m %U %G %n %s %T@\n' -o -printf '%p %y %m %U %G %l\n' | sort
    find /tmp /dev/shm -printf '%p %y %m %U %G\n' | sort
    find . /tmp /dev/shm -type f -print0 | sort -z | xargs -0 cksum
    perl -e 'print scalar grep { m,/\d+$, } glob "/proc/*"'
"""
BUILT = """
    mkdir -p out/deep/er closed; echo built > out/main; chmod 755 out/main; echo read > out/deep/er/only
    chmod 400 out/deep/er/only; chmod 500 closed out/deep; touch -d 2001-02-03 old; echo x > /tmp/x
    mkdir -p /tmp/obj /dev/shm/d
    ln -s main out/link; ln -s /etc/passwd passwd; ln -s /tmp/outside outside
    ln -s . loop; mkdir empty; echo ' ' > ' '; head -c 3000000 /dev/zero > zeros
"""


@pytest.fixture(
    scope="module",
    params=[(RUNNER_PATH, False), ("asan", False), (RUNNER_PATH, True)],
    ids=["runner", "asan", "cell"],
)
def container(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    binary, cells = request.param
    with LabRunner(binary, cells=cells) as runner:
        yield runner
        assert b"Sanitizer" not in runner.stderr


def state(runner: LabRunner) -> str:
    """What a program sees of the writable places and of other processes."""
    listed = runner.run("sh", "-c", LIST, output_bytes=8 << 20)
    assert listed.stderr == b""
    return listed.stdout.decode()


@pytest.mark.parametrize(
    "mess",
    [
        "true",
        "rm -rf /box/* /box/' '",
        "echo changed > out/main; echo changed >> old; chmod 777 out/main; touch new out/new /tmp/new /dev/shm/new",
        "chmod 0 out/main out; chmod 0 /box",
        "rm -rf out; ln -s /tmp out; echo x > out/main; rm passwd; echo x > passwd",
        "rm out/main; mkdir -p out/main/deep; rm outside; echo x > /tmp/outside",
        "mv out /tmp/; mv /tmp/out/deep .; ln old /box/other",
        "(setsid sh -c 'while :; do echo x > /box/old; done' &) ; sleep 0.1",
        "sleep 60 & exec 3>out/main; sleep 60 >&3 & kill -9 $$",
        "cd /dev/shm && mkfifo p && perl -e 'use Socket; socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un q(s)'",
        "cd /tmp; guest many 5000; cd /box; guest deep 300",
        "dd if=/dev/zero of=/tmp/full bs=1M 2>/dev/null; dd if=/dev/zero of=/box/full bs=1M count=9 2>/dev/null",
    ],
)
def test_whatever_a_step_does_the_next_one_finds_what_the_first_found(runner: LabRunner, mess: str) -> None:
    runner.write_file("a/given", b"given\n")
    built = runner.run("sh", "-c", BUILT)
    assert (built.stderr, built.result.exit_code) == (b"", 0)
    before = state(runner)
    runner.back()
    first = state(runner)
    assert first == before
    for _ in range(2):
        runner.back()
        runner.run("sh", "-c", mess)
        runner.back()
        assert state(runner) == first


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("sleep 60", {"wall_ms": 300}, Reason.WALL),
        ("while :; do :; done", {"cpu_ms": 200}, Reason.CPU),
        ("exec guest eat 300", {}, Reason.MEMORY),
        ("yes", {"output_bytes": 1000}, Reason.OUTPUT),
        ("kill -9 $$", {}, Reason.SIGNALED),
        ("exit 3", {}, Reason.EXITED),
        ("sleep 60", None, Reason.KILLED),
    ],
)
def test_a_fresh_step_follows_on_every_ending(
    runner: LabRunner, code: str, limits: dict[str, Any] | None, reason: Reason
) -> None:
    runner.write_file("source", b"source\n")
    runner.back()
    runner.start("sh", "-c", f"rm source; touch left; {code}", **(limits or {}))
    if limits is None:
        runner.send(protocol.kill_frame())
    assert runner.finish().result.reason is reason
    runner.back()
    assert runner.run("sh", "-c", "cat *").stdout == b"source\n"


def test_what_cannot_be_kept_is_left_out_and_a_file_of_two_names_becomes_two(runner: LabRunner) -> None:
    code = "mkfifo fifo; echo one > one; ln one two; cp /bin/true set; chmod 6755 set; mkdir d; chmod 3700 d"
    runner.run("sh", "-c", f"{code}; perl -e 'use Socket; socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un q(s)'")
    runner.back()
    listed = runner.run(
        "sh", "-c", "find . -mindepth 1 -printf '%p %y %m\n' | sort; echo 2 >> two; cat one; ls -i one two"
    )
    *lines, one, other = listed.stdout.decode().splitlines()
    assert lines == ["./d d 700", "./one f 644", "./set f 755", "./two f 644", "one"]
    assert one.split()[0] != other.split()[0]


def test_an_access_list_is_not_kept(runner: LabRunner) -> None:
    runner.run("mkdir", "d")
    acl = "pack('V', 2) . join '', map { pack 'vvV', @$_ } [1,7,-1],[4,7,-1],[32,7,-1]"
    set_acl = (
        f"$n = 'system.posix_acl_default'; $v = {acl}; syscall(188, $p = $_, $n, $v, length $v, 0) for '/box', 'd'"
    )
    runner.perl(set_acl)
    runner.back()
    runner.run("mkdir", "made", "d/made")
    assert runner.run("stat", "-c", "%a", "made", "d/made").stdout == b"755\n755\n"


@pytest.mark.parametrize(
    "there",
    [
        "echo old > in",
        "ln -s kept in",
        "ln -s nowhere in",
        "mkdir -p in/deep; touch in/deep/er in/x; chmod 0 in/deep in",
        "mkfifo in",
        "echo old > in; chmod 0 in; ln in other",
        "rm -rf sub; echo old > sub",
        "rm -rf sub; mkdir elsewhere; ln -s elsewhere sub",
        "rm -rf sub; ln -s /tmp sub",
    ],
)
def test_a_file_of_a_step_takes_the_place_of_whatever_is_there(runner: LabRunner, there: str) -> None:
    large = b"new " * 400_000
    runner.write_file("kept", b"kept")
    runner.write_file("sub/in", b"old")
    runner.run("sh", "-c", there)
    runner.back()
    runner.write_file("in", large, replace=True)
    runner.write_file("sub/in", b"new", executable=True, replace=True)
    assert runner.run("cat", "in", output_bytes=2 << 20).stdout == large
    code = "cat sub/in kept; find in sub -printf ' %y%m'; find elsewhere /tmp -mindepth 1 2>/dev/null"
    assert runner.run("sh", "-c", code).stdout == b"newkept f644 d755 f755"


def test_what_was_kept_is_not_kept_for_the_next_job(runner: LabRunner) -> None:
    for number in range(6):
        runner.run("sh", "-c", f"head -c 30000000 /dev/zero > zeros; touch {number}")
        for _ in range(2):
            runner.back()
            assert runner.run("sh", "-c", "echo *").stdout.decode() == f"{number} zeros\n"
        runner.end()


@pytest.mark.parametrize(
    "code",
    [
        "truncate -s 4G sparse",
        "cd /dev/shm; guest deep 40",
        "cd /tmp; guest many 10001",
        "head -c 30000000 /dev/zero > 1; ln 1 2; cp 1 /tmp",
        "head -c 20000000 /dev/zero > 1; ln 1 2; ln 1 3; ln 1 4",
        "echo > 1; perl -e 'link 1, $_ or die for 2..9999'; mkdir d; touch d/1 d/2",
        "guest many 10001",
        "guest deep 40",
    ],
)
def test_more_than_can_be_kept_is_a_fault(code: str) -> None:
    with LabRunner("asan") as runner:
        assert runner.run("sh", "-c", code, file_size_bytes=5 << 30).result.exit_code == 0
        runner.back()
        (fault,) = runner.wait_gone()
        assert isinstance(fault, Fault)
        assert fault.message.startswith("keep files: ")
        assert b"Sanitizer" not in runner.stderr
