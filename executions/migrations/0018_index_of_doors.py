"""Indexes by door: of what did not come through POST /execute, and of each client; built while others write."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_ALL = "execution_by_door"
_OF_CLIENT = "execution_client_by_door"


def _dropped(name: str) -> migrations.RunSQL:
    """A build that was broken off leaves one that is not valid."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0017_batches_that_have_ended")]
    operations: ClassVar = [
        _dropped(_ALL),
        AddIndexConcurrently("execution", models.Index(fields=["door", "id"], name=_ALL, condition=~Q(door="execute"))),
        _dropped(_OF_CLIENT),
        AddIndexConcurrently(
            "execution",
            models.Index(fields=["client_id", "door", "id"], name=_OF_CLIENT, condition=Q(client_id__isnull=False)),
        ),
    ]
