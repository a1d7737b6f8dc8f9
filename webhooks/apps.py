"""Webhooks: telling clients, by a request to an address of theirs, what has happened."""

from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"
