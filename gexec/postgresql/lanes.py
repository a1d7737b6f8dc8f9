"""Two ways to the database in a server process: requests of the API keep theirs free of what the admin does.

Each lane has connections of its own and bounds how long it waits. Nothing is bounded in a process that has not called
`install`: migrations and commands of manage.py take as long as they need.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import psycopg
from django.core.signals import request_started
from psycopg import errors

ANSWER_MARGIN_S = 2.0
"""A server that works ends a statement itself; one that has not answered by so much later hangs."""


class Lane(NamedTuple):
    """Connections, and what a statement on them may take, a wait for a lock included."""

    name: str
    connections: int
    statement_ms: int

    @property
    def answer_s(self) -> float:
        """How long to wait for the server's answer to one statement."""
        return self.statement_ms / 1000 + ANSWER_MARGIN_S

    @property
    def options(self) -> str:
        """For libpq. Half the time for a lock: then the log says that it was one.

        Parts of the history are chosen by their bounds; that the planner tries each statement on the check constraints
        of those as well took a tenth of what the end of a row costs.
        """
        locks_ms = max(self.statement_ms // 2, 1)
        return f"-c statement_timeout={self.statement_ms} -c lock_timeout={locks_ms} -c constraint_exclusion=off"


class Connection(psycopg.Connection[Any]):
    """Waits for an answer no longer than its lane says, whatever the server does: it may be frozen."""

    answer_s: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As the class above. Raises OperationalError, and is closed, where no answer comes in time."""
        try:
            return super().wait(gen, interval, self.answer_s if timeout is None else timeout)
        except errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server did not answer within {self.answer_s} s") from None


class _Lanes:
    """The lanes of this process. Threads that serve no request, such as the heartbeat's, are in that of requests."""

    def __init__(self) -> None:
        self._requests: Lane | None = None
        self._admin: Lane | None = None
        self._admin_path = ""
        self._here = threading.local()

    def install(self, *, requests: Lane, admin: Lane, admin_path: str) -> None:
        """From now on, in this process: connections that are made have the bounds of their lane."""
        self._requests, self._admin, self._admin_path = requests, admin, admin_path
        request_started.connect(self._choose, dispatch_uid="gexec.postgresql.lanes")

    def current(self) -> Lane | None:
        """This thread's, or None where nothing is bounded."""
        return self._admin if getattr(self._here, "is_admin", False) else self._requests

    def _choose(self, *, environ: dict[str, Any], **_: Any) -> None:
        self._here.is_admin = environ["PATH_INFO"].startswith(self._admin_path)


_lanes = _Lanes()
install = _lanes.install
current = _lanes.current
