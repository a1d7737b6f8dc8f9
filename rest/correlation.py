"""The id by which the answer and the log lines of one request are found again: X-Request-Id."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from rest.ids import uuid7

HEADER = "X-Request-Id"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEPT = "gexec.request_id"

_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id_in(environ: MutableMapping[str, Any]) -> str:
    """The client's own where it is a plain one, else a new one; of one request always the same."""
    kept: str | None = environ.get(_KEPT)
    if kept is None:
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        kept = environ[_KEPT] = sent if _PLAIN.fullmatch(sent) else f"req_{uuid7().hex}"
    return kept


def current() -> str:
    """Of the request that this thread answers, or whose execution it runs; empty where there is none."""
    return _current.get()


@contextmanager
def within(request_id: str) -> Iterator[None]:
    """Inside, `current` is this one."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
