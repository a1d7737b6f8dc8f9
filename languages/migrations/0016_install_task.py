"""Installing is a kind of task: build or pull, test and enable in one."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0015_excused_cases")]
    operations: ClassVar = [
        migrations.AlterField(
            "languagetask",
            "kind",
            models.CharField(
                choices=[("build", "Build"), ("pull", "Pull"), ("test", "Test"), ("install", "Install")], max_length=8
            ),
        )
    ]
