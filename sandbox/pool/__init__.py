"""The warm pool: containers started ahead, slots that bound how many run, and the threads that keep both in order.

Theory of operation. A lease needs a slot, then a container, or two of them under the one slot. Slots are handed out in
two lanes, to callers in turns, with a bounded queue. Containers are made only by the builder threads, for leases that
wait first and to keep the warm targets second, so that the number of simultaneous starts is bounded whatever arrives.
Whoever waits has one made, so that a lease that holds one of its two keeps no other waiting. One upkeep thread notices
what died while it waited, evicts what is surplus, and makes sure that every container that was closed is really gone.

One lock guards the bookkeeping (`state`), and every decision is one step under it that says what is to be done outside:
no engine call is ever made under the lock, and no byte is sent or received.
"""

from __future__ import annotations

from sandbox.pool.config import PoolConfig
from sandbox.pool.lease import Lease
from sandbox.pool.pool import Pool
from sandbox.pool.slots import Place
from sandbox.pool.snapshot import Counters, PoolSnapshot, ProfileSnapshot
from sandbox.pool.withdrawal import Withdrawal

__all__ = [
    "Counters",
    "Lease",
    "Place",
    "Pool",
    "PoolConfig",
    "PoolSnapshot",
    "ProfileSnapshot",
    "Withdrawal",
]
