"""The project as an application: it brings the system checks of the settings."""

from __future__ import annotations

from django.apps import AppConfig


class GexecConfig(AppConfig):
    """Registers the checks."""

    name = "gexec"

    def ready(self) -> None:
        from gexec import checks, deploy_checks  # noqa: PLC0415 (applications must be loaded first)

        checks.register_all()
        deploy_checks.register_all()
