"""A gexec of the benchmark's own: on loopback, with its own data directory, everything on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

PROJECT = Path(__file__).resolve().parent.parent


class BenchServer:
    """`manage.py serve` with a rate limit that is checked and never reached. A context manager."""

    def __init__(self) -> None:
        self.data_dir = Path(mkdtemp(prefix="gexec-bench-"))
        self.port = _free_port()
        self.environment = {
            **os.environ,
            "GEXEC_DATA_DIR": str(self.data_dir),
            "GEXEC_PORT": str(self.port),
            "GEXEC_RATE_LIMIT": "1000000/m",
        }
        self._log = (self.data_dir / "serve.log").open("wb")

    def __enter__(self) -> BenchServer:
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        deadline = time.monotonic() + 900
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the benchmark's server did not start; see {self._log.name}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        self._log.close()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command against this server; its output. Raises CalledProcessError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def pids(self) -> list[int]:
        """The server's processes."""
        return server_processes(self._process.pid)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def server_processes(pid: int) -> list[int]:
    """`serve`, gunicorn's arbiter and workers below the process of `serve`; the database's are not among them."""
    found = [pid, *_children(pid)]
    return [pid for pid in found if b"postgres" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]


def _children(pid: int) -> list[int]:
    """All processes below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_children(child)]
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
