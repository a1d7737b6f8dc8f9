"""Retention by parts: a part goes whole where nothing in it is to stay, and with it what other tables have of it.

What is left of a part that has gone (tags, tokens, notes of files) is written down in the transaction in which it goes,
and deleted in batches afterwards: nobody finds an execution by it any more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from clients.models import Client
from executions import announcements, partitions
from executions.models import OPEN, ArtifactFile, CompatToken, Execution, ExecutionTag, KeptContent, RetentionMark
from executions.partitions import Part
from executions.ranges import HIGHEST, LOWEST, Range
from periodic.tasks import Stop
from rest.connections import release_connection
from rest.ids import first_at, moment_of
from webhooks.models import Delivery

logger = logging.getLogger(__name__)

_REST = "rest of "
_LEFT = (ExecutionTag, CompatToken, ArtifactFile)
_AT_ONCE = 5_000
_LOCK_MS = 200
"""Whoever works on the history then waits so long at the most, where a backup has it for an hour."""
_EMPTY_AFTER = timedelta(days=2)
"""An empty part goes where no clock is so late that it could make an id of it."""
_DELIVERED_WITHIN = timedelta(days=2)
"""An execution has ended by then, and is told of."""
_COUNT_UP_TO = 100_000
"""Above, what VACUUM has counted is exact enough to be told."""


def drop_old(stop: Stop) -> int:
    """Drop the parts of which nothing is to stay; about how many executions went with them."""
    dropped = 0
    _clear(stop)
    try:
        for part in partitions.parts():
            if stop.is_set() or not _may_go(part):
                continue
            _forget_messages(part, stop)
            dropped += _drop(part)
            release_connection()
    except OperationalError as error:
        logger.warning("a part of the history cannot be dropped now: %s", error)
    _clear(stop)
    return dropped


def first_to_go() -> UUID:
    """The lowest id of a part that is to be dropped, which somebody has kept from it; HIGHEST: there is none."""
    return next((part.low for part in partitions.parts() if _may_go(part)), HIGHEST)


def _drop(part: Part) -> int:
    """Raises OperationalError where others do not let go of it in time; then it is for the next call."""
    with transaction.atomic():
        rows = _rows(part)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
            # First the whole, as everybody does. Nobody can begin or change an execution from here on.
            cursor.execute(f"LOCK TABLE ONLY {partitions.TABLE} IN ACCESS EXCLUSIVE MODE")
        if not _may_go(part):
            return 0
        RetentionMark.objects.create(rule=f"{_REST}{part.name}", about=str(part.high), upto=part.low)
        partitions.drop(part)
    logger.info("dropped a part of the history", extra={"part": part.name, "done": rows})
    return rows


def _may_go(part: Part) -> bool:
    now, days = timezone.now(), settings.GEXEC_RETENTION_DAYS
    if part.high > first_at(now - _EMPTY_AFTER):
        return False
    if not _of(part).exists():
        return True
    if not days or part.high > first_at(now - timedelta(days=days)):
        return False
    has_open = first_open(part.high, part.low) < part.high
    return not (has_open or _of(part).filter(client_id__in=_longer(part, now)).exists())


def first_open(high: UUID, low: UUID = LOWEST) -> UUID:
    """The oldest from `low` on and below `high` that has not ended; `high` where there is none."""
    for status in OPEN:
        oldest = Range({"status": status, "outcome": ""}, low, high).of(Execution.objects.all())
        high = next(iter(oldest.values_list("pk", flat=True)[:1]), high)
    return high


def since_of(low: UUID) -> date:
    """By which day contents know the part that begins with this id."""
    return moment_of(low).date()


def _longer(part: Part, now: datetime) -> list[UUID]:
    """Clients whose own days are not over for all of the part."""
    own = Client.objects.filter(~Q(retention_days=None)).values_list("pk", "retention_days")
    return [pk for pk, days in own if not days or part.high > first_at(now - timedelta(days=days))]


def _of(part: Part) -> Any:
    """As PostgreSQL plans it, of this part alone."""
    return Execution.objects.filter(pk__gte=part.low, pk__lt=part.high).order_by()


def _rows(part: Part) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [f'"{part.name}"'])
        (about,) = cursor.fetchone()
    return int(about) if about > _COUNT_UP_TO else _of(part).count()


def _forget_messages(part: Part, stop: Stop) -> None:
    """Those of webhooks, which have pieces of executions, where any are left from that time."""
    if not Delivery.objects.filter(id__lt=first_at(moment_of(part.high) + _DELIVERED_WITHIN)).exists():
        return
    low, rows = part.low, _of(part).filter(client_id__isnull=False).order_by("pk")
    while not stop.is_set() and (ids := list(rows.filter(pk__gte=low).values_list("pk", flat=True)[:_AT_ONCE])):
        with transaction.atomic():
            announcements.take_back(ids)
        low = UUID(int=ids[-1].int + 1)


def _clear(stop: Stop) -> None:
    """Delete what is left of parts that have gone."""
    for mark in RetentionMark.objects.filter(pk__startswith=_REST):
        for took_s in _batches(mark.upto, UUID(mark.about)):
            release_connection()
            if stop.wait(took_s):
                return
        mark.delete()


def _batches(low: UUID, high: UUID) -> Iterator[float]:
    """One for each turn: the seconds that it took."""
    yield from _all_of(KeptContent.objects.filter(part=since_of(low)).order_by("pk"))
    for model in _LEFT:
        yield from _all_of(
            model._default_manager.filter(execution_id__gte=low, execution_id__lt=high).order_by("execution_id")
        )


def _all_of(rows: QuerySet[Any]) -> Iterator[float]:
    while True:
        began = time.monotonic()
        ids: list[Any] = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
        if not ids:
            return
        rows.model._default_manager.filter(pk__in=ids)._raw_delete("default")
        yield time.monotonic() - began
