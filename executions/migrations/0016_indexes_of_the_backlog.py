"""Indexes of what waits to be taken up, in place of the one before; built while others write, as those of the list."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import Q

_IN_BACKLOG = Q(status="queued", background=True, worker__isnull=True)
_ADDED = (
    models.Index(fields=["lane", "caller", "id"], name="execution_backlog", condition=_IN_BACKLOG),
    models.Index(
        fields=["worker"], name="execution_about_to_start", condition=Q(status="queued", worker__isnull=False)
    ),
    models.Index(
        fields=["queue_until"],
        name="execution_backlog_over",
        condition=_IN_BACKLOG & Q(queue_until__isnull=False),
    ),
)
_REPLACED = "execution_to_take_up"


def _drop(name: str) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}"


def _added(index: models.Index) -> list[Operation]:
    return [migrations.RunSQL(_drop(index.name), migrations.RunSQL.noop), AddIndexConcurrently("execution", index)]


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0015_backlog_and_batches")]
    operations: ClassVar = [
        *(operation for index in _ADDED for operation in _added(index)),
        RemoveIndexConcurrently("execution", _REPLACED),
        migrations.RunSQL(migrations.RunSQL.noop, _drop(_REPLACED)),
    ]
