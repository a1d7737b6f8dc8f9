"""What is done to a language, as rows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from languages.models.language import Language
from rest.ids import uuid7


class TaskKind(models.TextChoices):
    """What an operator may have done to a language. Installing is building or pulling, testing and enabling in one."""

    BUILD = "build", "Build"
    PULL = "pull", "Pull"
    TEST = "test", "Test"
    INSTALL = "install", "Install"


class TaskStatus(models.TextChoices):
    """Where a task is in its life. `lost`: its server process has ended before it."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"


class LanguageTask(models.Model):
    """What is being done to a language, and how far it has come. Only languages.tasks writes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    language = models.ForeignKey(Language, on_delete=models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=8, choices=TaskKind.choices)
    status = models.CharField(max_length=10, choices=TaskStatus.choices, default=TaskStatus.RUNNING)
    done = models.PositiveIntegerField(default=0, help_text="Steps or self-tests that are behind it.")
    total = models.PositiveIntegerField(default=0, help_text="Of how many; 0: not known.")
    headline = models.TextField(blank=True, default="", help_text="What it is at.")
    log = models.TextField(blank=True, default="", help_text="The end of what it said.")
    verdicts = models.JSONField(blank=True, default=list, help_text="One object for each self-test that was run.")
    error = models.TextField(blank=True, default="")
    image_digest = models.CharField(max_length=100, blank=True, default="")
    started_by = models.CharField(max_length=150, blank=True, default="")
    worker = models.UUIDField(help_text="The server process that is at it.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["language"], condition=Q(status=TaskStatus.RUNNING), name="language_task_one_at_a_time"
            ),
            models.CheckConstraint(
                name="language_task_finished_when_not_running",
                condition=Q(status=TaskStatus.RUNNING, finished_at__isnull=True)
                | (Q(status__in=TaskStatus.values, finished_at__isnull=False) & ~Q(status=TaskStatus.RUNNING)),
            ),
            models.CheckConstraint(
                name="language_task_error_tells_why",
                condition=Q(status__in=[TaskStatus.RUNNING, TaskStatus.SUCCEEDED], error="")
                | (Q(status__in=[TaskStatus.FAILED, TaskStatus.LOST]) & ~Q(error="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.language_id}: {self.status}"
