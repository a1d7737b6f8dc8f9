"""What only the admin needs is run for the admin only, and then all of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.test import Client

from gexec import middleware

CLASSES = (
    "AdminContentSecurityPolicy",
    "AdminSession",
    "AdminCsrf",
    "AdminAuthentication",
    "AdminMessages",
    "AdminAxes",
)


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each of them was passed through."""
    counted: Counter[str] = Counter()

    def counting(name: str, call: Any) -> Any:
        def counting_call(self: object, request: Any) -> Any:
            counted[name] += 1
            return call(self, request)

        return counting_call

    for name in CLASSES:
        cls = getattr(middleware, name)
        monkeypatch.setattr(cls, "__call__", counting(name, cls.__call__))
    return counted


def test_the_api_passes_over_those_that_stand_together(passed: Counter[str]) -> None:
    assert Client().get("/ping").status_code == 200
    assert passed == {"AdminContentSecurityPolicy": 1, "AdminCsrf": 1}


@pytest.mark.django_db
def test_the_admin_passes_through_all(passed: Counter[str]) -> None:
    answer = Client().get("/admin/login/")
    assert answer.status_code == 200
    assert passed == dict.fromkeys(CLASSES, 1)
    assert {"Content-Security-Policy", "X-Frame-Options", "Content-Length"} <= set(answer.headers)
    assert "csrftoken" in answer.cookies
