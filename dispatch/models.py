"""The rows of server processes."""

from __future__ import annotations

from django.db import models


class Worker(models.Model):
    """A server process, as long as it lives; its heartbeat keeps `seen_at` fresh.

    It stands for a process that gunicorn forked; how that process serves is another Worker, serve.worker's class.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    hostname = models.CharField(max_length=255)
    pid_namespace = models.CharField(max_length=64, help_text="Within which the pid means anything.")
    pid = models.IntegerField()
    pid_started = models.BigIntegerField(help_text="Start time from /proc/<pid>/stat: a pid may be used again.")
    seen_at = models.DateTimeField()
    state = models.JSONField(default=dict, db_default={}, help_text="How much it can run, runs and has waiting.")

    def __str__(self) -> str:
        return f"{self.hostname}:{self.pid}"
