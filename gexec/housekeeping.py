"""What rooms without periodic work of their own leave behind: counters of rates, sessions and log-ins of the admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from periodic.tasks import Stop, Task
from rest import counters

LOG_INS_KEPT = timedelta(days=90)
"""Shorter where executions are: who tried to log in from where is no more to be kept than who sent what."""
MOST_LOG_INS = 100_000
"""Each try under another name is a row of up to 5 kB, for anybody who finds the page."""
_BATCH = 1000


def clean_counters(stop: Stop) -> int:
    """Take away counters of rates and quotas whose window is over, a thousand at a time; how many."""
    cleaned = 0
    while not stop.is_set() and (some := counters.clean()):
        cleaned += some
    return cleaned


def forget_log_ins(stop: Stop) -> int:
    """Take away sessions of the admin that have ended, and log-ins of long ago or beyond the newest; how many."""
    now = timezone.now()
    before = now - min(LOG_INS_KEPT, timedelta(days=settings.GEXEC_RETENTION_DAYS or LOG_INS_KEPT.days))
    gone = _deleted(Session.objects.filter(expire_date__lt=now), stop)
    for model in (AccessAttempt, AccessLog):
        gone += sum(_deleted(rows, stop) for rows in _too_many_or_old(model, before))
    return gone


def _too_many_or_old(model: Any, before: datetime) -> tuple[QuerySet[Any], ...]:
    newest = model.objects.order_by("-pk").values_list("pk", flat=True)
    first_beyond = newest[MOST_LOG_INS : MOST_LOG_INS + 1]
    return model.objects.filter(attempt_time__lt=before), model.objects.filter(pk__lte=first_beyond)


def _deleted(rows: QuerySet[Any], stop: Stop) -> int:
    """Delete them, some at a time; how many."""
    deleted = 0
    while not stop.is_set():
        some = list(rows.values_list("pk", flat=True)[:_BATCH])
        rows.model._default_manager.filter(pk__in=some).delete()
        deleted += len(some)
        if len(some) < _BATCH:
            break
    return deleted


TASKS = (
    Task("rate-limit", "deletes counters of rates and quotas whose window is over", 60.0, clean_counters),
    Task(
        "log-ins",
        "deletes ended sessions of the admin, and log-ins of 90 days ago",
        3600.0,
        forget_log_ins,
        by_age=True,
    ),
)
