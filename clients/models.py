"""The rows: clients, and the keys that they call with."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from clients.rights import USUAL, Right
from rest.ids import uuid7


def usual_rights() -> list[str]:
    """Those of a key that was made without saying which."""
    return [right.value for right in USUAL]


class Client(models.Model):
    """A tenant: what it submits is visible to its own keys alone, and its shares are those of all its keys together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


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
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["prefix"]

    def __str__(self) -> str:
        return f"{self.prefix} ({self.name})"
