"""Django's backend for PostgreSQL, with one change: how a pooled connection is found to be dead.

CONN_HEALTH_CHECKS asks the server each time a connection is taken from the pool, which a request does three times. A
server that ended a connection has sent that: there is something to read on a socket that should be silent. Only then is
it asked.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection of the pool is checked where its socket has something to read, and only there."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection from the pool that is not known to be dead."""
        while True:
            connection = super().get_new_connection(conn_params)
            pool = self.pool
            if pool is None or _is_usable(connection):
                return connection
            connection.close()
            pool.putconn(connection)


def _is_usable(connection: Any) -> bool:
    poller = select.poll()
    try:
        poller.register(connection.fileno(), select.POLLIN)
        if poller.poll(0):
            ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
