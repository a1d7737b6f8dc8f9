"""The rows: when each periodic task ran last, and what came of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from periodic.tasks import MAX_NAME


class PeriodicTask(models.Model):
    """How a task stands. Its moments are the database's, so that the clocks of hosts need not agree."""

    name = models.CharField(max_length=MAX_NAME, primary_key=True)
    next_at = models.DateTimeField("next run", db_default=Now())
    began_at = models.DateTimeField("last run", null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it runs.")
    ran_in = models.CharField("process", max_length=300, blank=True, default="", db_default="")
    took_ms = models.FloatField("duration (ms)", null=True, blank=True)
    done = models.BigIntegerField(default=0, db_default=0, help_text="How much the last run found to do.")
    runs = models.BigIntegerField(default=0, db_default=0)
    error = models.TextField("last error", blank=True, default="", db_default="")
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def has_failed(self) -> bool:
        """Whether the last run that ended did so with its error."""
        return self.failed_at is not None and self.failed_at == self.ended_at
