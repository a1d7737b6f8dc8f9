"""That all of a batch has ended: seen once, and told to its client's webhooks in the same transaction.

Whoever ends an execution of a batch looks whether it was the last. Two that end at once may each see the other open,
and a process may end in between: so the sweep looks as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import Error, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from executions.models import OPEN, Batch, Execution
from webhooks import services as webhooks

logger = logging.getLogger(__name__)

FINISHED = "batch.finished"
_AT_ONCE = 100

_told: list[Callable[[Batch], dict[str, Any]]] = []


def told_by(resource: Callable[[Batch], dict[str, Any]]) -> None:
    """Have batches described by this: what the API answers with, which stands above this."""
    _told[:] = [resource]


def look(batch_id: UUID) -> None:
    """Note, and tell, that it has ended, where it has. What goes wrong is for the sweep to do again."""
    try:
        _end(batch_id)
    except Error as error:
        logger.warning("batch %s: the database is away: %s", batch_id, error)


def sweep() -> None:
    """Note all that have ended, some at a time."""
    for batch_id in _ended().values_list("pk", flat=True)[:_AT_ONCE]:
        _end(batch_id)


def _ended() -> Any:
    still_open = Execution.objects.filter(batch_id=OuterRef("pk"), status__in=OPEN)
    return Batch.objects.filter(~Exists(still_open), finished_at=None)


def _end(batch_id: UUID) -> None:
    with transaction.atomic():
        if not _ended().filter(pk=batch_id).update(finished_at=timezone.now()):
            return
        batch = Batch.objects.get(pk=batch_id)
        if batch.client_id is not None and _told:
            webhooks.announce(batch.client_id, FINISHED, _told[0](batch), url=batch.webhook_url or None)
