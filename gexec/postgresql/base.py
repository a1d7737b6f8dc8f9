"""Django's backend for PostgreSQL, with two changes: how a pooled connection is found to be dead, and a pool a lane.

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

from gexec.postgresql import lanes


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection of the pool is checked where its socket has something to read, and only there."""

    @property
    def pool(self) -> Any:
        """That of this thread's lane; Django's own where there are no lanes."""
        lane = lanes.current()
        if lane is None or not self.settings_dict["OPTIONS"].get("pool"):
            return super().pool
        name = f"{self.alias} {lane.name}"
        pools = self._connection_pools  # type: ignore[attr-defined]  # its stubs lack what Django has for pools
        if name not in pools:
            # As Django does: several threads may make one, the first wins, and none is open yet.
            pools.setdefault(name, self._pool_of(lane))
        return pools[name]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection from the pool that is not known to be dead."""
        while True:
            connection = super().get_new_connection(conn_params)
            pool = self.pool
            if pool is None or _is_usable(connection):
                return connection
            connection.close()
            pool.putconn(connection)

    def _pool_of(self, lane: lanes.Lane) -> ConnectionPool[Any]:
        def configure(connection: lanes.Connection) -> None:
            connection.answer_s = lane.answer_s
            if self._configure_connection(connection):  # type: ignore[attr-defined]  # as above
                connection.commit()

        parameters = self.get_connection_params() | {"autocommit": True}
        # Those of DATABASE_URL come last: who names a time-out there means it.
        parameters["options"] = f"{lane.options} {parameters.get('options', '')}".strip()
        given = self.settings_dict["OPTIONS"]["pool"] | {"max_size": lane.connections}
        return ConnectionPool(
            kwargs=parameters, connection_class=lanes.Connection, open=False, configure=configure, **given
        )


def _is_usable(connection: Any) -> bool:
    poller = select.poll()
    try:
        poller.register(connection.fileno(), select.POLLIN)
        if poller.poll(0):
            ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
