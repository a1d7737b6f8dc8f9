"""Counters in PostgreSQL, exact across threads, processes and hosts: a cache for django-ratelimit."""

from __future__ import annotations

import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

_MAX_KNOWN = 10_000
"""Counters that this process remembers, about 2 MB; beyond it all are forgotten, which costs each a statement."""

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
    SELECT key FROM rest_counter WHERE expires_at <= now() LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_CLEANED_AT_ONCE = 1000

_known: dict[str, float] = {}
"""Until when counters that this process has seen are there. Each use is one operation, so no lock is needed."""


class CounterCache(BaseCache):
    """A cache of whole numbers. Its rows stay when they have expired, until `clean` takes them away."""

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


def clean() -> int:
    """Take away some counters that have expired; how many. Call it until there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_CLEAN, [_CLEANED_AT_ONCE])
        return int(cursor.rowcount)


def _value(statement: str, *parameters: str | float) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
