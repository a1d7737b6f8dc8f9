"""What becomes of executions as they age: first what is large in them goes, then they go; totals stay.

Theory of operation. A rule says of which executions what goes after how many days: of a client that has days of its
own, of all others, of those with one outcome. An execution is looked at once by each rule, when it becomes old enough:
the rule walks through one index, some rows in each transaction, and writes down how far it has come. Rows
that it leaves in place, because they are another rule's, are passed by and never again looked at; what has not ended is
passed by as well, and the rule begins there again until it has. Parts of the table of which nothing is to stay are
dropped before (executions.dropping), and the rule of all others waits for that: it ends where the part begins that is
next to go, so that few of its executions go one by one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clients.models import Client
from executions import announcements, dropping, packing, partitions
from executions.apart import NUMBERS
from executions.models import OPEN, Batch, Execution, RetentionMark, Status, Store
from executions.ranges import LOWEST, Range
from executions.storage import emptied
from periodic.tasks import Stop
from rest.connections import release_connection
from rest.ids import first_at

_TARGET_S = 0.1
"""A batch takes about so long: nobody who writes waits for it."""
_FIRST_BATCH, _SMALLEST_BATCH, _LARGEST_BATCH = 100, 10, 5_000
_BATCHES_AT_ONCE = 200
_CONTENTS = ("source", "stdin", "job", "steps", "output", "tests", "artifacts", *NUMBERS)


class Passed(NamedTuple):
    """What one batch came by."""

    looked_at: int
    changed: int
    """Of these, what went, or lost its contents."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Of which executions what goes, and when."""

    name: str
    days: int
    contents: bool = False
    """Only what is large in them."""
    client_id: UUID | None = None
    """Of this client alone."""
    but_of: tuple[UUID, ...] = ()
    """Of all but these."""
    outcome: str = ""
    """With this one alone, or `rejected`."""
    waits_for_part: bool = False
    """What is in a part with younger ones stays until all of it goes at once."""
    is_marked: bool = True
    """Whether it goes on from where it has come to; else from the beginning."""

    def __str__(self) -> str:
        what = "source, input and output" if self.contents else "executions"
        return f"{self.name}: {what} of more than {self.days} days ago"

    def carry_out(self, *, dry_run: bool = False) -> Iterator[Passed]:
        """A batch at a time, from where it has come to; with `dry_run`, what is changed is only counted."""
        mark, high, rows = self._mark(), self._high(dry_run=dry_run), _FIRST_BATCH
        low, first_open = mark.upto, dropping.first_open(high)
        while low < high:
            began = time.monotonic()
            with transaction.atomic():
                found = self._found(low, high, rows)
                changed = self._change(found, dry_run=dry_run)
                # Behind the last one of a batch that was full; else nothing is left below `high`.
                low = UUID(int=found[-1].pk.int + 1) if len(found) == rows else high
                if self.is_marked and not dry_run:
                    mark.upto = min(low, first_open)
                    mark.save()
            if not found:
                return
            yield Passed(len(found), changed)
            took_s = max(time.monotonic() - began, 0.001)
            rows = min(max(int(rows * min(2.0, _TARGET_S / took_s)), _SMALLEST_BATCH), _LARGEST_BATCH)

    def _high(self, *, dry_run: bool) -> UUID:
        high = first_at(timezone.now() - timedelta(days=self.days))
        if not self.waits_for_part:
            return high
        begin = partitions.begin_of_part(high)
        # What is to be dropped goes as well, in its own way.
        return begin if dry_run else min(begin, dropping.first_to_go())

    def _mark(self) -> RetentionMark:
        about = " ".join(map(str, sorted(self.but_of)))
        mark = RetentionMark.objects.filter(pk=self.name).first() if self.is_marked else None
        if mark is None or mark.about != about:
            return RetentionMark(rule=self.name, about=about, upto=LOWEST)
        return mark

    def _found(self, low: UUID, high: UUID, rows: int) -> list[Execution]:
        columns = ("id", "client_id", "status", "outcome", "store", "unkept_bytes")
        return list(Range(self._values(), low, high).of(Execution.objects.only(*columns))[:rows])

    def _values(self) -> dict[str, object]:
        if self.outcome:
            is_refused = self.outcome == Status.REJECTED
            status = Status.REJECTED if is_refused else Status.FINISHED
            return {"status": status, "outcome": "" if is_refused else self.outcome}
        return {"client_id": self.client_id} if self.client_id else {}

    def _change(self, found: Sequence[Execution], *, dry_run: bool) -> int:
        mine = [row for row in found if row.client_id not in self.but_of and row.status not in OPEN]
        if self.contents:
            mine = [row for row in mine if row.store == Store.ALL and row.unkept_bytes is None]
        ids = [row.pk for row in mine]
        if dry_run or not ids:
            return len(ids)
        changed = _empty(ids) if self.contents else _delete(ids)
        packing.settle()
        return changed


