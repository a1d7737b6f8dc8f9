"""Whether a client's execution is taken in: its quotas, and how many it may have open at one time.

What is open stands in the rows, whichever process wrote them. From the count to the commit of the new row a lock of the
client's own is held, so that requests that come at once, over however many processes, find each other's rows; clients
without such a limit take no lock and count nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from clients import quotas
from clients.caller import Caller
from rest.exceptions import Limited

RETRY_AFTER_S = 1
"""A place is free as soon as one of the client's own programs has ended."""


class Open(NamedTuple):
    """How many executions of a client have not ended."""

    running: int
    """Those that run, or that a request waits for."""
    queued: int
    """Those that wait in the background."""


@contextmanager
def admitted(
    caller: Caller | None,
    *,
    open_of: Callable[[UUID], Open],
    background: bool = False,
    count: int = 1,
) -> Iterator[None]:
    """Inside, `count` rows are inserted: in one transaction where the client has limits, and all of them or none.

    Raises Limited: quota_exceeded; too_many_concurrent, or in the background queue_full.
    """
    if caller is None:
        yield
        return
    quotas.check_cpu(caller)
    most = caller.max_queued if background else caller.max_concurrent
    if most is None and caller.executions_day is None:
        yield
        return
    with transaction.atomic():
        # First the rows: one that was there already, because the request repeats another, takes no place and no quota.
        yield
        if most is not None:
            _check_room(caller.client_id, open_of, most, background=background)
        quotas.take(caller, count)


def _check_room(client_id: UUID, open_of: Callable[[UUID], Open], most: int, *, background: bool) -> None:
    _lock(client_id)
    is_open = open_of(client_id)
    if (is_open.queued if background else is_open.running) > most:
        raise _full(most, background=background)


def _lock(client_id: UUID) -> None:
    """Held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"gexec client {client_id}"])


def _full(most: int, *, background: bool) -> Limited:
    if background:
        message, code = f"{most} executions of this client wait already", "queue_full"
    else:
        message, code = f"{most} executions of this client are under way already", "too_many_concurrent"
    return Limited(message, code=code, policy="queued" if background else "concurrent", retry_after_s=RETRY_AFTER_S)
