"""The embedded PostgreSQL for tests: one server of their own, and a database on it for each server of gexec."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from gexec.embedded import USER, run_dir
from serve.postgres import Server


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[Path]:
    """Start an embedded server on this data directory, give the directory of its socket, and stop it at the end."""
    server = Server(data_dir, print)
    server.start()
    try:
        yield run_dir(data_dir)
    finally:
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
