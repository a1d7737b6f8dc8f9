"""A row says how much of what it brought is not kept, because its caller had used up its share of the day."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

HELP = "Of source, input and output, where its caller's share of the day was used up."


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0009_indexes_of_the_list")]
    operations: ClassVar = [
        migrations.AddField("execution", "unkept_bytes", models.BigIntegerField(blank=True, null=True, help_text=HELP)),
    ]
