"""The rate limit: django-ratelimit over counters in PostgreSQL, exact across threads, processes and hosts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from rest.authentication import ApiKeyAuthentication
from rest.client_address import client_address, limited_as

OFF = "off"
_ADDRESSES, _KEYS = "GEXEC_RATE_LIMIT", "GEXEC_KEY_RATE_LIMIT"
_MAX_KNOWN = 10_000
"""Counters that this process remembers, about 2 MB; beyond it all are forgotten, which costs each a statement."""
_CLEANED_ONCE_IN = 200
"""New counters for one clean-up, which takes away up to 1000: five times what has come since the last one."""

_PUT = """
INSERT INTO rest_counter AS counter (key, value, expires_at) VALUES (%s, %s, now() + %s * interval '1 second')
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at
"""
_ADD = f"{_PUT} WHERE counter.expires_at <= now() RETURNING value"
_SET = f"{_PUT} RETURNING value"
_GET = "SELECT value FROM rest_counter WHERE key = %s AND expires_at > now()"
_INCREMENT = "UPDATE rest_counter SET value = value + %s WHERE key = %s AND expires_at > now() RETURNING value"
_TOUCH = """
UPDATE rest_counter SET expires_at = now() + %s * interval '1 second'
WHERE key = %s AND expires_at > now() RETURNING value
"""
_DELETE = "DELETE FROM rest_counter WHERE key = %s RETURNING value"
_CLEAN = """
DELETE FROM rest_counter WHERE key IN (
    SELECT key FROM rest_counter WHERE expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


class CallerThrottle(BaseThrottle):
    """What one caller may send, over all views that have it. Each statement commits by itself.

    GEXEC_KEY_RATE_LIMIT for a valid API key, GEXEC_RATE_LIMIT for an address without one: a wrong key counts as none,
    so guesses are counted as well.
    """

    scope = "execute"
    _wait_s = 1.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request, whatever comes of it."""
        prefix = _key(request)
        if prefix is not None:
            return self._allows(request, f"{self.scope} by key", lambda _group, _request: prefix, _KEYS)
        return self._allows(request, self.scope, _address, _ADDRESSES)

    def wait(self) -> float:
        """Seconds until the window ends."""
        return self._wait_s

    def _allows(self, request: Request, group: str, key: Callable[[str, HttpRequest], str], setting: str) -> bool:
        rate = getattr(settings, setting)
        if rate == OFF:
            return True
        usage = get_usage(request, group=group, key=key, rate=rate, increment=True)
        self._wait_s = max(1.0, usage["time_left"])
        return not usage["should_limit"]


def _key(request: Request) -> str | None:
    """The public part of a valid key. DRF's own look at it, with the answer for a wrong one, comes later."""
    with suppress(AuthenticationFailed):
        found = ApiKeyAuthentication().authenticate(request)
        return found[1].prefix if found else None
    return None


def _address(_group: str, request: HttpRequest) -> str:
    return limited_as(client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES))


_known: dict[str, float] = {}
"""Until when counters that this process has seen are there. Each use is one operation, so no lock is needed."""


class CounterCache(BaseCache):
    """A cache of whole numbers. Expired rows are deleted a thousand at a time, once in _CLEANED_ONCE_IN new keys."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Start a counter; False where it runs already."""
        name = self.make_and_validate_key(key, version=version)
        # A counter that is known to run need not be tried again, which saves every request but the first a statement.
        if _known.get(name, 0.0) > time.monotonic():
            return False
        lifetime_s = self._lifetime_s(timeout)
        added = _value(_ADD, name, value, lifetime_s) is not None
        if added and random.randrange(_CLEANED_ONCE_IN) == 0:  # noqa: S311 (spreads work, keeps no secret)
            with connection.cursor() as cursor:
                cursor.execute(_CLEAN)
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        # Also where another process has started it: the key names a window, and a counter outlives its window.
        _known[name] = time.monotonic() + lifetime_s
        return added

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add to a counter and return its value; ValueError where there is none."""
        name = self.make_and_validate_key(key, version=version)
        value = _value(_INCREMENT, delta, name)
        if value is None:
            _known.pop(name, None)
            raise ValueError(f"no counter {name!r}")
        return value

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        value = _value(_GET, self.make_and_validate_key(key, version=version))
        return default if value is None else value

    def set(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        _value(_SET, self.make_and_validate_key(key, version=version), value, self._lifetime_s(timeout))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        _known.pop(name, None)
        return _value(_TOUCH, self._lifetime_s(timeout), name) is not None

    def delete(self, key: str, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        _known.pop(name, None)
        return _value(_DELETE, name) is not None

    def clear(self) -> None:
        """Start all counts again."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM rest_counter")
        self.forget()

    def forget(self) -> None:
        """Take no counter for known: another process may have removed them."""
        _known.clear()

    def _lifetime_s(self, timeout: Any) -> float:
        """A counter always ends: None, which is for ever to other caches, is none of its lifetimes."""
        return float((self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout) or 0)


def _value(statement: str, *parameters: str | float) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
