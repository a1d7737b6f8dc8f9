"""Pooled connections: those that the server has ended are noticed before a query is sent over them."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool, PoolTimeout

from testkit.waiting import eventually

OUTAGE_S = 5.0
MOST_S = 6.0
"""The attempt after those that were made in such an outage would come 8 seconds later, if the pool had its way."""


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _connections_made() -> int:
    pool = connection.pool  # type: ignore[attr-defined]  # PostgreSQL's wrapper has one
    return int(pool.get_stats()["connections_num"])


def _end(backends: set[int]) -> None:
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], user=settings["USER"], dbname=settings["NAME"], autocommit=True
    ) as other:
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", [sorted(backends)])


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_replaced() -> None:
    before = _backend()
    connection.close()
    _end({before})
    assert _backend() != before


@pytest.mark.django_db(transaction=True)
def test_all_connections_of_the_pool_may_have_ended() -> None:
    backends: set[int] = set()
    together = threading.Barrier(4)

    def take() -> None:
        backends.add(_backend())
        together.wait(10)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(backends) == 4
    connection.close()
    _end(backends)
    for _ in range(5):
        assert _backend() not in backends
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_after_an_outage_the_database_is_tried_at_once(tmp_path: Path) -> None:
    there, settings = tmp_path / "there", connection.settings_dict
    where = {"host": str(there), "user": settings["USER"], "dbname": settings["NAME"]}
    with ConnectionPool(kwargs=where, open=True, **settings["OPTIONS"]["pool"] | {"timeout": 0.5}) as pool:
        # It comes back right after an attempt. The pool's own way are attempts after 0, 1, 3, 7 and 15 seconds.
        outage_until, failed = time.monotonic() + OUTAGE_S, 0
        while time.monotonic() < outage_until or failed == _failed_attempts(pool):
            failed = _failed_attempts(pool)
            assert not _connects(pool)
        there.symlink_to(settings["HOST"])
        came_back = time.monotonic()
        eventually(lambda: _connects(pool))
        assert time.monotonic() - came_back < MOST_S


def _failed_attempts(pool: ConnectionPool[psycopg.Connection[Any]]) -> int:
    return pool.get_stats().get("connections_errors", 0)


def _connects(pool: ConnectionPool[psycopg.Connection[Any]]) -> bool:
    try:
        with pool.connection():
            return True
    except PoolTimeout:
        return False


@pytest.mark.django_db(transaction=True)
def test_living_connections_are_used_again() -> None:
    _backend()
    connection.close()
    made_before = _connections_made()
    for _ in range(20):
        _backend()
        connection.close()
    assert _connections_made() == made_before
