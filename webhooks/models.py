"""The rows: addresses of clients, what is to be sent there, and what came of each try."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from clients.models import Client
from rest.ids import uuid7
from webhooks.targets import MAX_CHARACTERS


class Event(models.TextChoices):
    """What can be told."""

    EXECUTION_FINISHED = "execution.finished"
    BATCH_FINISHED = "batch.finished"


TEST_EVENT = "webhook.test"
"""Sent where a client asks for it, to see whether its receiver works."""


CALLBACK_METHOD = "PUT"
"""By which a callback comes of a client that speaks another service's language; our own messages are posted."""


class Signed(models.Model):
    """Whatever is signed for: with its secret, and for a day also with the one before."""

    secret = models.CharField(max_length=64, editable=False)
    old_secret = models.CharField(max_length=64, blank=True, default="", editable=False)
    old_secret_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def secrets(self) -> list[str]:
        """Those to sign with now."""
        old_counts = self.old_secret_until is not None and self.old_secret_until > timezone.now()
        return [self.secret, self.old_secret] if old_counts else [self.secret]


class ClientSecret(Signed):
    """What is signed with where a request names the address itself."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return f"secret of {self.client_id}"


class Endpoint(Signed):
    """An address of a client, and what it wants to be told there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=MAX_CHARACTERS)
    events = ArrayField(models.CharField(max_length=32, choices=Event.choices))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False, help_text="Nothing was delivered since then.")
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)

    class Meta:
        verbose_name = "webhook"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.url


class State(models.TextChoices):
    """Where a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """One message to one address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.UUIDField(help_text="The same for all addresses that are told the same.")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, null=True, related_name="deliveries")
    url = models.CharField(max_length=MAX_CHARACTERS)
    host = models.CharField(max_length=255, help_text="Of the address: one host is not sent to from all threads.")
    method = models.CharField(max_length=4, default="POST")
    event = models.CharField(max_length=32)
    body = models.BinaryField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.IntegerField(default=0, help_text="Since it was made, or sent anew.")
    next_at = models.DateTimeField(default=timezone.now)
    claim = models.UUIDField(null=True, editable=False, help_text="Of the thread that sends it.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["message", "endpoint"],
                condition=Q(endpoint__isnull=False),
                name="webhooks_delivery_once_an_endpoint",
            ),
            models.UniqueConstraint(
                fields=["message", "client", "url"],
                condition=Q(endpoint__isnull=True),
                name="webhooks_delivery_once_a_url",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=Q(state="pending"), name="webhooks_delivery_due"),
            # Those whose receivers are away may be many: nothing that is new is looked for among them.
            models.Index(
                fields=["next_at"], condition=Q(state="pending", attempts=0), name="webhooks_delivery_untried"
            ),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="webhooks_delivery_ended"),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def is_callback(self) -> bool:
        """Whether it is what another service would send, in the way in which that service sends it: not for hours."""
        return self.method == CALLBACK_METHOD

    @property
    def message_id(self) -> str:
        """As the receiver gets it."""
        return message_id(self.message)


class Attempt(models.Model):
    """What came of one try."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    status = models.IntegerField(null=True, help_text="None: there was no answer.")
    ms = models.IntegerField()
    error = models.CharField(max_length=200, blank=True, default="")
    answer = models.CharField(max_length=500, blank=True, default="", help_text="How it began.")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status or self.error}"


def message_id(message: UUID) -> str:
    """The text of it."""
    return f"msg_{message}"
