"""An index by door, of what did not come through POST /execute; built while others write, as those of the list."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_NAME = "execution_by_door"


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0017_batches_that_have_ended")]
    operations: ClassVar = [
        # A build that was broken off leaves one that is not valid.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "execution", models.Index(fields=["door", "id"], name=_NAME, condition=~Q(door="execute"))
        ),
    ]
