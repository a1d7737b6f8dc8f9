"""The server processes: each has a row with a heartbeat, so that others see when it is gone."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from dispatch.models import Worker
from rest.ids import uuid7
from rest.turns import Turns
from sandbox.processes import lives_at, pid_namespace, pid_started, place

STALE_AFTER_S = 30
"""A process on another host without a heartbeat for this long is taken for ended."""

_turns = Turns()
_ids: dict[int, UUID] = {}
"""This process's id under its pid: a fork must not inherit it."""


def own_id() -> UUID:
    """This process's id; its row is made at the first call that finds the database."""
    pid = os.getpid()
    if pid not in _ids:
        with _turns.turn():
            if pid not in _ids:
                worker_id = uuid7()
                _write(worker_id)
                _ids[pid] = worker_id
    return _ids[pid]


def record_heartbeat() -> bool:
    """Write that this process lives. False: another one took it for ended, and its row had to be made again."""
    worker_id = own_id()
    if Worker.objects.filter(pk=worker_id).update(seen_at=Now()):
        return True
    _write(worker_id)
    return False


def tell_state(state: Mapping[str, Any]) -> None:
    """Let the other processes know how this one stands."""
    Worker.objects.filter(pk=own_id()).update(state=dict(state))


def hostname() -> str:
    """Of this host."""
    return socket.gethostname()


def states_of_others() -> list[tuple[str, Mapping[str, Any]]]:
    """How the other processes that live stood a moment ago, each with its host's name."""
    living = Worker.objects.filter(seen_at__gte=Now() - timedelta(seconds=STALE_AFTER_S)).exclude(pk=own_id())
    return list(living.values_list("hostname", "state"))


def deregister() -> None:
    """Take this process's row away: it has no execution left."""
    if worker_id := _ids.pop(os.getpid(), None):
        Worker.objects.filter(pk=worker_id).delete()


def stale() -> list[UUID]:
    """Processes of this host that have ended, and those elsewhere without a heartbeat for STALE_AFTER_S.

    What runs here is known for certain: a process that was suspended, or whose database was away, still lives.
    """
    here = Q(hostname=socket.gethostname(), pid_namespace=pid_namespace())
    silent = Worker.objects.exclude(here).filter(seen_at__lt=Now() - timedelta(seconds=STALE_AFTER_S))
    ended = [worker.pk for worker in Worker.objects.filter(here) if pid_started(worker.pid) != worker.pid_started]
    return [*silent.values_list("pk", flat=True), *ended]


def is_alive(worker_id: UUID) -> bool:
    """Whether this process is registered and not stale."""
    return Worker.objects.filter(pk=worker_id).exists() and worker_id not in stale()


def owner(worker_id: UUID) -> str:
    """What the containers of a server process are labelled with; `own_label` is this process's, with its place."""
    return f"{installation()}/{worker_id}"


def own_label() -> str:
    """What this process's containers are labelled with: their owner, and where it runs, for `owner_is_alive`."""
    return f"{owner(own_id())}/{place()}"


def owner_is_alive(label: str) -> bool:
    """Whether the process that a container is labelled with may live.

    What runs here is known for certain, whatever the database says: of a copy of its files nobody can tell by rows
    which of the two installations a process belongs to, and either would take the other's for ended. So it is of other
    installations, whose data may be gone, so that none of theirs ever looks. Of those elsewhere there are no rows here.
    """
    installed, worker_id, where = (*label.split("/", 2), "", "")[:3]
    lives = lives_at(where)
    if lives is not None:
        return lives
    return installed != installation() or is_alive(UUID(worker_id))


class OwnedRow(Protocol):
    """A row that a server process works on; `worker` is that process's id."""

    pk: UUID

    @property
    def worker(self) -> UUID | None: ...


R = TypeVar("R", bound=OwnedRow)


def orphans(rows: Iterable[R], *, ended: Iterable[UUID], is_in_flight: Callable[[UUID], bool]) -> list[R]:
    """Those rows that no process works on: their process has ended, or it is this one and not `is_in_flight` here.

    `ended`: what `stale` returned. A row of this process is left behind when the database was away at its end.
    """
    # The rows are read before the living processes: the one that works on a row had registered before it.
    found = list(rows)
    if not found:
        return []
    living = set(Worker.objects.exclude(pk__in=list(ended)).values_list("pk", flat=True))
    own = own_id()
    return [row for row in found if row.worker not in living or (row.worker == own and not is_in_flight(row.pk))]


def installation() -> str:
    """What tells this database from every other: several installations may share one Docker host."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())"
            " FROM pg_control_system()"
        )
        return "{}-{}".format(*cursor.fetchone())


def remove(worker_ids: list[UUID]) -> None:
    """Take away the rows of processes that have ended and have nothing left to finish."""
    Worker.objects.filter(pk__in=worker_ids).delete()


def _write(worker_id: UUID) -> None:
    pid = os.getpid()
    Worker.objects.create(
        id=worker_id,
        hostname=socket.gethostname(),
        pid_namespace=pid_namespace(),
        pid=pid,
        pid_started=pid_started(pid) or 0,
        seen_at=Now(),
    )
