"""Fixtures that several files use: the embedded PostgreSQL, the Docker client, and real servers."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docker
import pytest
from django.conf import settings

from testkit.containers import left_after
from testkit.databases import copy_data_dir, create_database, database_url, embedded_postgres
from testkit.locks import MACHINE, one_at_a_time
from testkit.servers import RunningServer, clean_environment, manage, start_server

START_S = 240
"""Below pytest's own time-out, so that a start that hangs ends with the server's log."""

StartServer = Callable[..., RunningServer]

# A shell that puts the suite in the background has it ignore Ctrl-C, which its children would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "tests.alone",
    "tests.backlog_lab",
    "tests.client_lab",
    "tests.compat_lab",
    "tests.fake_backend",
    "tests.fake_images",
    "tests.judging",
    "tests.npm_lab",
    "tests.runner_lab",
    "tests.visiting",
]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket directory of an embedded server of this session's own."""
    with embedded_postgres(tmp_path_factory.mktemp("postgres")) as directory:
        yield directory


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Path) -> None:
    """Point Django's test database at the embedded server, before the first connection is made."""
    settings.DATABASES["default"]["HOST"] = str(postgres)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database goes with its server; dropping it before would fail where a thread still has a connection."""
    return True


@pytest.fixture(scope="session")
def prepared_data_dir(shared_by_lanes: Path) -> Path:
    """A data directory with a migrated, stopped database in which python and go are installed, to be copied.

    The first process of a run makes it for all.
    """
    data_dir, is_made = shared_by_lanes / "prepared", shared_by_lanes / "prepared.made"
    with one_at_a_time(shared_by_lanes / "prepared.lock"):
        if not is_made.exists():
            environment = clean_environment(GEXEC_DATA_DIR=str(data_dir))
            for command in (["migrate", "--verbosity=0"], ["languages", "install", "python", "go"]):
                done = manage(*command, environment=environment)
                assert done.returncode == 0, done.stderr
            is_made.touch()
    return data_dir


@pytest.fixture(scope="session", autouse=True)
def images_first(request: pytest.FixtureRequest) -> None:
    """Where tests run side by side none meets an engine without the images, whichever comes first."""
    if hasattr(request.config, "workerinput"):
        request.getfixturevalue("prepared_data_dir")


@pytest.fixture(scope="session")
def prepared_postgres(prepared_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket directory of a server whose database `gexec` is prepared, and is copied for each server."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    copy_data_dir(prepared_data_dir, data_dir)
    with embedded_postgres(data_dir) as directory:
        yield directory


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """The Docker engine that the tests run against."""
    client = docker.from_env(timeout=60)
    yield client
    client.close()


@pytest.fixture(scope="session")
def python_version(prepared_data_dir: Path, docker_client: docker.DockerClient) -> str:
    """The version of Python in the image of that language, such as 3.13.5, as the image itself says."""
    printed = docker_client.containers.run(
        "gexec/python", ["python3", "-c", "import platform; print(platform.python_version())"], remove=True
    )
    return str(printed.decode().strip())


@pytest.fixture(scope="session")
def cpp_image(
    prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient
) -> str:
    """The image of C++, built where it is not there yet."""
    name = "gexec/cpp"
    with one_at_a_time(MACHINE / "gexec-test-cpp.lock"):
        if not docker_client.images.list(name):
            create_database(prepared_postgres, "cpp", "gexec")
            environment = clean_environment(
                GEXEC_DATA_DIR=str(tmp_path_factory.mktemp("cpp")), DATABASE_URL=database_url(prepared_postgres, "cpp")
            )
            installed = manage("languages", "install", "cpp", environment=environment)
            assert installed.returncode == 0, installed.stderr
    return name


@pytest.fixture(scope="session")
def plain_server(
    prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient
) -> Iterator[RunningServer]:
    """One server for all tests that ask it something, change nothing of it, and count nothing; without a rate limit."""
    create_database(prepared_postgres, "plain", "gexec")
    environment = clean_environment(DATABASE_URL=database_url(prepared_postgres, "plain"))
    running = start_server(tmp_path_factory.mktemp("plain") / "data", environment)
    try:
        running.wait_ready(within_s=START_S)
        yield running
    finally:
        running.stop()
    assert not left_after(docker_client.api, running.data_dir)


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
        *,
        embedded: bool = False,
        data_dir: Path | None = None,
        port: int | None = None,
        ready: bool = True,
        under: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        **env: str,
    ) -> RunningServer:
        name = f"server_{secrets.token_hex(6)}"
        directory = data_dir or tmp_path / name
        if embedded and data_dir is None:
            copy_data_dir(prepared_data_dir, directory)
        if not embedded and "DATABASE_URL" not in env:
            create_database(prepared_postgres, name, "gexec")
            env["DATABASE_URL"] = database_url(prepared_postgres, name)
        running = start_server(directory, clean_environment(**env), port=port, under=under, pass_fds=pass_fds)
        started.append(running)
        if ready:
            running.wait_ready(within_s=START_S)
        return running

    yield start
    for running in started:
        running.stop()
    for running in started:
        assert not left_after(docker_client.api, running.data_dir)
