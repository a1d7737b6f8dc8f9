"""What is done to languages: the table of the executions' application, moved here by its migration 0005."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import rest.ids


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("languages", "0004_start_ahead"),
        ("executions", "0005_rows_move_to_their_rooms"),
    ]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="LanguageTask",
                    fields=[
                        (
                            "id",
                            models.UUIDField(default=rest.ids.uuid7, editable=False, primary_key=True, serialize=False),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("build", "Build"), ("pull", "Pull"), ("test", "Test")], max_length=8
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("running", "Running"),
                                    ("succeeded", "Succeeded"),
                                    ("failed", "Failed"),
                                    ("lost", "Lost"),
                                ],
                                default="running",
                                max_length=10,
                            ),
                        ),
                        (
                            "done",
                            models.PositiveIntegerField(default=0, help_text="Steps or self-tests that are behind it."),
                        ),
                        ("total", models.PositiveIntegerField(default=0, help_text="Of how many; 0: not known.")),
                        ("headline", models.TextField(blank=True, default="", help_text="What it is at.")),
                        ("log", models.TextField(blank=True, default="", help_text="The end of what it said.")),
                        (
                            "verdicts",
                            models.JSONField(
                                blank=True, default=list, help_text="One object for each self-test that was run."
                            ),
                        ),
                        ("error", models.TextField(blank=True, default="")),
                        ("image_digest", models.CharField(blank=True, default="", max_length=100)),
                        ("started_by", models.CharField(blank=True, default="", max_length=150)),
                        ("worker", models.UUIDField(help_text="The server process that is at it.")),
                        ("started_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "language",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tasks",
                                to="languages.language",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status", "running")),
                                fields=("language",),
                                name="language_task_one_at_a_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("finished_at__isnull", True), ("status", "running")),
                                    models.Q(
                                        ("finished_at__isnull", False),
                                        ("status__in", ["running", "succeeded", "failed", "lost"]),
                                        models.Q(("status", "running"), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="language_task_finished_when_not_running",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("error", ""), ("status__in", ["running", "succeeded"])),
                                    models.Q(
                                        ("status__in", ["failed", "lost"]), models.Q(("error", ""), _negated=True)
                                    ),
                                    _connector="OR",
                                ),
                                name="language_task_error_tells_why",
                            ),
                        ],
                    },
                ),
            ]
        )
    ]
