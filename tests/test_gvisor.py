"""gVisor as the sandboxes' runtime, where the Docker engine has it: limits, endings and the wall hold there too."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace

import docker
import pytest

from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.types import Job, Limits, Outcome, Profile, Step, StepResult
from testkit.waiting import eventually

MEMORY_BYTES = 96 << 20
PROFILE = Profile(BASE_IMAGE, MEMORY_BYTES, 100_000, 32, 32 << 20, runs_per_container=20)
PATH = {"PATH": "/usr/bin:/bin"}
GROWS = "my @kept; push @kept, 'x' x (4 << 20) while 1"
FORKS = "my $n = 0; while (defined(my $pid = fork)) { if (!$pid) { sleep 30; exit } $n++ } print $n"


def _known() -> bool:
    with contextlib.closing(docker.from_env()) as client:
        return "runsc" in client.info()["Runtimes"]


pytestmark = pytest.mark.skipif(not _known(), reason="this Docker engine knows no runsc")


@pytest.fixture(scope="module", params=["server", "language"])
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    """One for all tests: each run is cleaned up by the runner, as where containers are used again.

    The whole server's containers start with gVisor, or those of one language alone.
    """
    of_server, of_language = ("runsc", "") if request.param == "server" else ("", "runsc")
    policy, profile = SandboxPolicy(runtime=of_server), replace(PROFILE, runtime=of_language)
    engine = DockerEngine(policy, owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    engine.prepare()
    made = Container(engine, engine.start(profile), profile)
    try:
        made.wait_ready(30)
        yield made
    finally:
        made.close()
        # Not removed by hand: killed while it ends by itself, gVisor takes up to half a minute on a busy machine.
        eventually(lambda: made.id not in engine.owned(), within_s=60)
        engine.close()


def run(container: Container, *argv: str, memory_bytes: int | None = None, wall_ms: int = 60_000) -> StepResult:
    """One job of one step, and the container is ready for another."""
    limits = Limits(wall_ms=wall_ms, output_bytes=1 << 20, memory_bytes=memory_bytes)
    (result,) = container.run(Job((), (Step("run", argv, limits, PATH),)), tenant="me").steps
    container.end_job()
    assert container.usable(30)
    return result


def perl(container: Container, code: str, **limits: int) -> StepResult:
    """A line of perl."""
    return run(container, "perl", "-e", code, **limits)


def test_it_is_another_kernel_that_programs_see(container: Container) -> None:
    assert b"Linux version 4.4.0 " in run(container, "cat", "/proc/version").stdout


def test_memory_is_limited_and_the_end_is_told(container: Container) -> None:
    result = perl(container, GROWS)
    assert result.outcome is Outcome.OUT_OF_MEMORY
    assert result.peak_memory_bytes > MEMORY_BYTES


def test_memory_of_programs_that_have_ended_is_not_held_against_the_next(container: Container) -> None:
    # gVisor gives it back a while later, on a busy machine much later.
    for _ in range(3):
        assert perl(container, GROWS).outcome is Outcome.OUT_OF_MEMORY
        next_one = perl(container, "my $kept = 'x' x (32 << 20); print 'there'; sleep 1")
        assert (next_one.outcome, next_one.stdout) == (Outcome.OK, b"there"), next_one


def test_each_step_has_its_own_limit_of_memory(container: Container) -> None:
    # It stays for a while: the runner looks at intervals.
    code = "my $size = 32 << 20; my $kept = 'x' x $size; print 'there'; sleep 2"
    with_enough = perl(container, code)
    assert (with_enough.outcome, with_enough.stdout) == (Outcome.OK, b"there"), with_enough
    assert perl(container, code, memory_bytes=30 << 20).outcome is Outcome.OUT_OF_MEMORY


def test_processes_are_limited(container: Container) -> None:
    # gVisor counts them with some slack.
    assert 16 <= int(perl(container, FORKS).stdout) <= 2 * PROFILE.processes


def test_endings_are_told_as_elsewhere(container: Container) -> None:
    assert perl(container, "print 'a'; exit 3").exit_code == 3
    killed = perl(container, "kill 11, $$; sleep 9")
    assert (killed.outcome, killed.signal) == (Outcome.SIGNAL, 11)
    late = perl(container, "$| = 1; print 'early'; sleep 30", wall_ms=500)
    assert (late.outcome, late.stdout) == (Outcome.TIMEOUT_WALL, b"early")
    flood = perl(container, "print 'x' x 4096 while 1")
    assert flood.outcome is Outcome.OUTPUT_LIMIT
    assert not run(container, "no-such-program").started


def test_streams_can_be_opened_by_name(container: Container) -> None:
    result = run(container, "sh", "-c", "echo a > /dev/stdout; echo b > /dev/stderr")
    assert (result.stdout, result.stderr) == (b"a\n", b"b\n")


def test_what_the_runner_takes_away_is_gone(container: Container) -> None:
    look = "ls /proc/1 /dev/pts /dev/fuse /dev/net; cat /etc/hosts; id -un; echo 1 > /proc/self/oom_score_adj"
    result = run(container, "sh", "-c", look)
    assert result.stdout.split() == [
        *(b"/dev/net:", b"/dev/pts:", b"/proc/1:"),
        *(b"127.0.0.1", b"localhost", b"::1", b"localhost", b"ip6-localhost", b"ip6-loopback", b"gexec"),
    ]
    assert b"'/dev/fuse': No such file" in result.stderr
    assert b"Read-only file system" in result.stderr


def test_no_right_is_left(container: Container) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in run(container, "cat", "/proc/self/status").stdout.decode().splitlines()
        if ":\t" in line
    )
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff")} == {"0" * 16}
    assert status["Seccomp"].strip() == "2"
    assert "0" not in status["Uid"].split() + status["Gid"].split()
    for call in ("mount -t tmpfs none /tmp", "mknod /tmp/null c 1 3", "unshare -r true"):
        assert run(container, "sh", "-c", call).exit_code != 0, call
