"""The rate limit: django-ratelimit over counters in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from clients.authentication import ApiKeyAuthentication
from rest.client_address import client_address, limited_as

OFF = "off"
_ADDRESSES, _KEYS = "GEXEC_RATE_LIMIT", "GEXEC_KEY_RATE_LIMIT"


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
