"""Webhooks: telling clients, by a request to an address of theirs, what has happened."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import Task, register


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """What is done beside the requests. What is sent for the first time, every process looks for: see
        webhooks.dispatcher.
        """
        from webhooks import attempts, retries  # noqa: PLC0415 (applications must be loaded first)

        register(
            Task(
                "webhooks",
                "deletes webhooks that were delivered or given up days ago",
                600.0,
                attempts.carry_out,
                by_age=True,
            ),
            Task(
                "webhook-retries",
                "sends webhooks that have not arrived again, when their time has come",
                retries.EVERY_S,
                retries.carry_out,
                is_quiet=True,
            ),
        )
