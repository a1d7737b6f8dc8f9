"""Tokens that open one execution: for those without a key, and for browsers, which can send no headers with a stream.

Both are made from the execution's id with the server's secret, and stand nowhere: an access token holds as long as the
row is there, a short one until the time that it names.
"""

from __future__ import annotations

import base64
import hmac
import time
from uuid import UUID

from django.conf import settings

SHORT_S = 600
_BITS = 128


def access_token(execution_id: UUID) -> str:
    """The token of an execution that was submitted without a key; told once, in the answer to the request."""
    return _mac(f"access {execution_id}")


def short_token(execution_id: UUID, *, lifetime_s: int = SHORT_S) -> tuple[str, int]:
    """A token for a browser, and when it ends (Unix time in seconds)."""
    until = int(time.time()) + lifetime_s
    return f"{until}.{_mac(f'short {execution_id} {until}')}", until


def is_short(token: str) -> bool:
    """Whether it is one of those that end."""
    return "." in token


def opens(token: str, execution_id: UUID) -> bool:
    """Whether the token opens this execution now."""
    until, dot, _ = token.partition(".")
    if not dot:
        return _same(token, access_token(execution_id))
    if not (until.isascii() and until.isdecimal() and len(until) <= 12) or int(until) <= time.time():
        return False
    return _same(token, f"{until}.{_mac(f'short {execution_id} {until}')}")


def _mac(text: str) -> str:
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"gexec token {text}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[: _BITS // 8]).decode().rstrip("=")


def _same(token: str, expected: str) -> bool:
    return hmac.compare_digest(token.encode(errors="replace"), expected.encode())
