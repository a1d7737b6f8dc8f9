"""One process at a time: advisory locks of PostgreSQL, which end with the process that has them, however it ends."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

logger = logging.getLogger(__name__)

_SPACE = 0x67657870
"""Of PostgreSQL's advisory locks: those of tasks, by the checksum of their names."""
_CLOSE_S = 1.0
FROZEN_S = 60
"""After so long without a word PostgreSQL ends the connection, so that a process that is frozen holds up nobody."""
_WORD_EVERY_S = 5.0
_WHERE = frozenset({"dbname", "user", "password", "host", "port"})


class Locks:
    """Locks of this process, on one connection of its own: none of the pool stays that long with anybody.

    A connection that is lost takes its locks with it. `check` finds that out, and `is_lost` tells whoever works on.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._asked_at = 0.0

    @contextmanager
    def held(self, name: str) -> Iterator[bool]:
        """Inside, this process alone has this lock; False where another one has it, or a thread of this one."""
        with self._lock:
            taken = name not in self._held and self._ask("SELECT pg_try_advisory_lock(%s, %s)", name)
            if taken:
                self._held.add(name)
        try:
            yield taken
        finally:
            if taken:
                self._give_back(name)

    def is_lost(self, name: str) -> bool:
        """Whether a lock that this process took is no longer its own. Who asks between its batches keeps it."""
        if time.monotonic() - self._asked_at > _WORD_EVERY_S:
            with suppress(psycopg.Error):
                self.check()
        return name not in self._held

    def check(self) -> None:
        """Find out whether the connection is still there. Raises psycopg.Error where it is not."""
        with self._lock:
            if self._connection is not None:
                self._ask("SELECT true", "")

    def close(self) -> None:
        """Give back all that is held. Where a server that hangs keeps a thread in here, the process's end does it."""
        if self._lock.acquire(timeout=_CLOSE_S):
            self._forget()
            self._lock.release()

    def _give_back(self, name: str) -> None:
        with self._lock:
            if name in self._held:
                self._held.discard(name)
                with suppress(psycopg.Error):  # Then it went with the connection.
                    self._ask("SELECT pg_advisory_unlock(%s, %s)", name)

    def _ask(self, statement: str, name: str) -> bool:
        self._asked_at = time.monotonic()
        try:
            if self._connection is None:
                self._connection = _connected()
            row = self._connection.execute(statement, _key(name) if name else None).fetchone()
            return bool(row and row[0])
        except psycopg.Error:
            if self._held:
                logger.warning("the connection that holds the locks of periodic work was lost")
            self._forget()
            raise

    def _forget(self) -> None:
        self._held.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connected() -> psycopg.Connection[Any]:
    # Not one of the pool, which would be missed there; and with nothing of Django's around its cursors.
    parameters = connection.get_connection_params() | {"autocommit": True, "cursor_factory": None}
    # Nor one that a pooler shares out by transactions: the lock would be that of whoever comes next.
    if direct := conninfo_to_dict(settings.GEXEC_DATABASE_DIRECT_URL):
        parameters = {name: value for name, value in parameters.items() if name not in _WHERE} | direct
    made = psycopg.connect(**parameters)
    with suppress(psycopg.errors.UndefinedObject):  # Before version 14 there is none.
        made.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{FROZEN_S}s"])
    return made


def _key(name: str) -> tuple[int, int]:
    return _SPACE, zlib.crc32(name.encode()) - (1 << 31)
