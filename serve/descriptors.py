"""Open files: as many as the system lets us have, and connections bounded below that."""

from __future__ import annotations

import resource

MAX_CONNECTIONS = 1000
"""More would only wait: a worker has far fewer threads."""
OTHERS = 128
"""What a worker has open besides: waiting containers, the database's connections, the engine's, logs."""
_A_THREAD = 2
"""A running program's container, and a call to the engine."""


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one, for this process and its children; return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections(files: int, *, threads: int) -> int:
    """How many connections a worker may have open where it may have `files` files open."""
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    # A quarter where there are too few for everything: then accept() fails at times, which the worker survives.
    return min(max(files - OTHERS - _A_THREAD * threads, files // 4), MAX_CONNECTIONS)
