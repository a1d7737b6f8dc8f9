"""What rooms without periodic work of their own leave behind: counters of rates, sessions and log-ins of the admin."""

from __future__ import annotations

from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone

from periodic.tasks import Stop, Task
from rest import counters

LOG_INS_KEPT = timedelta(days=90)


def clean_counters(stop: Stop) -> int:
    """Take away counters of rates and quotas whose window is over, a thousand at a time; how many."""
    cleaned = 0
    while not stop.is_set() and (some := counters.clean()):
        cleaned += some
    return cleaned


def forget_log_ins(_stop: Stop) -> int:
    """Take away sessions of the admin that have ended, and what is known of log-ins of long ago; how many."""
    now = timezone.now()
    old = (
        Session.objects.filter(expire_date__lt=now),
        AccessLog.objects.filter(attempt_time__lt=now - LOG_INS_KEPT),
        AccessAttempt.objects.filter(attempt_time__lt=now - LOG_INS_KEPT),
    )
    return sum(rows.delete()[0] for rows in old)


TASKS = (
    Task("rate-limit", "deletes counters of rates and quotas whose window is over", 60.0, clean_counters),
    Task("log-ins", "deletes ended sessions of the admin, and log-ins of 90 days ago", 3600.0, forget_log_ins),
)
