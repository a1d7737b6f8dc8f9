"""Real servers: started on a free port with a data directory of their own, asked over HTTP, and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from testkit.processes import serving
from testkit.waiting import last_seen

PROJECT = Path(__file__).resolve().parent.parent
FIRST_START_S = 900
"""The first start on a machine builds images; later ones take about two seconds."""
STOP_S = 60
"""The grace and the margin of a stop, as they are by default."""


class ServerFailed(Exception):
    """A server did not start or did not end, or a command beside it failed; the text ends with what was printed."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working copy of gexec, and the Python that runs it."""

    path: Path
    python: str

    @classmethod
    def at(cls, path: Path) -> Checkout:
        """Another working copy, which has its own environment. Raises ServerFailed where that is not made."""
        python = path / ".venv" / "bin" / "python"
        if not python.exists():
            raise ServerFailed(f"there is no {python}: run `make test` in {path} first")
        return cls(path, str(python))

    def serve(self) -> list[str]:
        """The command that starts a server, which stands here alone. Older working copies have it in manage.py."""
        if (self.path / "serve" / "__main__.py").exists():
            return [self.python, "-m", "serve"]
        return self.manage("serve")

    def manage(self, *arguments: str) -> list[str]:
        """A command of manage.py."""
        return [self.python, "manage.py", *arguments]

    def run(
        self, command: list[str], environment: Mapping[str, str], *, within_s: float | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here to its end, and keep what it prints."""
        return subprocess.run(
            command,
            cwd=self.path,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )


HERE = Checkout(PROJECT, sys.executable)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The body, which has to be JSON."""
        return json.loads(self.body)


@dataclass
class RunningServer:
    """A server that start_server started."""

    port: int
    data_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log_path: Path
    checkout: Checkout = HERE
    base_url: str = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self.process.pid

    @property
    def pids(self) -> list[int]:
        """That process and those below it, without the database's."""
        return serving(self.pid)

    @property
    def log(self) -> str:
        """All that it has printed so far."""
        return self.log_path.read_text(errors="replace")

    def request(
        self,
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 90,
    ) -> Answer:
        """GET, or POST where there is a body (bytes, or what becomes JSON); any status is an answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data=data, method=method, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def execute(self, source_code: str, language: str = "python", **more: Any) -> Answer:
        """POST /execute."""
        return self.request("/execute", {"language": language, "source_code": source_code, **more})

    def manage(self, *arguments: str, within_s: float | None = None) -> subprocess.CompletedProcess[str]:
        """A manage.py command in the server's environment, while it runs."""
        return self.checkout.run(self.checkout.manage(*arguments), self.environment, within_s=within_s)

    def set_language(self, slug: str, **values: int | str) -> None:
        """Change fields of a language. Raises ServerFailed."""
        self._manage("languages", "set", slug, *(f"{name}={value}" for name, value in values.items()))

    def install(self, *slugs: str) -> None:
        """Install languages. Raises ServerFailed."""
        self._manage("languages", "install", *slugs)

    def create_api_key(self, name: str) -> str:
        """A new API key. Raises ServerFailed."""
        return self._manage("create_api_key", name).splitlines()[-1].strip()

    def wait_ready(self, *, within_s: float = FIRST_START_S) -> None:
        """Return when /ping answers. Raises ServerFailed with the log where it does not."""
        if not last_seen(self._answers, within_s=within_s, every_s=0.05):
            raise ServerFailed(f"the server did not answer within {within_s} s:\n{self.log}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit code. Raises ServerFailed where it does not end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerFailed(f"the server did not end within {STOP_S} s:\n{self.log}") from None

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise ServerFailed(f"the server ended with {self.process.returncode}:\n{self.log}")
        try:
            return self.request("/ping", timeout_s=5).status == 200
        except OSError:
            return False

    def _manage(self, *arguments: str) -> str:
        done = self.manage(*arguments)
        if done.returncode:
            raise ServerFailed(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def start_server(
    data_dir: Path,
    environment: Mapping[str, str],
    *,
    port: int | None = None,
    checkout: Checkout = HERE,
    under: Sequence[str] = (),
    pass_fds: Sequence[int] = (),
) -> RunningServer:
    """Start one and wait for nothing. Without other wishes its port is a free one and its rate limit is off.

    `under` is a command that executes the one that follows it, such as prlimit; it inherits `pass_fds`.
    """
    data_dir.mkdir(exist_ok=True)
    port = port or free_port()
    defaults = {"GEXEC_RATE_LIMIT": "off", "PYTHONUNBUFFERED": "1"}
    own = {"GEXEC_PORT": str(port), "GEXEC_DATA_DIR": str(data_dir)}
    all_settings = defaults | dict(environment) | own
    log_path = data_dir / "serve.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [*under, *checkout.serve()],
            cwd=checkout.path,
            env=all_settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=pass_fds,
        )
    return RunningServer(port, data_dir, all_settings, process, log_path, checkout)


@contextmanager
def temporary_server(environment: Mapping[str, str], *, checkout: Checkout = HERE) -> Iterator[RunningServer]:
    """A server that is ready, and that is gone at the end with all its data. Raises ServerFailed."""
    with TemporaryDirectory(prefix="gexec-server-", ignore_cleanup_errors=True) as directory:
        running = start_server(Path(directory), environment, checkout=checkout)
        try:
            running.wait_ready()
            yield running
        finally:
            running.stop()


def refused_start(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start a server that must not start, and return how it ended."""
    return HERE.run(HERE.serve(), environment, within_s=STOP_S * 2)


def manage(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run manage.py with these arguments to its end."""
    return HERE.run(HERE.manage(*arguments), environment, within_s=None)


def clean_environment(**settings: str) -> dict[str, str]:
    """This environment without its own settings of gexec, and with these."""
    foreign = ("GEXEC_", "DATABASE_URL", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | settings


def free_port() -> int:
    """A free port of the loopback interface."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
