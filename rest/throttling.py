"""The rate limit: django-ratelimit over counters in PostgreSQL, exact across threads, processes and hosts."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from rest.client_address import client_address, limited_as
from rest.exceptions import RateLimited

OFF = "off"
_KNOWN_KEYS = 10_000
_CLEANED_ONCE_IN = 200

_ADD = """
INSERT INTO rest_counter AS counter (key, value, expires_at) VALUES (%s, %s, now() + %s * interval '1 second')
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at
    WHERE counter.expires_at <= now()
"""
_INCREMENT = "UPDATE rest_counter SET value = value + %s WHERE key = %s AND expires_at > now() RETURNING value"
_READ = "SELECT value FROM rest_counter WHERE key = %s AND expires_at > now()"
_CLEAN = """
DELETE FROM rest_counter WHERE key IN (
    SELECT key FROM rest_counter WHERE expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


def check_rate(request: HttpRequest) -> None:
    """Count this request for its address; RateLimited where its window is full. Each statement commits by itself."""
    if settings.GEXEC_RATE_LIMIT == OFF:
        return
    usage = get_usage(request, group="execute", key=_key, rate=settings.GEXEC_RATE_LIMIT, increment=True)
    if usage and usage["should_limit"]:
        raise RateLimited(retry_after_s=max(1, usage["time_left"]))


def _key(group: str, request: HttpRequest) -> str:
    return limited_as(client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES))


class CounterCache(BaseCache):
    """As much of a cache as counting needs. Expired rows go away a thousand at a time, once in so many new keys."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        # Django makes one cache object a thread.
        self._known = _known

    def add(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Start a counter; False where it runs already."""
        name = self.make_and_validate_key(key, version=version)
        # A counter that this process has seen is there until it expires: no need to ask again.
        if self._known.has(name):
            return False
        lifetime_s = float((self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout) or 0)
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [name, value, lifetime_s])
            added: bool = cursor.rowcount == 1
            if added and random.randrange(_CLEANED_ONCE_IN) == 0:  # noqa: S311 (spreads work, keeps no secret)
                cursor.execute(_CLEAN)
        self._known.add(name, lifetime_s)
        return added

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add to a counter and tell its value; ValueError where there is none."""
        name = self.make_and_validate_key(key, version=version)
        value = _value(_INCREMENT, [delta, name])
        if value is None:
            self._known.remove(name)
            raise ValueError(f"no counter {name!r}")
        return value

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        value = _value(_READ, [self.make_and_validate_key(key, version=version)])
        return default if value is None else value

    def clear(self) -> None:
        """Start all counts again."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM rest_counter")
        self.forget()

    def forget(self) -> None:
        """Take no counter for known: somebody else may have removed them."""
        self._known.clear()


class _KnownKeys:
    """Keys with the moment until which they are there, bounded in number."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def has(self, key: str) -> bool:
        return self._until.get(key, 0.0) > time.monotonic()

    def add(self, key: str, lifetime_s: float) -> None:
        with self._lock:
            if len(self._until) >= _KNOWN_KEYS:
                self._until.clear()
            self._until[key] = time.monotonic() + lifetime_s

    def remove(self, key: str) -> None:
        with self._lock:
            self._until.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._until.clear()


_known = _KnownKeys()


def _value(statement: str, parameters: list[Any]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
