"""The paths of webhooks, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from webhooks.api import DeliveriesView, ResendView, RotateView, SecretView, TestView, WebhooksView, WebhookView

urlpatterns = [
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/secret", SecretView.as_view(), name="webhooks-secret"),
    path("webhooks/deliveries", DeliveriesView.as_view(), name="webhooks-deliveries"),
    path("webhooks/deliveries/<uuid:delivery_id>/resend", ResendView.as_view(), name="webhooks-resend"),
    path("webhooks/<uuid:webhook_id>", WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/rotate", RotateView.as_view(), name="webhook-rotate"),
    path("webhooks/<uuid:webhook_id>/test", TestView.as_view(), name="webhook-test"),
    path("webhooks/<uuid:webhook_id>/deliveries", DeliveriesView.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/resend", ResendView.as_view(), name="webhook-resend"
    ),
]
