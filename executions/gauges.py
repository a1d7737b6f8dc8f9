"""How this server process stands, and all of them together: slots, who waits, containers; for /metrics.

Each process writes its own state beside its heartbeat, so that whichever is asked knows of the others what was so a few
seconds ago, and of itself what is.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatch import active, workers
from dispatch.base import Capacity, Happened
from executions import backlog
from executions.models import Lane
from languages import programs
from languages.models import Language
from rest import observed
from sandbox.errors import EngineUnavailable, ImageBuildFailed, ImageMissing, SandboxError

STARTED = observed.Counter("gexec_containers_started", "Containers that were started, for programs or ahead of them.")
LOST = observed.Counter("gexec_containers_lost", "Containers that ended by themselves.")
FAILED = observed.Counter("gexec_container_start_failures", "Starts of containers that failed, and why.", ("reason",))
LEASES = observed.Counter("gexec_leases", "Executions that got a slot and a container.")
WAITED = observed.Counter("gexec_leases_waited", "Those that had to wait for one of both.")
REUSED = observed.Counter("gexec_leases_reused", "Those that got a container which their key had used before.")
COUNTERS = (STARTED, LOST, FAILED, LEASES, WAITED, REUSED)
_BUSY_PART = 0.8
"""Of the slots of hosts that are as many as wanted: so that who comes finds a free one."""
_REASONS = {
    EngineUnavailable.__name__: "engine_unavailable",
    ImageBuildFailed.__name__: "image_build_failed",
    ImageMissing.__name__: "image_missing",
}


@dataclass(slots=True)
class Gauges:
    """Of all server processes that live."""

    processes: int = 0
    slots: int = 0
    in_use: int = 0
    waiting: int = 0
    waiting_batch: int = 0
    warm: Counter[str] = field(default_factory=Counter)
    """By language."""
    backlog: Counter[str] = field(default_factory=Counter)
    """By lane, as it was counted a few seconds ago: counting it takes the longer the more there is."""


def now() -> Gauges:
    """As of this moment of this process, and of some seconds ago of others. Those of one host share its slots."""
    own = _own(active.backend().capacity())
    together = Gauges(backlog=_backlog.copy())
    slots: Counter[str] = Counter()
    for host, state in [(workers.hostname(), own), *workers.states_of_others()]:
        together.processes += 1
        slots[host] = max(slots[host], int(state.get("slots", 0)))
        together.in_use += int(state.get("in_use", 0))
        together.waiting += int(state.get("waiting", 0))
        together.waiting_batch += int(state.get("waiting_batch", 0))
        together.warm.update(state.get("warm", {}))
    together.slots = slots.total()
    return together


@dataclass(frozen=True, slots=True)
class Hosts:
    """Of the hosts that run programs, where there are any."""

    count: int
    draining: int
    slots: int
    in_use: int
    waiting: Mapping[str, int]
    """Programs that no host has yet, by lane."""
    wanted: int
    """So many hosts of the present size would run all that runs and waits, with a fifth of their slots free."""


def hosts() -> Hosts | None:
    """None where this process runs programs, or nothing is known of hosts now."""
    try:
        fleet = active.backend().fleet()
    except SandboxError:
        return None
    if fleet is None:
        return None
    taking = [host for host in fleet.hosts if not host.draining]
    slots, in_use = sum(host.slots for host in taking), sum(host.in_use for host in fleet.hosts)
    everything = in_use + sum(fleet.waiting.values()) + sum(_backlog.values())
    each = slots / len(taking) if taking else 1
    wanted = max(1, math.ceil(everything / (each * _BUSY_PART)))
    return Hosts(len(fleet.hosts), len(fleet.hosts) - len(taking), slots, in_use, fleet.waiting, wanted)


def write() -> None:
    """Let the others know how this process stands, and what it has counted. Raises what the database does."""
    try:
        count()
        capacity = active.backend().capacity()
    except SandboxError:
        return
    _backlog.update({lane.value: backlog.waiting_in(lane) - _backlog[lane.value] for lane in Lane})
    workers.tell_state(_own(capacity))
    observed.write()


def count() -> None:
    """Count what has become of this process's containers until now."""
    _happened.count(lambda: active.backend().capacity().happened)


def _own(capacity: Capacity) -> dict[str, Any]:
    warm = {
        language.slug: capacity.warm[profile]
        for language in Language.objects.catalogued()
        if language.enabled and (profile := programs.profile_of(language)) in capacity.warm
    }
    return {
        "slots": capacity.slots,
        "in_use": capacity.in_use,
        "waiting": capacity.waiting,
        "waiting_batch": capacity.waiting_batch,
        "warm": warm,
    }


class _Happened:
    """What was counted of this process's pool."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = Happened()

    def count(self, ask: Callable[[], Happened]) -> None:
        # Asked for under the lock: of two answers the older one must not come last.
        with self._lock:
            happened = ask()
            before, self._before = self._before, happened
            if happened.leases < before.leases or happened.started < before.started:
                # Another pool than before: tests have several.
                before = Happened()
            for counter, name in (
                (STARTED, "started"),
                (LOST, "lost"),
                (LEASES, "leases"),
                (WAITED, "leases_waited"),
                (REUSED, "leases_reused"),
            ):
                counter.count(by=getattr(happened, name) - getattr(before, name))
            _count_failures(before.failures, happened.failures)


def _count_failures(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    for kind, times in after.items():
        FAILED.count(_REASONS.get(kind, observed.OTHER), by=times - before.get(kind, 0))


_happened = _Happened()
_backlog: Counter[str] = Counter()
"""The rows that wait, which are those of all processes."""
