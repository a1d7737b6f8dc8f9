"""The rows of the rate limit, and of what is counted in memory."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """One window of one client in the rate limit. The table is unlogged: a crash of the database empties it."""

    key = models.CharField(max_length=250, primary_key=True)
    value = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class Observation(models.Model):
    """What was counted in memory by all server processes: see rest.observed."""

    series = models.CharField(max_length=250, primary_key=True, help_text="A JSON list: a name, and values of labels.")
    value = models.FloatField()

    def __str__(self) -> str:
        return self.series
