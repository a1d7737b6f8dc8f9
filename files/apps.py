"""Files: uploaded once by a client, and referred to by digest in what it submits."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import Task, register


class FilesConfig(AppConfig):
    name = "files"
    verbose_name = "Files"

    def ready(self) -> None:
        """What is deleted beside the requests."""
        from files import expiry  # noqa: PLC0415 (applications must be loaded first)

        register(
            Task(
                "files",
                "deletes files that nobody has used for long, and bytes of none",
                60.0,
                expiry.carry_out,
                by_age=True,
            )
        )
