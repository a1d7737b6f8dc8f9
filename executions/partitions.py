"""The parts of the table of executions: each has those of one span of time, is made ahead, and is dropped whole.

Theory of operation. Ids begin with the time at which they were made, so a range of ids is a span of time. A part begins
where the last one ends. Its span follows from how long executions are kept (`_SPANS`): what asks without a bound of ids
has each part planned, so there are to be few; and a part goes when its last execution may, so it is to be short. Ids of
no span are in a part of their own, which is always there: those of before there were parts, those of a clock that was
wrong, and all where nobody has made any. A span of which it has some already gets no part.

Making one waits for no writer longer than `_LOCK_MS`, and so long do others wait for it: what does not get its locks by
then gives up, and comes again.
"""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone

from executions.ranges import LOWEST
from rest.ids import first_at, moment_of

logger = logging.getLogger(__name__)

TABLE = "executions_execution"
AHEAD = timedelta(days=20)
"""There are parts for so long from now on."""
ENOUGH = timedelta(days=7)
"""With less, something has kept them from being made for days."""
# Measured with PostgreSQL 18 on a busy machine: a plan takes 0.1 ms without parts, 0.5 with 4, 2 with 16, 30 with 60.
_SPANS = ((45, 0), (200, 1), (730, 3))
"""With a retention of up to so many days, parts of so many months; 0: of a week. There are 13 at the most."""
_LONGEST_MONTHS = 12
"""With more days, and where executions stay for ever."""
_LOCK_MS, _TRIES, _PAUSE_S = 500, 5, 0.2
_SET = f"SET LOCAL lock_timeout = {_LOCK_MS}"
_BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(?P<low>[^']+)')\) TO \('(?P<high>[^']+)'\)")
_PARTS = f"""
SELECT relname, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = '{TABLE}'::regclass
"""  # noqa: S608 (made of constants)


class Part(NamedTuple):
    """Executions with ids from `low` on that are below `high`."""

    name: str
    low: UUID
    high: UUID


def parts() -> list[Part]:
    """Those that are a span of time, in its order."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTS)
        bounds = [(name, _BOUNDS.fullmatch(bound)) for name, bound in cursor.fetchall()]
    found = [Part(name, UUID(each["low"] or str(LOWEST)), UUID(each["high"])) for name, each in bounds if each]
    return sorted(found, key=lambda part: part.low)


def make_ahead(*, since: datetime | None = None) -> int:
    """Make those that are missing from now, or `since` then, until `AHEAD`; how many.

    Raises OperationalError where others are in the way for long.
    """
    now = timezone.now()
    ends = [moment_of(part.high) for part in parts()]
    begin, made = max([_begin_of(since or now), *ends]), 0
    while begin < now + AHEAD:
        end = _end_of(begin)
        made += _make(Part(f"{TABLE}_{begin:%Y%m%d}", first_at(begin), first_at(end)))
        begin = end
    return made


def ahead() -> timedelta:
    """For how long from now on there are parts."""
    now = timezone.now()
    return max([moment_of(part.high) for part in parts()], default=now) - now


def begin_of_part(at: UUID) -> UUID:
    """The lowest id of the part that has this one; the id itself where that is none, or longer than parts are now."""
    longest = timedelta(days=31 * months_of_a_part() or 7)
    return next((part.low for part in parts() if part.low <= at < part.high and _length(part) <= longest), at)


def drop(part: Part) -> None:
    """Call it in a transaction. Raises OperationalError where somebody works on it for longer than a moment."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE "{part.name}"')


def _make(part: Part) -> bool:
    """False: there are rows of that time already, in the part of all others, and they stay there."""
    for left in reversed(range(_TRIES)):
        try:
            return _try_to_make(part)
        except OperationalError:
            if not left:
                raise
            time.sleep(_PAUSE_S)
    return False


def _try_to_make(part: Part) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_SET)
            # Beside the whole at first, which is locked only for the moment in which it becomes a part.
            cursor.execute(f'CREATE TABLE "{part.name}" (LIKE {TABLE} INCLUDING ALL)')
            span = f"FROM ('{part.low}') TO ('{part.high}')"
            cursor.execute(f'ALTER TABLE {TABLE} ATTACH PARTITION "{part.name}" FOR VALUES {span}')
    except IntegrityError:
        logger.warning("some executions of that time have no part already, and get none", extra={"part": part.name})
        return False
    except ProgrammingError:
        if part in parts():
            return False  # Another process has made it.
        raise
    return True


def _length(part: Part) -> timedelta:
    return moment_of(part.high) - moment_of(part.low)


def _begin_of(now: datetime) -> datetime:
    """Of the span that has this moment: a Monday, or the first of a month, a quarter or a year (UTC)."""
    midnight, months = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0), months_of_a_part()
    if not months:
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1, month=midnight.month - (midnight.month - 1) % months)


def _end_of(begin: datetime) -> datetime:
    """Where the next span begins."""
    months = months_of_a_part()
    if not months:
        return _begin_of(begin) + timedelta(days=7)
    return _begin_of(_begin_of(begin) + timedelta(days=31 * months))


def months_of_a_part() -> int:
    """How long parts are that are made now; 0: a week."""
    days = settings.GEXEC_RETENTION_DAYS
    return next((months for most, months in _SPANS if 0 < days <= most), _LONGEST_MONTHS)
