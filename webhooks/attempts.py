"""Which delivery is due, and what follows from a try. The rows say all of it, so that any process may go on.

Theory of operation. What has not been tried yet every process sends that sees it; what is to be tried again, the one
that has the periodic work `webhook-retries` just now. Whoever sends a delivery claims its row for CLAIM_S in one
statement that skips what others have claimed, sends without a transaction, and writes what came of it if the claim is
still its own. A process that dies leaves a claim behind that runs out: the receiver may get the message twice then,
with the same id.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from periodic.tasks import Stop
from rest.connections import release_connection
from rest.ids import uuid7
from webhooks import services
from webhooks.models import Attempt, Delivery, Endpoint, State

RETRY_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
"""After a failure; then it has failed for good."""
CALLBACK_RETRY_S = (1, 5)
"""Of a callback that another service would try three times."""
JITTER = 0.2
"""So much later at most, by chance: what failed together does not come back together."""
MAX_RETRY_AFTER_S = 86_400
CLAIM_S = 60
"""Longer than a try takes, with all that is around it."""
GIVE_UP_AFTER = timedelta(days=5)
"""An address with nothing but failures for so long is told nothing more."""
KEPT = timedelta(days=3)
"""Deliveries that have ended, with their log."""
_FORGOTTEN_AT_ONCE = 200
_PAUSE_S = 0.05
"""Between two batches, for those who write."""
_SHOWN_BYTES = 500

_CLAIM = """
UPDATE webhooks_delivery SET attempts = attempts + 1, claim = %(claim)s,
    next_at = statement_timestamp() + %(claim_s)s * interval '1 second'
WHERE id = (
    SELECT id FROM webhooks_delivery WHERE state = 'pending' AND attempts {tried} AND next_at <= statement_timestamp()
        AND NOT host = ANY(%(hosts)s) AND NOT client_id = ANY(%(clients)s)
    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_CLAIM_FIRST, _CLAIM_AGAIN = _CLAIM.format(tried="= 0"), _CLAIM.format(tried="> 0")
_PENDING = "SELECT count(*) FROM (SELECT 1 FROM webhooks_delivery WHERE state = 'pending' LIMIT %s) AS some_of_them"
_COUNTED_AT_MOST = 10_000
_FORGET = """
WITH old AS (SELECT id FROM webhooks_delivery WHERE ended_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
    log AS (DELETE FROM webhooks_attempt WHERE delivery_id IN (SELECT id FROM old))
DELETE FROM webhooks_delivery WHERE id IN (SELECT id FROM old)
"""


class Outcome(NamedTuple):
    """What came of one try."""

    status: int | None = None
    """None: no answer came, and `error` says why."""
    ms: int = 0
    error: str = ""
    retry_after: str = ""
    answer: bytes = b""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has taken it. A redirect is none: it is not followed."""
        return self.status is not None and 200 <= self.status < 300


def claim(
    *, again: bool = False, but_hosts: Collection[str] = (), but_clients: Collection[UUID] = ()
) -> Delivery | None:
    """The next one that is due, now this thread's; none to these hosts, or of these clients.

    With `again` of those that were tried, or claimed by a process that has ended; else of all others.
    """
    asked: dict[str, Any] = {
        "claim": uuid7(),
        "claim_s": CLAIM_S,
        "hosts": list(but_hosts),
        "clients": list(but_clients),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_AGAIN if again else _CLAIM_FIRST, asked)
        row = cursor.fetchone()
    return Delivery.objects.select_related("endpoint", "client").filter(pk=row[0]).first() if row else None


def pending() -> int:
    """How many are to be sent yet; of very many some."""
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, [_COUNTED_AT_MOST])
        return int(cursor.fetchone()[0])


def settle(delivery: Delivery, outcome: Outcome) -> None:
    """Write what came of it, and what comes next."""
    now = timezone.now()
    with transaction.atomic():
        Attempt.objects.bulk_create([_logged(delivery, outcome, now)])
        mine = Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim)
        if outcome.is_delivered:
            mine.update(state=State.DELIVERED, ended_at=now, claim=None)
            if delivery.endpoint is not None:
                failing = Endpoint.objects.filter(pk=delivery.endpoint.pk, failing_since__isnull=False)
                failing.update(failing_since=None)
            return
        wait_s = None if outcome.status == 410 else _wait_s(delivery, outcome, now)
        if wait_s is None:
            mine.update(state=State.FAILED, ended_at=now, claim=None)
        else:
            mine.update(next_at=now + timedelta(seconds=wait_s), claim=None)
        _note_failure(delivery, outcome, now)


def carry_out(stop: Stop) -> int:
    """Delete those that have ended long ago until none is left or `stop` is set; how many."""
    forgotten = 0
    while some := forget_old():
        forgotten += some
        release_connection()
        if stop.wait(_PAUSE_S):
            break
    return forgotten


def forget_old() -> int:
    """Delete some that have ended long ago, with their log; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [timezone.now() - KEPT, _FORGOTTEN_AT_ONCE])
        return int(cursor.rowcount)


def _note_failure(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    if delivery.endpoint is None:
        return
    endpoint = Endpoint.objects.filter(pk=delivery.endpoint.pk)
    endpoint.filter(failing_since=None).update(failing_since=now)
    if outcome.status == 410:
        services.disable(delivery.endpoint.pk, "the receiver answered 410 Gone")
    elif endpoint.filter(failing_since__lte=now - GIVE_UP_AFTER).exists():
        services.disable(delivery.endpoint.pk, f"nothing but failures for {GIVE_UP_AFTER.days} days")


def _wait_s(delivery: Delivery, outcome: Outcome, now: datetime) -> float | None:
    """Seconds to the next try; None after the last one."""
    retry_s = CALLBACK_RETRY_S if delivery.is_callback else RETRY_S
    if delivery.attempts > len(retry_s):
        return None
    usual = retry_s[delivery.attempts - 1] * (1 + JITTER * random.random())  # noqa: S311 (spreads work, keeps no secret)
    asked = _asked_s(outcome.retry_after, now) if outcome.status in {429, 503} else 0
    return max(usual, min(asked, MAX_RETRY_AFTER_S))


def _asked_s(retry_after: str, now: datetime) -> float:
    """What a Retry-After field says (RFC 9110, 10.2.3): seconds or a date; 0 for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    return (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()


def _logged(delivery: Delivery, outcome: Outcome, now: datetime) -> Attempt:
    answer = outcome.answer[:_SHOWN_BYTES].decode(errors="replace").replace("\x00", "\ufffd")
    return Attempt(
        delivery=delivery,
        at=now,
        status=outcome.status,
        ms=outcome.ms,
        error=outcome.error[:200].replace("\x00", ""),
        answer=answer,
    )
