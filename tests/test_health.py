"""/healthz says that the process answers, /readyz whether a program could be run, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from dispatch.testing import FakeBackend
from gexec import health
from sandbox.errors import EngineUnavailable
from testkit.servers import RunningServer

READY = {"status": "ok", "database": "ok", "engine": "ok", "pool": "ok", "disk": "ok", "isolation": "container"}


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    health.parts.forget()
    yield
    health.parts.forget()


@pytest.fixture
def pings(fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time-outs with which the engine was asked."""
    asked: list[float] = []

    def images(*, timeout_s: float) -> Any:
        return SimpleNamespace(ping=lambda: asked.append(timeout_s))

    monkeypatch.setattr(fake_backend, "images", images)
    return asked


def ready() -> tuple[int, Any]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_health_asks_nobody() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b'{"status":"ok"}')
    assert Client().post("/healthz").status_code == 405


@pytest.mark.usefixtures("db")
def test_ready_needs_no_key_and_asks_each_part_once_a_second(settings: Any, pings: list[float]) -> None:
    settings.GEXEC_REQUIRE_API_KEY = True
    settings.SECURE_SSL_REDIRECT = True
    assert [ready() for _ in range(5)] == [(200, READY)] * 5
    assert pings == [health.ENGINE_S]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("part", "fault"), [("database", OperationalError), ("engine", EngineUnavailable), ("pool", EngineUnavailable)]
)
def test_the_part_that_is_down_is_named(
    pings: list[float], monkeypatch: pytest.MonkeyPatch, part: str, fault: type[Exception]
) -> None:
    def fail() -> None:
        raise fault("secret details")

    monkeypatch.setitem(health._PARTS, part, fail)
    assert ready() == (503, READY | {"status": "down", part: "down"})


def test_a_server_is_ready(plain_server: RunningServer) -> None:
    assert plain_server.request("/readyz").json() == READY
    assert plain_server.request("/healthz").json() == {"status": "ok"}
