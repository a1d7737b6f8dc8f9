"""The ways of running a program that are compared: by hand, as a naive service does, over HTTP, on the pool itself."""

from __future__ import annotations

import atexit
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import docker

from benchmarks.measure import Run
from benchmarks.programs import Program
from sandbox.pool import Pool
from sandbox.types import File, Job, Outcome, Profile, Step

MEMORY_BYTES = 128 << 20
LIMITS = ["--memory", "128m", "--memory-swap", "128m", "--cpus", "0.5", "--pids-limit", "128", "--read-only"]
LIMITS += ["--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "1000:1000"]
LIMITS += ["--tmpfs", "/tmp:exec,mode=1777", "--workdir", "/tmp"]


class WrongAnswerError(Exception):
    """A subject printed something else than the program should."""


def expect(program: Program, stdout: str) -> None:
    """Raise WrongAnswerError unless this is what the program prints."""
    if stdout != program.stdout:
        raise WrongAnswerError(f"{program.language}: {stdout!r}")


def bare(program: Program) -> Run:
    """The command as a process of this machine, without any sandbox."""
    directory = Path(tempfile.mkdtemp(prefix="gexec-bench-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / program.file_name).write_text(program.source)
    # The system's own interpreter: what `python3` finds first may be a script, or load what was installed beside it.
    python = next(path for path in ("/usr/bin/python3", str(Path(sys.executable).resolve())) if Path(path).exists())
    command = [python if word == "python3" else word for word in program.by_hand]

    def run() -> None:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
        expect(program, done.stdout)

    return run


def docker_run(program: Program, image: str) -> Run:
    """`docker run --rm` with limits like gexec's, the source on stdin."""
    shell = f"cat > {program.file_name} && exec " + " ".join(_quoted(word) for word in program.by_hand)
    command = ["docker", "run", "--rm", "--interactive", *LIMITS, image, "sh", "-c", shell]

    def run() -> None:
        done = subprocess.run(command, input=program.source, capture_output=True, text=True, check=True)
        expect(program, done.stdout)

    return run


def naive_service(program: Program, image: str) -> Run:
    """Create, start, wait, read the logs, remove: through the docker SDK, as a first version of a service does."""
    client = docker.from_env()
    shell = f"printf %s {_quoted(program.source)} > {program.file_name} && exec " + " ".join(
        _quoted(word) for word in program.by_hand
    )

    def run() -> None:
        container = client.containers.create(
            image,
            ["sh", "-c", shell],
            mem_limit=MEMORY_BYTES,
            memswap_limit=MEMORY_BYTES,
            cpu_quota=50_000,
            cpu_period=100_000,
            pids_limit=128,
            read_only=True,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            user="1000:1000",
            tmpfs={"/tmp": "exec,mode=1777"},
            working_dir="/tmp",
        )
        try:
            container.start()
            container.wait()
            expect(program, container.logs(stdout=True, stderr=False).decode())
        finally:
            container.remove(force=True)

    return run


def in_started_container(program: Program, image: str) -> Run:
    """The command by hand in a container that runs already: `docker exec`, without making the container."""
    client = docker.from_env()
    container = client.containers.run(
        image,
        ["sleep", "3600"],
        detach=True,
        auto_remove=True,
        mem_limit=512 << 20,
        cpu_quota=50_000,
        cpu_period=100_000,
        network_mode="none",
    )
    _STARTED.append(container)
    container.exec_run(["sh", "-c", f"mkdir -p /box && printf %s {_quoted(program.source)} > /box/{program.file_name}"])

    def run() -> None:
        code, output = container.exec_run(list(program.by_hand), workdir="/box")
        expect(program, output.decode() if code == 0 else f"exit code {code}: {output!r}")

    return run


_STARTED: list[docker.models.containers.Container] = []


def remove_started() -> None:
    """Remove the containers that in_started_container left running."""
    while _STARTED:
        _STARTED.pop().remove(force=True)


def over_http(program: Program, port: int, key: str | None) -> Run:
    """POST /execute on a kept connection, one a thread."""
    local = threading.local()
    body = json.dumps({"language": program.language, "source_code": program.source})
    headers = {"Content-Type": "application/json", **({"Authorization": f"Api-Key {key}"} if key else {})}

    def ask() -> tuple[http.client.HTTPResponse, bytes]:
        local.connection.request("POST", "/execute", body, headers)
        answer = local.connection.getresponse()
        return answer, answer.read()

    def run() -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            answer, content = ask()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # The server has closed a connection that was idle while other subjects had their turn.
            local.connection.close()
            answer, content = ask()
        expect(program, json.loads(content)["stdout"] if answer.status == 200 else f"{answer.status}: {content!r}")

    return run


def on_pool(program: Program, pool: Pool, profile: Profile, steps: Callable[[], tuple[Step, ...]]) -> Run:
    """The pool called directly: no HTTP, no row."""
    job = Job((File(program.file_name, program.source.encode()),), steps())

    def run() -> None:
        with pool.lease(profile, tenant="bench", wait_ms=60_000) as lease:
            last = lease.run(job).steps[-1]
        expect(program, last.stdout.decode() if last.outcome is Outcome.OK else f"{last.outcome}: {last.stderr!r}")

    return run


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
