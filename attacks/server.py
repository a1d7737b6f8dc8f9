"""A gexec of the suite's own: on a free port of the loopback, with its own data directory and database."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

PROJECT = Path(__file__).resolve().parent.parent
START_S = 900
"""The first start on a machine builds images."""
STOP_S = 60
REUSED_RUNS = 50


class StartFailed(Exception):
    """The server ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A running `manage.py serve`."""

    url: str
    data_dir: Path
    environment: Mapping[str, str]

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command beside it; what it printed. Raises CalledProcessError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def allow_reuse(self) -> None:
        """Let Python's containers be used again, so that the attacks with keys meet them."""
        self.manage("languages", "set", "python", f"runs_per_container={REUSED_RUNS}")

    def make_keys(self, count: int) -> tuple[str, ...]:
        """API keys of different owners."""
        return tuple(self.manage("create_api_key", f"attack {n}").splitlines()[-1] for n in range(count))


@contextmanager
def own_server(environment: Mapping[str, str]) -> Iterator[OwnServer]:
    """Start one and stop it at the end; its data directory goes with it. Raises StartFailed."""
    data_dir = Path(mkdtemp(prefix="gexec-attacked-"))
    port = _free_port()
    settings = {"GEXEC_DATA_DIR": str(data_dir), "GEXEC_PORT": str(port), "GEXEC_RATE_LIMIT": "off"}
    own = OwnServer(f"http://127.0.0.1:{port}", data_dir, {**environment, **settings})
    with (data_dir / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=PROJECT,
            env=dict(own.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_ready(own, process)
        own.allow_reuse()
        yield own
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)
        shutil.rmtree(data_dir, ignore_errors=True)


def bare_environment() -> dict[str, str]:
    """This environment without anybody's settings of gexec."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GEXEC_", "DATABASE_URL"))}


def _wait_ready(own: OwnServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{own.url}/ping", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise StartFailed((own.data_dir / "serve.log").read_text(errors="replace")[-3000:])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
