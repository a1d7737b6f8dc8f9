"""The rows: contents, which are stored once whoever sent them, and the files that each client has of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from clients.models import Client
from rest.ids import uuid7


class Content(models.Model):
    """Bytes that somebody sent. One without a digest is still coming, or its sender is gone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True, null=True, editable=False, help_text="SHA-256, hexadecimal.")  # noqa: DJ001 (of those without one there are many)
    bytes = models.BigIntegerField(default=0)
    touched_at = models.DateTimeField(
        db_default=Now(), db_index=True, help_text="When it came, and when a client's file of it came or went last."
    )

    class Meta:
        verbose_name = "content"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(bytes__gte=0), name="files_content_bytes_not_negative")
        ]

    def __str__(self) -> str:
        return self.digest or f"{self.pk} (not whole)"


class Piece(models.Model):
    """A part of a content. All but the last are of one size, see files.contents."""

    pk = models.CompositePrimaryKey("content", "number")
    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.IntegerField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.content_id}/{self.number}"


class HadManager(models.Manager["File"]):
    """Those that their clients have, without those that were deleted."""

    def get_queryset(self) -> models.QuerySet[File]:
        return super().get_queryset().filter(deleted_at=None)


class File(models.Model):
    """That a client has a content. Only through such a row is it seen: what others have is unknown to it."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="files", db_index=False)
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="files")
    digest = models.CharField(max_length=64, help_text="The content's, so that a look by client and digest is one.")
    bytes = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now, db_index=True)
    deleted_at = models.DateTimeField(
        null=True, editable=False, help_text="The client has it no more; its bytes go a little later."
    )

    objects = models.Manager()
    had: ClassVar[HadManager] = HadManager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "digest"], include=["bytes"], name="files_file_once_a_client")
        ]
        indexes: ClassVar = [
            models.Index(fields=["deleted_at"], condition=models.Q(deleted_at__isnull=False), name="files_file_deleted")
        ]

    def __str__(self) -> str:
        return f"sha256:{self.digest}"


class Alias(models.Model):
    """Another name by which a client knows a file, such as an id that it chose itself."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+", db_index=False)
    namespace = models.CharField(max_length=32)
    alias = models.CharField(max_length=255)
    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name_plural = "aliases"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "namespace", "alias"], name="files_alias_once_a_client")
        ]

    def __str__(self) -> str:
        return f"{self.namespace}:{self.alias}"


class ClientFiles(Client):
    """A client, as far as its files go."""

    class Meta:
        proxy = True
        verbose_name_plural = "files by client"
