"""How often a caller may ask: named policies, and the two fields of an answer that tell how much of each is left.

Requests that execute are counted in PostgreSQL, exactly over all processes (django-ratelimit over rest.counters). All
others are counted in memory: polling costs no statement, and each server process counts for itself.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from django.conf import settings
from django_ratelimit.core import get_usage
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from clients import quotas
from clients.authentication import ApiKeyAuthentication
from clients.caller import Caller
from rest.client_address import client_address, limited_as
from rest.exceptions import Limited

OFF = "off"
TOO_MANY = "Too many requests"
"""How long to wait stands in Retry-After; a sentence that changes by the second cannot be compared or translated."""
_SCOPE = "execute"
_DAY, _DAY_S = "day", 86_400
_RATE = re.compile(r"(\d+)/(\d*)([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": _DAY_S}
_API = "/api/"
_MAX_COUNTED = 10_000
"""Callers in memory, about 2 MB; beyond it all counts begin anew."""


class Policy(NamedTuple):
    """So many requests of one caller in each window."""

    name: str
    quota: int
    window_s: int


class Standing(NamedTuple):
    """Where a caller stands with a policy, this request counted."""

    policy: Policy
    left: int
    """Below zero: this request is too much."""
    resets_s: int


class CallerThrottle(BaseThrottle):
    """Counts a request that executes, whatever comes of it, over all doors. Each statement commits by itself.

    GEXEC_KEY_RATE_LIMIT for a valid API key unless its client has a rate, GEXEC_RATE_LIMIT for an address without one:
    a wrong key counts as none, so guesses are counted as well.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """True; Limited, with the policy's name, where it is too much."""
        _refuse_beyond(list(_executing(request, _caller(request))))
        return True


class ApiThrottle(BaseThrottle):
    """Every request of /api/: one of a method that is in the view's `executes` as one that executes."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """True; Limited, with the policy's name, where it is too much. The answer tells where the caller stands."""
        return not request.path.startswith(_API) or self.count(request, view)

    def count(self, request: Request, view: Any) -> bool:
        """The same for whatever path."""
        caller = _caller(request)
        executes = request.method in getattr(view, "executes", ())
        standings = list(_executing(request, caller) if executes else _reading(request, caller))
        request.answer_headers = _fields(standings)  # type: ignore[attr-defined]  # rest.views.Endpoint sends them
        _refuse_beyond(standings)
        return True


class DoorThrottle(ApiThrottle):
    """The same for the doors of other services, wherever they are."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return self.count(request, view)


class OwnRateThrottle(ApiThrottle):
    """The same, where a view names a policy and a setting in `own_rate`, by which its POSTs are counted alone."""

    def count(self, request: Request, view: Any) -> bool:
        """True; Limited, with the policy's name, where it is too much."""
        if request.method != "POST":
            return super().count(request, view)
        name, setting = view.own_rate
        caller = _caller(request)
        who = _address(request) if caller is None or caller.publishable else f"client {caller.client_id}"
        standings = list(_counted(request, name, getattr(settings, setting), f"post {name}", who))
        request.answer_headers = _fields(standings)  # type: ignore[attr-defined]  # rest.views.Endpoint sends them
        _refuse_beyond(standings)
        return True


def charge(request: Request, more: int) -> None:
    """Count so many requests more: one that executes several things. Raises Limited where that is too much."""
    caller = _caller(request)
    for _ in range(more):
        _refuse_beyond(list(_executing(request, caller)))


def policy_of(name: str, rate: str) -> Policy | None:
    """A rate such as 10/m or 5/10s as a policy; None for `off`."""
    match = _RATE.fullmatch(rate)
    if match is None:
        return None
    return Policy(name, int(match[1]), int(match[2] or 1) * _SECONDS[match[3]])


def _executing(request: Request, caller: Caller | None) -> Iterator[Standing]:
    address = _address(request)
    if caller is None:
        yield from _counted(request, "rate", settings.GEXEC_RATE_LIMIT, _SCOPE, address)
        return
    if caller.publishable:
        # Every reader of a page has the key: each has the rate of an address, besides that of the client.
        yield from _counted(request, "address", settings.GEXEC_RATE_LIMIT, _SCOPE, address)
    client = f"client {caller.client_id}"
    if caller.rate:
        yield from _counted(request, "rate", caller.rate, f"{_SCOPE} by client", client)
    else:
        yield from _counted(request, "rate", settings.GEXEC_KEY_RATE_LIMIT, f"{_SCOPE} by key", caller.prefix)
    if caller.burst is not None:
        yield from _counted(request, "burst", f"{caller.burst}/s", f"{_SCOPE} in a second", client)
    if caller.executions_day is not None:
        # Counted when it is taken in: what is refused for what it asks is no execution.
        left = caller.executions_day - quotas.taken_today(caller.client_id) - 1
        yield Standing(Policy(_DAY, caller.executions_day, _DAY_S), left, quotas.seconds_to(quotas.end_of_day()))


def _reading(request: Request, caller: Caller | None) -> Iterator[Standing]:
    policy = policy_of("read", settings.GEXEC_READ_RATE_LIMIT)
    if policy is not None:
        who = _address(request) if caller is None or caller.publishable else f"client {caller.client_id}"
        yield in_memory.counted(policy, who)


def _counted(request: Request, name: str, rate: str, group: str, who: str) -> Iterator[Standing]:
    policy = policy_of(name, rate)
    if policy is None:
        return
    usage = get_usage(request, group=group, key=lambda _group, _request: who, rate=rate, increment=True)
    yield Standing(policy, policy.quota - usage["count"], max(1, int(usage["time_left"])))


class _InMemory:
    """Windows of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}
        """When each window ends, and what was counted in it."""

    def counted(self, policy: Policy, who: str) -> Standing:
        now = time.monotonic()
        with self._lock:
            ends, count = self._counts.get(who, (0.0, 0))
            if ends <= now:
                ends, count = now + policy.window_s, 0
                if len(self._counts) >= _MAX_COUNTED:
                    self._counts.clear()
            self._counts[who] = (ends, count + 1)
        return Standing(policy, policy.quota - count - 1, max(1, int(ends - now)))

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()


in_memory = _InMemory()


def _refuse_beyond(standings: list[Standing]) -> None:
    for policy, left, resets_s in standings:
        # The quota of the day is held where executions are taken in: a repeated request may have been one of them.
        if left < 0 and policy.name != _DAY:
            raise Limited(TOO_MANY, code="rate_limited", policy=policy.name, retry_after_s=resets_s)


def _fields(standings: list[Standing]) -> dict[str, str]:
    """RateLimit-Policy and RateLimit, as draft-ietf-httpapi-ratelimit-headers-10 has them."""
    if not standings:
        return {}
    return {
        "RateLimit-Policy": ", ".join(
            f'"{each.policy.name}";q={each.policy.quota};w={each.policy.window_s}' for each in standings
        ),
        "RateLimit": ", ".join(f'"{each.policy.name}";r={max(0, each.left)};t={each.resets_s}' for each in standings),
    }


def _caller(request: Request) -> Caller | None:
    """Of a valid key. DRF's own look at it, with the answer for a wrong one, comes later."""
    with suppress(AuthenticationFailed):
        found = ApiKeyAuthentication().authenticate(request)
        return found[1] if found else None
    return None


def _address(request: Request) -> str:
    return limited_as(client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES))
