"""Indexes that serve each filter of the admin's list, and two at once, in its order; those that they replace go.

They are built while others write. A build that was interrupted leaves an index that is not valid, and the next try drops
it first, in either direction.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

_ADDED = (
    models.Index(fields=["language_slug", "id"], name="execution_by_language"),
    models.Index(fields=["status", "outcome", "id"], name="execution_by_ending"),
    models.Index(fields=["language_slug", "status", "outcome", "id"], name="execution_by_language_ending"),
)
_REPLACED = ("execution_outcome", "execution_unfinished", "execution_created")


def _drop(name: str) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}"


def _added(index: models.Index) -> list[Operation]:
    return [migrations.RunSQL(_drop(index.name), migrations.RunSQL.noop), AddIndexConcurrently("execution", index)]


def _removed(name: str) -> list[Operation]:
    return [RemoveIndexConcurrently("execution", name), migrations.RunSQL(migrations.RunSQL.noop, _drop(name))]


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0008_language_by_name")]
    operations: ClassVar = [
        *(operation for index in _ADDED for operation in _added(index)),
        *(operation for name in _REPLACED for operation in _removed(name)),
    ]
