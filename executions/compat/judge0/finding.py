"""Submissions by their tokens, and those of one client in pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Func, IntegerField, OuterRef, QuerySet, Subquery, Sum, TextField
from django.db.models.functions import Cast

from executions.compat.judge0.results import Attributes
from executions.doors import Door
from executions.models import CompatToken, KeptContent

_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""As tokens are made; whatever else may stand there is none."""


MOST_BYTES = 64 * 1024 * 1024
"""Of several submissions in one answer, which the server holds as a whole: twenty that print all they usually may."""
_OF_JOB = frozenset({"source_code", "stdin", "expected_output", "additional_files"})
"""Attributes that are made of what was sent."""
_SENT = ("job", "source", "stdin")


class TooLarge(Exception):
    """They are more together than an answer holds."""


class Page(NamedTuple):
    """Some submissions, newest first, and how many there are."""

    found: list[CompatToken]
    total: int


def found(token: str, names: Collection[str]) -> CompatToken | None:
    """The submission of this token, whoever asks, with what these attributes are made of."""
    return _read(_by([token]), names).first()


def all_found(tokens: Iterable[str], names: Collection[str]) -> dict[str, Attributes]:
    """Those of these tokens that there are. Raises TooLarge."""
    return {str(each.token): attributes(each) for each in _bounded(_by(tokens), names)}


def attributes(submission: CompatToken) -> Attributes:
    """What it tells."""
    return Attributes(submission, submission.execution)


def of_client(client_id: UUID) -> QuerySet[CompatToken]:
    """All of a client, newest first."""
    return CompatToken.objects.filter(client_id=client_id, door=Door.JUDGE0.value).order_by("-execution_id")


def page_of(client_id: UUID, number: int, size: int, names: Collection[str]) -> Page:
    """The page of this number, from 1 on. Raises TooLarge."""
    rows = of_client(client_id)
    total = rows.count()
    begins = (number - 1) * size
    if not size or begins >= total:
        return Page([], total)
    on_page = list(rows.values_list("pk", flat=True)[begins : begins + size])
    return Page(list(_bounded(rows.filter(pk__in=on_page), names)), total)


def _by(tokens: Iterable[str]) -> QuerySet[CompatToken]:
    wanted = [UUID(token) for token in tokens if _TOKEN.fullmatch(token)]
    return CompatToken.objects.filter(token__in=wanted, door=Door.JUDGE0.value)


def _bounded(rows: QuerySet[CompatToken], names: Collection[str]) -> QuerySet[CompatToken]:
    columns = [Sum(_bytes(F("execution__output"))), Sum(_apart("output"))]
    if not _OF_JOB.isdisjoint(names):
        columns += [Sum(_bytes(Cast("execution__job", TextField()))), Sum(_apart("job"))]
    sizes = rows.order_by().aggregate(**{f"size_{number}": column for number, column in enumerate(columns)})
    if sum(size or 0 for size in sizes.values()) > MOST_BYTES:
        raise TooLarge
    return _read(rows, names)


def _read(rows: QuerySet[CompatToken], names: Collection[str]) -> QuerySet[CompatToken]:
    """With their executions, and of these no more than is needed: an archive may be large."""
    rows = rows.select_related("execution")
    return rows.defer(*(f"execution__{name}" for name in _SENT)) if _OF_JOB.isdisjoint(names) else rows


def _apart(column: str) -> Subquery:
    """How much of it stands apart from the row."""
    return Subquery(KeptContent.objects.filter(pk=OuterRef(f"execution__{column}_apart")).values("size"))


def _bytes(column: F | Cast) -> Func:
    return Func(column, function="octet_length", output_field=IntegerField())
