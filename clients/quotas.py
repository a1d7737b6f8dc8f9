"""What a client may use in a day or a month, and what it has used of that.

Executions are counted when they are taken in, exactly, by a counter of the day; a database that lost its counters in a
crash starts them from what is known to have ended. CPU time is known only when a program has ended: those that run when
it is used up still end.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.core.cache import caches
from django.utils import timezone

from clients import usage
from clients.caller import Caller
from rest.exceptions import Limited

_LIFETIME_S = 2 * 86_400
"""Of a day's counter."""
_TRIES = 3
"""Another thread may know of a counter whose transaction has not ended; the next try waits for it."""
_REMEMBERED_S = 1.0
_MAX_REMEMBERED = 10_000


class Used(NamedTuple):
    """Sums of a client over some days."""

    executions: int
    cpu_s: float
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota of a client, and where it stands."""

    name: str
    used: float
    limit: int | None
    resets_at: datetime | None


def check_cpu(caller: Caller) -> None:
    """Limited (quota_exceeded) where the CPU time of the day or the month is used up."""
    today = timezone.now().date()
    for name, limit, first, ends in (
        ("cpu_day", caller.cpu_s_day, today, end_of_day()),
        ("cpu_month", caller.cpu_s_month, today.replace(day=1), end_of_month()),
    ):
        if limit is not None and _remembered(caller.client_id, first).cpu_s >= limit:
            period = "day" if name == "cpu_day" else "month"
            raise Limited(
                f"the quota of {limit} CPU seconds a {period} is used up",
                code="quota_exceeded",
                policy=name,
                retry_after_s=seconds_to(ends),
            )


def take(caller: Caller, count: int = 1) -> None:
    """Count executions that are taken in, in the transaction that takes them in. Limited (quota_exceeded): too many."""
    if caller.executions_day is not None and _add(caller.client_id, count) > caller.executions_day:
        raise Limited(
            f"the quota of {caller.executions_day} executions a day is used up",
            code="quota_exceeded",
            policy="day",
            retry_after_s=seconds_to(end_of_day()),
        )


def taken_today(client_id: UUID) -> int:
    """Executions of this client that were taken in today, of one with such a quota."""
    known: int | None = caches["ratelimit"].get(_counter(client_id))
    return _add(client_id, 0) if known is None else known


def used(client_id: UUID, first: date) -> Used:
    """What has ended since this day."""
    sums = usage.since(client_id, first)
    return Used(sums["executions"], sums["cpu_ms"] / 1000, sums["stored_bytes"])


def quotas_of(caller: Caller) -> list[Quota]:
    """All that a client can have a quota of, with what it has used."""
    today = timezone.now().date()
    day, month = used(caller.client_id, today), used(caller.client_id, today.replace(day=1))
    executions = day.executions if caller.executions_day is None else taken_today(caller.client_id)
    return [
        Quota("executions_day", executions, caller.executions_day, end_of_day()),
        Quota("cpu_s_day", round(day.cpu_s, 3), caller.cpu_s_day, end_of_day()),
        Quota("cpu_s_month", round(month.cpu_s, 3), caller.cpu_s_month, end_of_month()),
        Quota("storage_bytes", day.stored_bytes, caller.storage_bytes, end_of_day()),
    ]


def end_of_day() -> datetime:
    """When the quotas of this day end."""
    return _midnight(timezone.now().date() + timedelta(days=1))


def end_of_month() -> datetime:
    """When the quotas of this month end."""
    return _midnight((timezone.now().date().replace(day=1) + timedelta(days=32)).replace(day=1))


def seconds_to(when: datetime) -> int:
    """Whole seconds, at least one."""
    return max(1, int((when - timezone.now()).total_seconds()) + 1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _add(client_id: UUID, count: int) -> int:
    counters, name = caches["ratelimit"], _counter(client_id)
    for _ in range(_TRIES):
        with suppress(ValueError):  # It is not there yet.
            return counters.incr(name, count)
        begun = used(client_id, timezone.now().date()).executions + count
        if counters.add(name, begun, _LIFETIME_S):
            return begun
    return counters.incr(name, count)


def _counter(client_id: UUID) -> str:
    return f"executions:{client_id}:{timezone.now().date()}"


_sums: dict[tuple[UUID, date], tuple[float, Used]] = {}
"""Until when a sum is good. Each use is one operation, so no lock is needed."""


def _remembered(client_id: UUID, first: date) -> Used:
    until, sums = _sums.get((client_id, first), (0.0, Used(0, 0.0, 0)))
    now = time.monotonic()
    if until > now:
        return sums
    if len(_sums) >= _MAX_REMEMBERED:
        _sums.clear()
    sums = used(client_id, first)
    _sums[client_id, first] = (now + _REMEMBERED_S, sums)
    return sums


def forget() -> None:
    """Ask the database at the next question."""
    _sums.clear()
