"""What is known of log-ins to the admin goes with its age, and with its number: anybody can try to log in."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django.fixtures import Settings

from gexec import housekeeping

pytestmark = pytest.mark.django_db
LATE = ["89", "30", "0"]
GO_ON = threading.Event()


def tried(model: type[AccessAttempt | AccessLog], *days_ago: int) -> None:
    """A log-in on each of these days."""
    more = {"failures_since_start": 1} if model is AccessAttempt else {}
    for days in days_ago:
        row = model.objects.create(username=f"{days}", ip_address="192.0.2.1", user_agent="x", **more)
        model.objects.filter(pk=row.pk).update(attempt_time=timezone.now() - timedelta(days=days, minutes=1))


def kept(model: type[AccessAttempt | AccessLog]) -> list[str]:
    """The names under which somebody tried."""
    return list(model.objects.order_by("pk").values_list("username", flat=True))


@pytest.mark.parametrize("model", [AccessAttempt, AccessLog])
@pytest.mark.parametrize(("retention_days", "left"), [(0, LATE), (31, LATE[1:]), (365, LATE)])
def test_log_ins_are_forgotten_with_the_executions_and_after_three_months(
    model: type[AccessAttempt | AccessLog], retention_days: int, left: list[str], settings: Settings
) -> None:
    settings.GEXEC_RETENTION_DAYS = retention_days
    tried(model, 400, 91, 89, 30, 0)
    assert housekeeping.forget_log_ins(GO_ON) == 5 - len(left)
    assert kept(model) == left


@pytest.mark.parametrize("model", [AccessAttempt, AccessLog])
def test_only_so_many_are_kept(model: type[AccessAttempt | AccessLog], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "MOST_LOG_INS", 3)
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    tried(model, 9, 8, 7, 6, 5, 4, 3, 2)
    assert housekeeping.forget_log_ins(GO_ON) == 5
    assert kept(model) == ["4", "3", "2"]


def test_sessions_go_when_they_have_ended() -> None:
    now = timezone.now()
    for key, hours in (("over", -1), ("going on", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(hours=hours))
    assert housekeeping.forget_log_ins(GO_ON) == 1
    assert Session.objects.get().session_key == "going on"
