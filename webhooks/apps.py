"""Webhooks: telling clients, by a request to an address of theirs, what has happened."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import Task, register


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """What is deleted beside the requests. What is due to be sent, every process looks for: see webhooks.sender."""
        from webhooks import attempts  # noqa: PLC0415 (applications must be loaded first)

        register(
            Task(
                "webhooks",
                "deletes webhooks that were delivered or given up days ago",
                600.0,
                attempts.carry_out,
                by_age=True,
            )
        )
