"""What a client has used, day by day, from the rows that a trigger on the executions keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Sum

from clients.models import Usage

GROUPS = ("day", "language", "key", "outcome", "door")
SUMS = ("executions", "cpu_ms", "wall_ms", "stored_bytes")
MAX_GROUPS = 10_000
MAX_TAGGED = 20_000
"""Executions that are looked at for the sums of a tag: half a second."""

Row = Mapping[str, Any]
ByTag = Callable[[UUID, date, date, str, Sequence[str]], list[Row] | None]


def by_groups(client_id: UUID, first: date, last: date, groups: Sequence[str]) -> list[Row]:
    """The sums of each group between two days, both included, in the order of the groups; at most MAX_GROUPS + 1."""
    rows = Usage.objects.filter(client_id=client_id, day__gte=first, day__lte=last)
    sums = {name: Sum(name) for name in SUMS}
    if not groups:
        whole = rows.aggregate(**sums)
        return [{name: whole[name] or 0 for name in SUMS}]
    # A sum cannot be named as its column where that is grouped with others, and here it need not be.
    return list(rows.order_by().values(*groups).annotate(**sums).order_by(*groups)[: MAX_GROUPS + 1])


def _nobody(_client: UUID, _first: date, _last: date, _tag: str, _groups: Sequence[str]) -> list[Row] | None:
    return []


_by_tag: ByTag = _nobody


def tagged_by(count: ByTag) -> None:
    """`count` groups by the values of a tag: the rows are another room's, which says here how they are counted."""
    global _by_tag  # noqa: PLW0603 (said once, when the applications are loaded)
    _by_tag = count


def by_tag(client_id: UUID, first: date, last: date, tag: str, groups: Sequence[str]) -> list[Row] | None:
    """As `by_groups`, with the tag's value as `tag` first, of the executions that are still there.

    None where more than MAX_TAGGED of them have the tag.
    """
    return _by_tag(client_id, first, last, tag, groups)
