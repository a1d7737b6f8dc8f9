"""Deleting snippets that nobody has looked at for long: in small batches, beside the requests."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from periodic.tasks import Stop
from rest.connections import release_connection
from snippets.models import Snippet

_AT_ONCE = 500


def carry_out(stop: Stop) -> int:
    """Delete them until none is left or `stop` is set; how many that were."""
    deleted = 0
    while settings.GEXEC_SNIPPET_DAYS and not stop.is_set():
        over = Snippet.objects.filter(viewed_at__lt=timezone.now() - timedelta(days=settings.GEXEC_SNIPPET_DAYS))
        ids = list(over.order_by("viewed_at").values_list("pk", flat=True)[:_AT_ONCE])
        # Looked at again: one that somebody has just viewed stays.
        done, _ = over.filter(pk__in=ids).delete()
        deleted += done
        release_connection()
        if not ids:
            break
    return deleted
