"""The rows of the LibreChat door."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import Task, register


class LibreChatConfig(AppConfig):
    name = "executions.compat.librechat"
    label = "librechat"
    verbose_name = "LibreChat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Sessions end beside the requests, also once the door is closed."""
        from executions.compat.librechat import sessions  # noqa: PLC0415 (applications must be loaded first)

        what = "deletes files of LibreChat's conversations a day after they came"
        register(Task("librechat", what, 60.0, sessions.expire, by_age=True))
