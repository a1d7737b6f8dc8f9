"""The rows: programs that are stored for whoever has their link."""

from __future__ import annotations

import secrets
import string
from typing import ClassVar

from django.db import models
from django.utils import timezone

from clients.models import Client

ID_LETTERS = 12
_LETTERS = string.digits + string.ascii_letters


def new_id() -> str:
    """Twelve letters of base 62: 71 random bits, which nobody finds by trying."""
    return "".join(secrets.choice(_LETTERS) for _ in range(ID_LETTERS))


class Snippet(models.Model):
    """A program, as it was when it was stored: it never changes."""

    id = models.CharField(primary_key=True, max_length=ID_LETTERS, default=new_id, editable=False)
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.CASCADE, related_name="snippets")
    caller = models.CharField(
        max_length=100, db_collation="C", db_index=True, help_text="Whose share it counts for: a client or an address."
    )
    language_slug = models.CharField("language", max_length=64)
    program = models.JSONField(help_text="Its files, stdin, args and tests.")
    bytes = models.PositiveIntegerField()
    is_blocked = models.BooleanField(
        "blocked", default=False, help_text="Nobody is shown it; it stays for the operator to look at."
    )
    created_at = models.DateTimeField(default=timezone.now)
    viewed_at = models.DateTimeField(default=timezone.now, db_index=True, help_text="To the day.")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="snippets_by_time")]

    def __str__(self) -> str:
        return self.id
