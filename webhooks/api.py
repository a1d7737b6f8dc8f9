"""/api/v1/webhooks: where a client wants to be told what has happened, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from clients.api import OfAClient, caller_of
from clients.rights import Right
from rest.exceptions import Refusal
from rest.fields import Text
from rest.lists import PARAMETERS, page_of
from rest.openapi import LIST_PARAMETERS, list_of
from rest.times import TimeField
from rest.unknown import StrictSerializer, parameters_in
from webhooks import services
from webhooks.models import Attempt, Delivery, Endpoint, Event, State
from webhooks.targets import MAX_CHARACTERS, BadTarget

MAX_SHOWN = 20
"""Tries of one delivery, the last ones; there are more where it was sent again by hand."""


class NewWebhookSerializer(StrictSerializer):
    """An address, and what it wants to be told."""

    url = Text(max_length=MAX_CHARACTERS, trim_whitespace=False, help_text="https://…")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.values),
        min_length=1,
        max_length=len(Event.values),
        help_text="What it is told of.",
    )


class WebhookSerializer(serializers.Serializer[Endpoint]):
    """A webhook. Its secret is told once, in the answer that made it."""

    object = serializers.CharField(default="webhook", read_only=True, help_text="Always `webhook`.")
    id = serializers.UUIDField(read_only=True, help_text="By which it is found again.")
    url = serializers.CharField(read_only=True, help_text="Where it listens.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.values), read_only=True, help_text="What it is told of."
    )
    created_at = TimeField(read_only=True, help_text="When it was made.")
    failing_since = TimeField(read_only=True, allow_null=True, help_text="Nothing was delivered since; null: it was.")
    disabled_at = TimeField(read_only=True, allow_null=True, help_text="It is told nothing since; null: it is.")
    disabled_reason = serializers.CharField(read_only=True, help_text="Why; empty where it is not disabled.")


class MadeWebhookSerializer(WebhookSerializer):
    """A webhook with its secret."""

    secret = serializers.CharField(read_only=True, help_text="whsec_ and base64.")


class SecretSerializer(serializers.Serializer[Any]):
    """The secret with which is signed what goes to addresses that requests name."""

    object = serializers.CharField(default="webhook_secret", read_only=True, help_text="Always `webhook_secret`.")
    secret = serializers.CharField(help_text="whsec_ and base64.")


class AttemptSerializer(serializers.Serializer[Attempt]):
    """One try."""

    at = TimeField(help_text="When it began.")
    status = serializers.IntegerField(allow_null=True, help_text="Null: no answer came.")
    ms = serializers.IntegerField(help_text="How long it took.")
    error = serializers.CharField(help_text="Why it failed, where that is not its status.")
    answer = serializers.CharField(help_text="How the answer began.")


class DeliverySerializer(serializers.Serializer[Delivery]):
    """One message to one address, and what came of each try."""

    object = serializers.CharField(default="delivery", read_only=True, help_text="Always `delivery`.")
    id = serializers.UUIDField(read_only=True, help_text="By which it is found again.")
    message_id = serializers.CharField(read_only=True, help_text="What the receiver gets as webhook-id.")
    webhook = serializers.UUIDField(
        source="endpoint_id", read_only=True, allow_null=True, help_text="Null: a request named the address itself."
    )
    url = serializers.CharField(read_only=True, help_text="Where it goes.")
    event = serializers.CharField(read_only=True, help_text="What has happened.")
    status = serializers.ChoiceField(
        source="state", choices=State.values, read_only=True, help_text="Whether it has arrived."
    )
    attempts = serializers.SerializerMethodField(help_text="status, ms, error and how the answer began, of each try.")
    next_attempt_at = serializers.SerializerMethodField(help_text="Null: none comes.")
    created_at = TimeField(read_only=True, help_text="When it was made.")
    ended_at = TimeField(read_only=True, allow_null=True, help_text="When it was settled; null: it is not.")

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, delivery: Delivery) -> Any:
        """The last ones."""
        return [AttemptSerializer(each).data for each in list(delivery.log.all())[-MAX_SHOWN:]]

    @extend_schema_field(TimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: Delivery) -> Any:
        return TimeField().to_representation(delivery.next_at) if delivery.state == State.PENDING else None


class WebhooksEndpoint(OfAClient):
    """For keys that may see all that their client's executions bring: a webhook is told that."""

    rights: ClassVar = dict.fromkeys(("GET", "HEAD", "POST", "DELETE"), Right.SEE_HIDDEN)

    def webhook(self, request: Request, webhook_id: UUID) -> Endpoint:
        """The caller's webhook of this id. NotFound."""
        found = Endpoint.objects.filter(client_id=caller_of(request).client_id, pk=webhook_id).first()
        if found is None:
            raise NotFound("this client has no such webhook")
        return found


