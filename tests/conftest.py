"""What the tests share: the embedded PostgreSQL, the Docker client, and real servers on ports of their own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import docker
import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from gexec.embedded import USER, run_dir
from serve.postgres import Server

PROJECT = Path(__file__).resolve().parent.parent
START_S = 240
"""The first start on a machine may build images; later ones take about two seconds."""
STOP_S = 60


@dataclass
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
    """A real `manage.py serve`, started by a test."""

    port: int
    data_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log_path: Path
    base_url: str = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process of `manage.py serve` itself."""
        return self.process.pid

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

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A manage.py command in the server's environment, while it runs."""
        return manage(*arguments, environment=self.environment)

    def wait_ready(self) -> None:
        """Return when /ping answers; fail with the log where it does not."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"serve ended with {self.process.returncode}:\n{self.log}")
            try:
                if self.request("/ping", timeout_s=5).status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"serve did not answer within {START_S} s:\n{self.log}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"serve did not end within {STOP_S} s:\n{self.log}")


StartServer = Callable[..., RunningServer]


def manage(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run manage.py with these arguments to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )


def clean_environment(**settings_: str) -> dict[str, str]:
    """This environment without anybody's settings of gexec, and with these."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GEXEC_", "DATABASE_URL", "DJANGO_"))
    }
    return kept | settings_


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


pytest_plugins = ["tests.fake_pool"]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket directory of an embedded server of this session's own."""
    data_dir = tmp_path_factory.mktemp("postgres")
    server = Server(data_dir, print)
    server.start()
    yield run_dir(data_dir)
    server.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Path) -> None:
    """Point Django's test database at the embedded server, before the first connection is made."""
    settings.DATABASES["default"]["HOST"] = str(postgres)


@pytest.fixture(scope="session")
def prepared_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a migrated, stopped database in which python and go are installed, to be copied."""
    data_dir = tmp_path_factory.mktemp("prepared")
    environment = clean_environment(GEXEC_DATA_DIR=str(data_dir))
    for command in (["migrate", "--verbosity=0"], ["languages", "install", "python", "go"]):
        done = manage(*command, environment=environment)
        assert done.returncode == 0, done.stderr
    return data_dir


@pytest.fixture(scope="session")
def prepared_postgres(prepared_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket directory of a server whose database `gexec` is prepared, and is copied for each server."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    copy_data_dir(prepared_data_dir, data_dir)
    server = Server(data_dir, print)
    server.start()
    yield run_dir(data_dir)
    server.stop()


def copy_data_dir(source: Path, target: Path) -> None:
    """Copy a data directory with its owners. What belongs to one installation alone stays behind."""
    subprocess.run(["cp", "-a", source, target], check=True)
    for name in ("secret-key", "admin-password"):
        (target / name).unlink(missing_ok=True)


def database_url(directory: Path, name: str) -> str:
    """DATABASE_URL for a database of the server whose socket is in `directory`."""
    return f"postgresql://{USER}@/{name}?host={directory}"


def create_database(directory: Path, name: str, template: str = "template1") -> None:
    """Make a database on the server whose socket is in `directory`."""
    with psycopg.connect(host=str(directory), user=USER, dbname="postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """The Docker engine that the tests run against."""
    client = docker.from_env(timeout=60)
    yield client
    client.close()


@pytest.fixture
def server(
    prepared_data_dir: Path, prepared_postgres: Path, tmp_path: Path, docker_client: docker.DockerClient
) -> Iterator[StartServer]:
    """Starts real servers: `server(GEXEC_RATE_LIMIT="10/m")`. Each has a port, a data directory and a database.

    The rate limit is off unless asked for. `embedded=True` gives it an embedded PostgreSQL of its own; `data_dir` and
    `port` start one where another was before. At the end of the test all are stopped, and none may leave a container.
    """
    started: list[RunningServer] = []

    def start(
        *, embedded: bool = False, data_dir: Path | None = None, port: int | None = None, ready: bool = True, **env: str
    ) -> RunningServer:
        name = f"server_{secrets.token_hex(6)}"
        directory = data_dir or tmp_path / name
        if embedded and data_dir is None:
            copy_data_dir(prepared_data_dir, directory)
        directory.mkdir(exist_ok=True)
        port = port or free_port()
        environment = clean_environment(
            GEXEC_PORT=str(port), GEXEC_DATA_DIR=str(directory), PYTHONUNBUFFERED="1", GEXEC_RATE_LIMIT="off"
        )
        if not embedded and "DATABASE_URL" not in env:
            create_database(prepared_postgres, name, "gexec")
            environment["DATABASE_URL"] = database_url(prepared_postgres, name)
        environment |= env
        log_path = directory / "serve.log"
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        running = RunningServer(port, directory, environment, process, log_path)
        started.append(running)
        if ready:
            running.wait_ready()
        return running

    yield start
    for running in started:
        running.stop()
    for running in started:
        assert not left_after(docker_client, running.data_dir, within_s=10)


def left_after(client: docker.DockerClient, data_dir: Path, *, within_s: float) -> list[str]:
    """The containers of a stopped server that are there still; the engine may be at work removing the last ones."""
    deadline = time.monotonic() + within_s
    while (left := containers_of(client, data_dir)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [container.name for container in left]


def containers_of(client: docker.DockerClient, data_dir: Path) -> list[Any]:
    """The containers, running or not, of the server with this data directory."""
    return list(client.containers.list(all=True, filters={"label": f"gexec.data_dir={data_dir}"}))
