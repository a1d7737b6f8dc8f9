"""The languages that programs can be written in."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import register


class LanguagesConfig(AppConfig):
    name = "languages"
    verbose_name = "Languages"

    def ready(self) -> None:
        from languages.toolchain import pruning  # noqa: PLC0415 (applications must be loaded first)

        register(*pruning.TASKS)
