"""The project as an application: it brings the system checks of the settings."""

from __future__ import annotations

from django.apps import AppConfig

from periodic.tasks import register


class GexecConfig(AppConfig):
    """Registers the checks, and what keeps the house clean."""

    name = "gexec"

    def ready(self) -> None:
        from gexec import checks, deploy_checks, housekeeping  # noqa: PLC0415 (applications must be loaded first)

        checks.register_all()
        deploy_checks.register_all()
        register(*housekeeping.TASKS)
