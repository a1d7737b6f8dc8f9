"""GET /statistics: how many submissions there were, of the client that asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from executions.compat.judge0 import catalogue
from executions.compat.judge0.finding import of_client
from executions.compat.judge0.statuses import Status
from executions.grading.verdicts import Verdict
from executions.models import Status as RowStatus
from executions.outcomes import Outcome

KEPT = timedelta(minutes=10)
_DAYS = 30
_STATUSES = {
    Outcome.TIMEOUT_CPU: Status.TIME_LIMIT_EXCEEDED,
    Outcome.TIMEOUT_WALL: Status.TIME_LIMIT_EXCEEDED,
    Outcome.COMPILE_ERROR: Status.COMPILATION_ERROR,
    Outcome.NONZERO_EXIT: Status.NZEC,
    Outcome.OUTPUT_LIMIT: Status.SIGXFSZ,
    Outcome.SIGNAL: Status.OTHER,
    Outcome.OUT_OF_MEMORY: Status.OTHER,
}
"""By the row's columns alone, which do not say which signal it was where there were tests."""


def statistics(client_id: UUID | None, *, afresh: bool) -> dict[str, Any]:
    """Of this client; of nobody's, where there is none. They are as old as ten minutes at most, unless made afresh."""
    name = f"judge0-statistics-{client_id}"
    if not afresh and (kept := cache.get(name)) is not None:
        told: dict[str, Any] = kept
        return told
    told = _counted(client_id, timezone.now())
    cache.set(name, told, KEPT.total_seconds())
    return told


def _counted(client_id: UUID | None, now: datetime) -> dict[str, Any]:
    days, languages, statuses = ({}, {}, {}) if client_id is None else _counts(client_id, now)
    today = now.date()
    return {
        "created_at": now.isoformat(timespec="milliseconds"),
        "cached_until": (now + KEPT).isoformat(timespec="milliseconds"),
        "submissions": {
            "total": sum(languages.values()),
            "today": days.get(today, 0),
            "last_30_days": {
                str(day): days.get(day, 0) for day in (today - timedelta(days=ago) for ago in range(_DAYS + 1))
            },
        },
        "languages": [
            {"language": catalogue.named(language_id), "count": count} for language_id, count in _most(languages)
        ],
        "statuses": [
            {"status": {"id": int(status), "name": status.description}, "count": count}
            for status, count in _most(statuses)
        ],
        # How large the whole database is tells of everybody.
        "database": {"size_pretty": "0 bytes", "size_in_bytes": 0},
    }


def _counts(client_id: UUID, now: datetime) -> tuple[dict[Any, int], dict[Any, int], dict[Any, int]]:
    rows = of_client(client_id).order_by()
    by_day = rows.filter(execution__created_at__gte=now - timedelta(days=_DAYS + 1))
    days = by_day.values_list(TruncDate("execution__created_at")).annotate(Count("pk"))
    languages = rows.values_list("asked__language_id").annotate(Count("pk"))
    endings = rows.values_list("execution__status", "execution__outcome", "execution__verdict").annotate(Count("pk"))
    statuses: Counter[Status] = Counter()
    for status, outcome, verdict, count in endings:
        statuses[_status(status, outcome, verdict)] += count
    return dict(days), dict(languages), statuses


def _status(status: str, outcome: str, verdict: str) -> Status:
    if status == RowStatus.QUEUED:
        return Status.IN_QUEUE
    if status == RowStatus.RUNNING:
        return Status.PROCESSING
    if outcome == Outcome.OK:
        return Status.ACCEPTED if verdict in ("", Verdict.PASSED) else Status.WRONG_ANSWER
    return _STATUSES.get(Outcome(outcome), Status.INTERNAL_ERROR) if outcome else Status.INTERNAL_ERROR


def _most(counts: dict[Any, int]) -> Iterable[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda entry: -entry[1])
