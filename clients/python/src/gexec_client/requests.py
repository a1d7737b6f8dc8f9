"""The requests of /api/v1: paths, headers, bodies."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gexec_client.results import Batch, Execution
from gexec_client.steps import Send

EXECUTIONS = "/api/v1/executions"
BATCHES = "/api/v1/batches"
FILES = "/api/v1/files"
HELD_TIMEOUT_S = 330.0
"""An answer that waits for a program has nothing to say until it ends, which may be long after 300 seconds of CPU."""
POLL_S = 50
"""Proxies give up what is silent for a minute."""
STREAM_TIMEOUT_S = 45.0
"""Three signs of life that did not come."""

GONE = "its client has gone"
"""Why what nobody waits for any more is cancelled."""

Handle = str | Execution | Batch
"""An id, or what has one."""


def get(path: str, params: Mapping[str, Any] | None = None, *, token: str | None = None) -> Send:
    """A request that changes nothing."""
    return Send("GET", path, params or {}, _token(token), repeatable=True)


def post(
    path: str,
    fields: Mapping[str, Any],
    *,
    params: Mapping[str, Any] | None = None,
    key: str | None = None,
    token: str | None = None,
    repeatable: bool = False,
) -> Send:
    """A request with a body. With an Idempotency-Key it may go again."""
    headers = {"Content-Type": "application/json", **_token(token)}
    if key is not None:
        headers["Idempotency-Key"] = key
    content = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Send("POST", path, params or {}, headers, content, repeatable=repeatable or key is not None)


def new_key() -> str:
    """An Idempotency-Key that nobody else has."""
    return secrets.token_urlsafe(24)


def held(send: Send) -> Send:
    """The same, and it is waited for as long as a program may run."""
    return replace(send, read_timeout_s=HELD_TIMEOUT_S)


def watching(send: Send, *, after: str = "") -> Send:
    """The same, answered with events behind the last one that is known."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if after:
        headers["Last-Event-ID"] = after
    return replace(send, headers={**send.headers, **headers}, read_timeout_s=STREAM_TIMEOUT_S)


def path_of(root: str, handle: Handle, *behind: str) -> str:
    """The address of one thing, and of what belongs to it."""
    id_ = handle if isinstance(handle, str) else handle.id
    parts = [quote(id_, safe=":"), *(quote(each, safe="/") for each in behind)]
    if "" in parts or {".", ".."} & {part for each in parts for part in each.split("/")}:
        raise ValueError(f"no id or name: {id_!r:.80}")
    return "/".join([root, *parts])


def token_of(handle: Handle, access_token: str | None) -> str | None:
    """What opens it for whoever has no key."""
    return access_token or (None if isinstance(handle, str) else handle.access_token)


def listed(values: Any) -> str | None:
    """Names between commas; None for none."""
    return ",".join(values) if values else None


def _token(token: str | None) -> dict[str, str]:
    return {"X-Access-Token": token} if token else {}
