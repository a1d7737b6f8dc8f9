"""An index of deliveries that have not been tried yet; built while others write."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_NAME = "webhooks_delivery_untried"


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("webhooks", "0001_webhooks")]
    operations: ClassVar = [
        # A build that was broken off leaves one that is not valid.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "delivery", models.Index(fields=["next_at"], condition=Q(state="pending", attempts=0), name=_NAME)
        ),
    ]
