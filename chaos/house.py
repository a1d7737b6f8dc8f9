"""A server to be harmed: all its own but for Docker, which it reaches through a proxy; always started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import psycopg

from gexec.embedded import DATABASE, USER, run_dir
from testkit import processes
from testkit.containers import containers_of
from testkit.docker_proxy import DockerProxy
from testkit.servers import RunningServer, free_port, start_server

RESTART_S = 0.5
"""Between an end and the next start: a port that is taken, or a disk that is full, is tried again without a rush."""
FRESH_WAIT_S = 900.0
"""A first start on a machine builds images."""
_LOOK_S = 0.1
_DISK_MB = 900
"""For the data directory where it may have a disk of its own: a database and its log, and what a start wants free."""


@dataclass(frozen=True, slots=True)
class End:
    """Of the server's first process."""

    at: float
    exit_code: int


class House:
    """The server with its data directory. A context manager: inside it, one is running or being started."""

    def __init__(self, data_dir: Path, proxy: DockerProxy, environment: Mapping[str, str], *, own_disk: bool) -> None:
        """`own_disk`: whether the data directory is a file system of its own, which may be filled."""
        self.data_dir = data_dir
        self.proxy = proxy
        self.own_disk = own_disk
        self.docker = docker.APIClient(timeout=60)
        self.ends: list[End] = []
        self.port = free_port()
        # PostgreSQL itself is to meet a disk that is full, which these would keep from it.
        unguarded = {"GEXEC_DISK_LOW_MB": "0", "GEXEC_DISK_FULL_MB": "0"}
        self._environment = dict(environment) | {"DOCKER_HOST": proxy.url} | unguarded
        self._stopping = threading.Event()
        self.running = self._start()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> House:
        self.running.wait_ready(within_s=FRESH_WAIT_S)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._keeper.is_alive():
            self.stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.running.stop()
        self.docker.close()

    def stop(self) -> int:
        """Stop it for good, as an operator does; its exit code. Raises ServerFailed where it does not end."""
        self._stopping.set()
        self._keeper.join()
        return self.running.stop()

    # Its parts. Some may be missing for a while.

    @property
    def supervisor(self) -> list[int]:
        """The process of `serve`."""
        return [self.running.pid]

    @property
    def arbiter(self) -> list[int]:
        """gunicorn's first process."""
        found = processes.arbiter(self.running.pid)
        return [found] if found else []

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        return processes.workers(self.running.pid)

    @property
    def postmaster(self) -> list[int]:
        """PostgreSQL's first process."""
        found = processes.postmaster(self.data_dir)
        return [found] if found else []

    @property
    def database(self) -> list[int]:
        """All of PostgreSQL's processes, the first one first: it makes the others."""
        return [pid for first in self.postmaster for pid in processes.family(first)]

    @property
    def backends(self) -> list[int]:
        """PostgreSQL's processes that serve a connection each."""
        return processes.backends(self.data_dir)

    @property
    def containers(self) -> list[str]:
        """The ids of all its containers, in the same order each time."""
        return sorted(containers_of(self.docker, self.data_dir))

    @property
    def runners(self) -> list[int]:
        """The first process of each of its containers, as this host numbers it."""
        found = []
        for container in self.containers:
            with contextlib.suppress(docker.errors.APIError):
                found.append(int(self.docker.inspect_container(container)["State"]["Pid"]))
        return [pid for pid in found if pid]

    @contextmanager
    def rows(self) -> Iterator[psycopg.Connection]:
        """A session on its database."""
        with psycopg.connect(host=str(run_dir(self.data_dir)), user=USER, dbname=DATABASE) as connection:
            yield connection

    def fill_disk(self) -> Path:
        """Leave nothing of the data directory's file system; the file that does it."""
        file = self.data_dir / "filling"
        with file.open("wb") as opened, contextlib.suppress(OSError):
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(opened.fileno(), os.fstat(opened.fileno()).st_size, size)
        return file

    def _start(self) -> RunningServer:
        return start_server(self.data_dir, self._environment, port=self.port)

    def _keep(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            exit_code = self.running.process.poll()
            if exit_code is None:
                continue
            self.ends.append(End(time.monotonic(), exit_code))
            if self._stopping.wait(RESTART_S):
                return
            with contextlib.suppress(OSError):  # A full disk has no room for the log's first line either.
                self.running = self._start()


@contextmanager
def furnished(environment: Mapping[str, str], *, data_dir: Path | None = None) -> Iterator[House]:
    """A house that is ready, gone at the end. `data_dir` has a prepared database; else one is made first."""
    with TemporaryDirectory(prefix="gexec-chaos-", ignore_cleanup_errors=True) as directory:
        parent = Path(directory)
        with DockerProxy(parent / "docker.sock") as proxy, _disk(parent / "data") as own_disk:
            if data_dir is not None:
                subprocess.run(["cp", "-a", f"{data_dir}/.", parent / "data"], check=True)
            with House(parent / "data", proxy, environment, own_disk=own_disk) as house:
                yield house


@contextmanager
def _disk(folder: Path) -> Iterator[bool]:
    """Make the folder, with a file system of its own where this may be had; whether it was."""
    folder.mkdir(mode=0o755)
    mounted = _quietly("mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m,mode=755", "gexec-chaos", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _quietly("umount", "--lazy", str(folder))


def _quietly(*command: str) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Signal those that are there still."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
