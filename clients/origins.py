"""Which origins the clients list: their pages may send what carries a key, and the key is then checked against them."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.http import HttpRequest

from clients.models import Client
from rest.connections import release_connection
from rest.snapshot import Snapshot

_DOORS = ("/api/", "/execute")


def lists(origin: str | None, path: str) -> bool:
    """Whether an enabled client lists this origin, asked for a path that takes keys. It holds no connection after."""
    return origin is not None and path.startswith(_DOORS) and origin in listed.current()


def allow_cors(sender: Any, request: HttpRequest, **_: Any) -> bool:
    """For corsheaders: a browser asks before it sends a key, so which one it will be cannot be known yet."""
    return lists(request.META.get("HTTP_ORIGIN"), request.path_info)


def _load() -> frozenset[str]:
    try:
        rows = Client.objects.filter(enabled=True).exclude(origins=[]).values_list("origins", flat=True)
        return frozenset(chain.from_iterable(rows))
    finally:
        # The body of the request may not have come in yet.
        release_connection()


listed: Snapshot[frozenset[str]] = Snapshot(_load)
