"""Requests that are sent again: the same key gives the same execution, however many come at once.

A key is a row, inserted in the transaction of its execution's row: where one is there, so is the other. Whoever finds
the key taken gets the execution that took it. One that never ran, because there was no slot or no engine, has not used
its key: the next request with it takes its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from executions.models import Execution, IdempotencyKey, Status
from executions.outcomes import Outcome
from periodic.tasks import Stop
from rest.exceptions import Refusal

KEPT = timedelta(hours=24)
_FORGOTTEN_AT_ONCE = 1000

# The key is taken anew where its time is over, or where the execution that had it never ran.
_TAKE = """
INSERT INTO executions_idempotencykey AS taken (scope, key, fingerprint, execution_id, expires_at)
VALUES (%(scope)s, %(key)s, %(fingerprint)s, %(execution)s, %(expires)s)
ON CONFLICT (scope, key) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, execution_id = EXCLUDED.execution_id,
    expires_at = EXCLUDED.expires_at
WHERE taken.expires_at <= %(now)s OR taken.execution_id = %(instead_of)s
RETURNING 1
"""


class Taken(Exception):
    """Another request has the key: `find` tells which execution it got."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key of one caller, for one request."""

    scope: str
    key: str
    fingerprint: str
    """Of the request: a key is for one only."""
    instead_of: UUID | None = None
    """The execution that had it and never ran."""

    def take(self, execution_id: UUID) -> None:
        """Give the key to this execution. Call it in the transaction that inserts its row. Raises Taken."""
        now = timezone.now()
        asked: dict[str, Any] = {
            "scope": self.scope,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "execution": execution_id,
            "expires": now + KEPT,
            "now": now,
            "instead_of": self.instead_of,
        }
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, asked)
            if cursor.fetchone() is None:
                raise Taken


@dataclass(frozen=True, slots=True)
class Found:
    """What a key has got before."""

    execution: Execution
    has_run: bool
    """Whether it keeps the key: false where nothing was started, and a new execution may take its place."""


def key_in(header: str) -> str:
    """The key in an Idempotency-Key header, quoted or not. Raises Refusal."""
    text = header.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", text):
        raise Refusal("Idempotency-Key must have 1 to 255 visible ASCII characters", code="invalid_field")
    return text


def fingerprint_of(method: str, path: str, body: Any) -> str:
    """What makes two requests the same: how they are written does not."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{method} {path} {canonical}".encode()).hexdigest()


def find(claim: Claim) -> Found | None:
    """The execution that has the key; None where it is free. Raises Refusal where it was for another request."""
    row = IdempotencyKey.objects.filter(scope=claim.scope, key=claim.key, expires_at__gt=timezone.now()).first()
    if row is None:
        return None
    if row.fingerprint != claim.fingerprint:
        message = "this Idempotency-Key was sent with another request"
        raise Refusal(message, status=422, code="idempotency_mismatch")
    execution = Execution.objects.filter(pk=row.execution_id).first()
    if execution is None:
        raise Refusal("the execution of this Idempotency-Key was deleted", status=410, code="expired")
    return Found(execution, has_run=not _never_ran(execution))


def forget_old(stop: Stop) -> int:
    """Take away keys whose time is over, some at a time, until none is left or `stop` is set; how many."""
    old = IdempotencyKey.objects.filter(expires_at__lte=timezone.now()).order_by()
    forgotten = 0
    while not stop.is_set():
        ids = list(old.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
        forgotten += old.filter(pk__in=ids).delete()[0]
        if len(ids) < _FORGOTTEN_AT_ONCE:
            break
    return forgotten


def _never_ran(execution: Execution) -> bool:
    if execution.status == Status.REJECTED:
        return True
    return execution.outcome == Outcome.SANDBOX_ERROR and execution.started_at is None
