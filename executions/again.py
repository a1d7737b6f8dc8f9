"""Running an execution again, by hand: which can be, and what has come of one.

Theory of operation. The program stays whose it was: the new row is its client's, with the same tags, so that what the
client erases, and what is kept no longer, takes it along. It comes through a door of its own, with no key, counts for
no quota, and no webhook tells of it: to a platform it is no submission. `again_of` and `again_by` in its job say what
it is. What is run is the job of the row, word for word: the same image, commands and limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from clients.models import Client
from executions.doors import Door
from executions.jobs import is_talked_to
from executions.models import OPEN, Execution, Store
from executions.ranges import Range
from languages.models import Language

OF, BY = "again_of", "again_by"
"""In a job: the id of the execution, and the name of the user."""
SHOWN = 5


def _has_no_language(execution: Execution) -> bool:
    return not Language.objects.filter(slug=execution.language_slug, enabled=True).exists()


def _has_no_client(execution: Execution) -> bool:
    client_id = execution.client_id
    return client_id is not None and not Client.objects.filter(pk=client_id, enabled=True).exists()


_REASONS: Mapping[str, Callable[[Execution], bool]] = {
    "It has not ended yet.": lambda row: row.status in OPEN,
    "There is nothing to run: what was sent was refused, or is not kept.": lambda row: not row.job.get("files"),
    "What was sent is not kept.": lambda row: row.unkept_bytes is not None or row.store != Store.ALL,
    "Its client talked to it while it ran.": lambda row: is_talked_to(row.job),
    "Its language is not enabled.": _has_no_language,
    "Its client is disabled, or gone.": _has_no_client,
}


def why_not(execution: Execution) -> str:
    """Why it cannot be run again; empty where it can."""
    return next((why for why, is_so in _REASONS.items() if is_so(execution)), "")


def of_whom(execution: Execution) -> tuple[UUID, str] | None:
    """Which execution this one runs again, and who wanted that; None: it was submitted."""
    job: Mapping[str, Any] = execution.job
    return (UUID(job[OF]), str(job.get(BY, ""))) if OF in job else None


def runs_of(execution: Execution) -> QuerySet[Execution]:
    """Those that ran it again, the newest first: all of them are younger, and few come through their door."""
    values: dict[str, object] = {"door": Door.ADMIN.value}
    if execution.client_id is not None:
        values["client_id"] = execution.client_id
    rows = Range(values, low=execution.pk).of(Execution.objects.all(), descending=True)
    return rows.filter(**{f"job__{OF}": str(execution.pk)})
