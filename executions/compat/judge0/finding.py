"""Submissions by their tokens, and those of one client in pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from executions.compat.judge0.results import Attributes
from executions.doors import Door
from executions.models import CompatToken

_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""As tokens are made; whatever else may stand there is none."""


class Page(NamedTuple):
    """Some submissions, newest first, and how many there are."""

    found: list[CompatToken]
    total: int


def found(token: str) -> CompatToken | None:
    """The submission of this token, whoever asks."""
    return _by([token]).get(token)


def all_found(tokens: Iterable[str]) -> dict[str, Attributes]:
    """Those of these tokens that there are."""
    return {token: attributes(each) for token, each in _by(tokens).items()}


def attributes(submission: CompatToken) -> Attributes:
    """What it tells."""
    return Attributes(submission, submission.execution)


def of_client(client_id: UUID) -> QuerySet[CompatToken]:
    """All of a client, newest first."""
    return CompatToken.objects.filter(client_id=client_id, door=Door.JUDGE0.value).order_by("-execution_id")


def page_of(client_id: UUID, number: int, size: int) -> Page:
    """The page of this number, from 1 on."""
    rows = of_client(client_id)
    total = rows.count()
    begins = (number - 1) * size
    if not size or begins >= total:
        return Page([], total)
    return Page(list(rows.select_related("execution")[begins : begins + size]), total)


def _by(tokens: Iterable[str]) -> dict[str, CompatToken]:
    wanted = [UUID(token) for token in tokens if _TOKEN.fullmatch(token)]
    rows = CompatToken.objects.filter(token__in=wanted, door=Door.JUDGE0.value).select_related("execution")
    return {str(each.token): each for each in rows}
