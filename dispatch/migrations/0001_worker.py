"""Server processes: the table of the executions' application, moved here by its migration 0005."""

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
                    name="Worker",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("hostname", models.CharField(max_length=255)),
                        (
                            "pid_namespace",
                            models.CharField(help_text="Within which the pid means anything.", max_length=64),
                        ),
                        ("pid", models.IntegerField()),
                        (
                            "pid_started",
                            models.BigIntegerField(
                                help_text="Start time from /proc/<pid>/stat: a pid may be used again."
                            ),
                        ),
                        ("seen_at", models.DateTimeField()),
                    ],
                ),
            ]
        )
    ]
