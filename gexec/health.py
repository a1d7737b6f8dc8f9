"""GET /healthz: this process answers. GET /readyz: a program could be run now, or which part stands in the way."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import active
from languages import in_force
from rest import disk
from rest.connections import DATABASE_AWAY, release_connection
from rest.snapshot import Snapshot
from rest.views import Endpoint
from sandbox.errors import SandboxError

ENGINE_S = 2.0
"""A Docker that says nothing for so long is down to whoever asks."""
OK, DOWN = "ok", "down"
_ISOLATION = "isolation"


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        release_connection()


def _engine() -> None:
    active.backend().check(timeout_s=ENGINE_S)


def _pool() -> None:
    active.backend().capacity()


def _disk() -> str:
    """The word itself: a disk that is low is no reason to send requests elsewhere, one that is full is."""
    return disk.room().value


_PARTS: dict[str, Callable[[], None]] = {"database": _database, "engine": _engine, "pool": _pool}


def _isolation() -> str:
    """No part that may be down: where the host refuses cells, programs run, in containers."""
    try:
        return in_force.summary().value
    except (*DATABASE_AWAY, SandboxError):
        return in_force.Summary.NOT_KNOWN.value


def _state_of_parts() -> dict[str, str]:
    states = {name: OK if _answers(ask) else DOWN for name, ask in _PARTS.items()}
    return states | {"disk": _disk(), _ISOLATION: _isolation()}


def _answers(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except (*DATABASE_AWAY, SandboxError):
        return False
    return True


parts = Snapshot(_state_of_parts)
"""However many ask, each part is asked once a second."""


class _Open(Endpoint):
    """For probes, which have no keys."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []


class HealthView(_Open):
    """GET /healthz: where this is not answered, restarting the process helps."""

    def get(self, request: Request) -> Response:
        return Response({"status": OK})


class ReadyView(_Open):
    """GET /readyz: where this is 503, requests are better sent elsewhere; restarting helps nobody."""

    def get(self, request: Request) -> Response:
        state = parts.current()
        ready = all(word in (OK, disk.Room.LOW) for name, word in state.items() if name != _ISOLATION)
        return Response({"status": OK if ready else DOWN, **state}, status=200 if ready else 503)
