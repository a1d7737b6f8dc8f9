"""API keys in the Authorization header: who calls, remembered for a second so that a request asks for it seldom."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_api_key.models import APIKey
from rest_framework_api_key.permissions import KeyParser

REMEMBERED_S = 1.0
_MAX_REMEMBERED = 10_000
"""Keys, about 2 MB; beyond it all are forgotten, which costs each a query."""


class _Verified:
    """Keys that were valid a moment ago, by their hash: a revoked one is refused within REMEMBERED_S."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[bytes, tuple[float, str]] = {}

    def get(self, digest: bytes) -> str | None:
        until, prefix = self._entries.get(digest, (0.0, ""))
        return prefix if until > time.monotonic() else None

    def put(self, digest: bytes, prefix: str, verified_at: float) -> None:
        with self._lock:
            if len(self._entries) >= _MAX_REMEMBERED:
                self._entries.clear()
            self._entries[digest] = (verified_at + REMEMBERED_S, prefix)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


verified = _Verified()


class _Bearer(KeyParser):
    keyword = "Bearer"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `request.auth` of a request with a valid key."""

    prefix: str
    """The public part of the key."""


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key …` or, for tools that offer nothing else, `Authorization: Bearer …`."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        """The caller, who is no user of the admin; None without a key. AuthenticationFailed where it is not valid."""
        if "HTTP_AUTHORIZATION" not in request.META:
            return None
        key = KeyParser().get(request) or _Bearer().get(request)
        prefix = _verify(key) if key else None
        if prefix is None:
            raise AuthenticationFailed("invalid API key")
        return None, Caller(prefix)

    def authenticate_header(self, request: Request) -> str:
        """Both schemes, for WWW-Authenticate of a 401."""
        return f"{KeyParser.keyword}, {_Bearer.keyword}"


def create(name: str) -> str:
    """Make a key and return it; it cannot be read again."""
    _, key = APIKey.objects.create_key(name=name)
    return key


def has_valid(name: str) -> bool:
    """Whether a key of this name was made and not revoked."""
    return APIKey.objects.get_usable_keys().filter(name=name).exists()


def revoke(prefix: str) -> str | None:
    """Refuse the key from now on; its name, or None where no valid key has this prefix."""
    key = APIKey.objects.get_usable_keys().filter(prefix=prefix).first()
    if key is None:
        return None
    key.revoked = True
    key.save(update_fields=["revoked"])
    return str(key.name)


def _verify(key: str) -> str | None:
    digest = hashlib.sha256(key.encode(errors="replace")).digest()
    if prefix := verified.get(digest):
        return prefix
    now = time.monotonic()
    if "\x00" in key or not APIKey.objects.is_valid(key):
        return None
    prefix = key.partition(".")[0]
    verified.put(digest, prefix, now)
    return prefix
