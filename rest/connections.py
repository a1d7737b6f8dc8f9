"""The request's connection to the database, which is given back before anything is waited for."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What is raised while the database is away, or all its connections are taken."""
DATABASE_AWAY_MESSAGE = "the database is not available"
DATABASE_RETRY_AFTER_S = 5
"""What a client is told to wait while the database is away."""


def release_connection() -> None:
    """Give the database connection back before something is waited for."""
    # Inside a transaction, which here is only ever a caller's own, closing would break it.
    if not connection.in_atomic_block:
        connection.close()
