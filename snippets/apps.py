"""Snippets: programs that are stored for whoever has their link."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import Task, register


class SnippetsConfig(AppConfig):
    name = "snippets"
    verbose_name = "Snippets"

    def ready(self) -> None:
        """What is deleted beside the requests."""
        from snippets import expiry  # noqa: PLC0415 (applications must be loaded first)

        register(
            Task(
                "snippets", "deletes snippets that nobody has looked at for long", 3600.0, expiry.carry_out, by_age=True
            )
        )
