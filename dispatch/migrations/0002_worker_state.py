"""How each server process stands, so that any of them can tell of all."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("dispatch", "0001_worker")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="worker",
            name="state",
            field=models.JSONField(db_default={}, default=dict, help_text="How much it can run, runs and has waiting."),
        ),
    ]