def rules() -> list[Rule]:
    """Those that hold now: what goes first, first."""
    own = Client.objects.exclude(retention_days=None, contents_days=None).order_by("pk")
    days = [(client.pk, client.contents_days, client.retention_days) for client in own]
    found: list[Rule] = []
    for contents, usual, place in ((True, settings.GEXEC_CONTENTS_DAYS, 1), (False, settings.GEXEC_RETENTION_DAYS, 2)):
        what = "contents" if contents else "executions"
        theirs = {each[0]: int(each[place]) for each in days if each[place] is not None}
        found += [Rule(f"{what} of {pk}", set_, contents, client_id=pk) for pk, set_ in theirs.items() if set_]
        if usual:
            found.append(Rule(what, usual, contents, but_of=tuple(theirs), waits_for_part=not contents))
    return found + [Rule(f"with outcome {name}", set_, outcome=name) for name, set_ in outcome_days().items()]


def outcome_days() -> dict[str, int]:
    """GEXEC_OUTCOME_DAYS, by outcome. Raises ValueError where it is none."""
    pairs = (text.partition("=") for text in settings.GEXEC_OUTCOME_DAYS)
    return {name.strip(): int(days) for name, _, days in pairs}


def carry_out(stop: Stop) -> int:
    """Do what the rules say until nothing is left or `stop` is set, half of the time at most; how many rows it was."""
    _forget_batches(stop)
    changed = dropping.drop_old(stop)
    for rule in rules():
        began = time.monotonic()
        for passed in rule.carry_out():
            changed += passed.changed
            release_connection()
            if stop.wait(time.monotonic() - began):
                return changed
            began = time.monotonic()
    return changed


def _forget_batches(stop: Stop) -> None:
    """Batches, whose executions go one by one."""
    if not settings.GEXEC_RETENTION_DAYS:
        return
    old = Batch.objects.filter(created_at__lt=timezone.now() - timedelta(days=settings.GEXEC_RETENTION_DAYS))
    while ids := list(old.order_by("id").values_list("pk", flat=True)[:_BATCHES_AT_ONCE]):
        Batch.objects.filter(pk__in=ids).delete()
        if stop.is_set():
            return


def _delete(ids: Sequence[UUID]) -> int:
    """Their messages of webhooks go as well, which have pieces of them."""
    announcements.take_back(ids)
    return Execution.objects.filter(pk__in=ids).exclude(status__in=OPEN)._raw_delete("default")


def _empty(ids: Sequence[UUID]) -> int:
    """Take out of them what is large; where it stood says that it did, as where a client wanted none of it kept."""
    announcements.take_back(ids)
    changed = 0
    for row in Execution.objects.filter(pk__in=ids, store=Store.ALL).only("id", *_CONTENTS):
        fields: dict[str, Any] = {"steps": row.steps, "tests": row.tests, "artifacts": row.artifacts}
        kept = emptied(row, fields) | {"store": Store.EXPIRED}
        changed += Execution.objects.filter(pk=row.pk).exclude(status__in=OPEN).update(**kept)
    packing.pack(ids)
    return changed
