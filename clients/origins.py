"""Which origins the clients list: their pages may send what carries a key, and the key is then checked against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from clients.models import Client
from rest import websocket
from rest.connections import release_connection
from rest.snapshot import Snapshot

_DOORS = ("/api/", "/execute")
_KEY_HEADERS = (
    "HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_X_AUTH_TOKEN", "HTTP_X_AUTH_USER", "HTTP_X_RAPIDAPI_KEY",
)  # fmt: skip
"""Where a key may stand: no page can send one of them to another origin unless CORS allowed it before."""
TOKEN_PROTOCOL = "gexec.token."  # noqa: S105 (what stands before one)
"""What a page's WebSocket, which has no headers, brings its key or token in: one of the subprotocols that it offers."""


def lists(origin: str | None, path: str) -> bool:
    """Whether an enabled client lists this origin, asked for a path that takes keys. It holds no connection after."""
    return origin is not None and _takes_keys(path) and origin in listed.current()


def sends_key(request: HttpRequest) -> bool:
    """Whether a key stands where a page can have put it that has one, and no other."""
    if websocket.is_asked_for(request.META):
        return any(tokens_in(request.META))
    return any(name in request.META for name in _KEY_HEADERS)


def tokens_in(meta: Mapping[str, Any]) -> Iterator[str]:
    """What a page's WebSocket has brought. A door for them has to look at it: who brings a wrong one is nobody."""
    for name in websocket.protocols_in(meta):
        if name.startswith(TOKEN_PROTOCOL):
            yield name.removeprefix(TOKEN_PROTOCOL)


def allow_cors(sender: Any, request: HttpRequest, **_: Any) -> bool:
    """For corsheaders: a browser asks before it sends a key, so which one it will be cannot be known yet."""
    return lists(request.META.get("HTTP_ORIGIN"), request.path_info)


def _takes_keys(path: str) -> bool:
    return path.startswith(_DOORS) or any(
        path == door or path.startswith(f"{door}/") for door in settings.GEXEC_COMPAT_PATHS
    )


def _load() -> frozenset[str]:
    try:
        rows = Client.objects.filter(enabled=True).exclude(origins=[]).values_list("origins", flat=True)
        return frozenset(chain.from_iterable(rows))
    finally:
        # The body of the request may not have come in yet.
        release_connection()


listed: Snapshot[frozenset[str]] = Snapshot(_load)
