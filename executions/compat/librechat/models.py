"""The rows: files of a session, each under an id that only its caller was told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from clients.models import Client

ID_LENGTH = 21


class SessionFile(models.Model):
    """That a session has a file. Its bytes are a file of the client's, found by their digest."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+", db_index=False)
    session = models.CharField(max_length=ID_LENGTH)
    file = models.CharField(max_length=ID_LENGTH)
    scope = models.CharField(max_length=700, help_text="Of the client's users, or things, whose it is.")
    name = models.CharField(max_length=256, help_text="In the work directory, with folders.")
    digest = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    media_type = models.CharField(max_length=127)
    read_only = models.BooleanField(default=False, help_text="What a program makes of it is not told.")
    brought = models.BooleanField(default=False, help_text="The client had these bytes not before.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "session", "file"], name="librechat_file_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["client", "digest"], name="librechat_file_bytes")]

    def __str__(self) -> str:
        return f"{self.session}/{self.file}"
