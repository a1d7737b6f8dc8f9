"""The rows: clients, the keys that they call with, and what they have used."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from clients.options import ClientOptions, range_constraints
from clients.rights import USUAL, Right
from rest.display import check_name
from rest.ids import uuid7


def usual_rights() -> list[str]:
    """Those of a key that was made without saying which."""
    return [right.value for right in USUAL]


class Client(ClientOptions):
    """A tenant: what it submits is visible to its own keys alone, and its shares are those of all its keys together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = range_constraints(ClientOptions)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        check_name(self.name)


class Key(models.Model):
    """A key of a client. Its secret is not here: `digest` is what it is known by."""

    prefix = models.CharField(max_length=16, unique=True, help_text="Its public part.")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=50)
    digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="SHA-256 of the key, in hexadecimal. Empty: a key from before clients, whose hash stands elsewhere.",
    )
    rights = ArrayField(
        models.CharField(max_length=16, choices=[(right.value, right.value) for right in Right]),
        default=usual_rights,
        blank=True,
    )
    publishable = models.BooleanField(
        default=False, help_text="For web pages: only from the client's origins, with low caps, for its own executions."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To the minute: see clients.last_used."
    )

    class Meta:
        ordering: ClassVar = ["prefix"]

    def __str__(self) -> str:
        return f"{self.prefix} ({self.name})"

    def clean(self) -> None:
        check_name(self.name)


class Usage(models.Model):
    """What one key of a client has used on one day (UTC), by language, door and outcome.

    As far as it is rolled up (executions.totals); clients.usage adds what has ended since. Shards other than 0 are of
    the time in which each session of the database added to rows of its own.
    """

    client_id = models.UUIDField("client", help_text="It stays when the client goes: so does the execution.")
    day = models.DateField()
    key = models.CharField(max_length=64, help_text="The key's prefix.")
    language = models.CharField(max_length=64, blank=True)
    door = models.CharField(max_length=16)
    outcome = models.CharField(max_length=16, help_text="Or `rejected`.")
    shard = models.SmallIntegerField()
    executions = models.BigIntegerField(default=0)
    cpu_ms = models.FloatField("CPU time (ms)", default=0.0)
    wall_ms = models.FloatField("wall time (ms)", default=0.0)
    stored_bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            # Its index serves every question: all of them are about one client and a range of days.
            models.UniqueConstraint(
                fields=["client_id", "day", "key", "language", "door", "outcome", "shard"], name="client_usage_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client_id} on {self.day}: {self.executions}"