class WebhooksView(WebhooksEndpoint):
    """All webhooks of the client."""

    http_method_names = ["get", "head", "post"]

    @extend_schema(
        summary="List webhooks, newest first",
        parameters=LIST_PARAMETERS,
        responses={200: OpenApiResponse(list_of({"$ref": "#/components/schemas/Webhook"}), "A page.")},
    )
    def get(self, request: Request) -> Response:
        """A page of them."""
        parameters_in(request, serializers.Serializer, also=PARAMETERS)
        rows = Endpoint.objects.filter(client_id=caller_of(request).client_id)
        return Response(page_of(rows, request, represent=_webhook))

    @extend_schema(
        summary="Make a webhook",
        request=NewWebhookSerializer,
        responses={201: OpenApiResponse(MadeWebhookSerializer, "Its secret is told here alone.")},
    )
    def post(self, request: Request) -> Response:
        """Make one; the answer alone has its secret."""
        asked = NewWebhookSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        caller, url = caller_of(request), asked.validated_data["url"]
        try:
            services.check_url(caller, url)
            events = list(dict.fromkeys(asked.validated_data["events"]))
            made = services.create(caller.client_id, url=url, events=events)
        except BadTarget as exc:
            raise serializers.ValidationError({"url": [ErrorDetail(str(exc), code="invalid")]}) from None
        except services.TooMany:
            message = f"a client may have {services.MAX_ENDPOINTS} webhooks"
            raise Refusal(message, status=429, code="quota_exceeded") from None
        headers = {"Location": f"{request.path}/{made.pk}"}
        return Response(_webhook(made) | {"secret": made.secret}, status=201, headers=headers)


class WebhookView(WebhooksEndpoint):
    """One webhook."""

    http_method_names = ["get", "head", "delete"]

    @extend_schema(summary="One webhook", responses={200: OpenApiResponse(WebhookSerializer, "As it is now.")})
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """As it is."""
        return Response(_webhook(self.webhook(request, webhook_id)))

    @extend_schema(summary="Delete a webhook", responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Take it away, with what waits to be sent to it."""
        self.webhook(request, webhook_id).delete()
        return Response(status=204)


class RotateView(WebhooksEndpoint):
    """A new secret."""

    http_method_names = ["post"]

    @extend_schema(
        summary="Change its secret",
        request=None,
        responses={200: OpenApiResponse(MadeWebhookSerializer, "With the new secret.")},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Make it; for 24 hours each message has signatures of both."""
        webhook = self.webhook(request, webhook_id)
        return Response(_webhook(webhook) | {"secret": services.rotate(webhook)})


class SecretView(WebhooksEndpoint):
    """The secret for addresses that requests name themselves (`webhook_url`)."""

    http_method_names = ["post"]

    @extend_schema(
        summary="Change the client's own secret",
        request=None,
        responses={200: OpenApiResponse(SecretSerializer, "The new secret.")},
    )
    def post(self, request: Request) -> Response:
        """Make a new one; for 24 hours each message has signatures of both."""
        return Response({"object": "webhook_secret", "secret": services.default_secret(caller_of(request).client_id)})


class TestView(WebhooksEndpoint):
    """A message that says nothing."""

    http_method_names = ["post"]

    @extend_schema(
        summary="Send a test", request=None, responses={202: OpenApiResponse(DeliverySerializer, "It is on its way.")}
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send it at once."""
        webhook = self.webhook(request, webhook_id)
        return Response(_delivery(services.send_test(webhook)), status=202)


class DeliveriesView(WebhooksEndpoint):
    """What was sent to one webhook, or to all of the client's, and to addresses of its requests."""

    http_method_names = ["get", "head"]

    @extend_schema(
        summary="List deliveries, newest first",
        parameters=LIST_PARAMETERS,
        responses={200: OpenApiResponse(list_of({"$ref": "#/components/schemas/Delivery"}), "A page.")},
    )
    def get(self, request: Request, webhook_id: UUID | None = None) -> Response:
        """A page of it."""
        parameters_in(request, serializers.Serializer, also=PARAMETERS)
        rows = _deliveries(request, webhook_id).defer("body").prefetch_related("log")
        if webhook_id is not None:
            self.webhook(request, webhook_id)
        return Response(page_of(rows, request, represent=_delivery))


class ResendView(WebhooksEndpoint):
    """A delivery once more."""

    http_method_names = ["post"]

    @extend_schema(
        summary="Send a delivery again",
        request=None,
        responses={202: OpenApiResponse(DeliverySerializer, "It is on its way.")},
    )
    def post(self, request: Request, delivery_id: UUID, webhook_id: UUID | None = None) -> Response:
        """Send it at once, with the same message id."""
        delivery = _deliveries(request, webhook_id).filter(pk=delivery_id).first()
        if delivery is None:
            raise NotFound("this client has no such delivery")
        services.resend(delivery)
        delivery.refresh_from_db()
        return Response(_delivery(delivery), status=202)


def _deliveries(request: Request, webhook_id: UUID | None) -> QuerySet[Delivery]:
    rows = Delivery.objects.filter(client_id=caller_of(request).client_id)
    return rows if webhook_id is None else rows.filter(endpoint_id=webhook_id)


def _webhook(endpoint: Endpoint) -> dict[str, Any]:
    return dict(WebhookSerializer(endpoint).data)


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return dict(DeliverySerializer(delivery).data)
