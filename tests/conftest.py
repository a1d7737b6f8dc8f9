"""What the tests share: the embedded PostgreSQL, the Docker client, and real servers on ports of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from gexec.postgres import Server, run_dir


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
