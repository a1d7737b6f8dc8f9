"""How many executions of a client have not ended: a short range of an index of their own."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Q

from clients.admission import Open
from executions.models import OPEN, Execution, Status

_WAITS = Q(status=Status.QUEUED, background=True)


def open_of(client_id: UUID) -> Open:
    """Those that run or that a request waits for, and those that wait in the background."""
    counts = Execution.objects.filter(client_id=client_id, status__in=OPEN).aggregate(
        running=Count("pk", filter=~_WAITS), queued=Count("pk", filter=_WAITS)
    )
    return Open(counts["running"], counts["queued"])
