"""Counters of the rate limit: the table of the executions' application, moved here by its migration 0005."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar = [
        ("executions", "0005_rows_move_to_their_rooms"),
    ]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Counter",
                    fields=[
                        ("key", models.CharField(max_length=250, primary_key=True, serialize=False)),
                        ("value", models.BigIntegerField()),
                        ("expires_at", models.DateTimeField(db_index=True)),
                    ],
                ),
            ]
        )
    ]
