"""Clients: who calls, with which keys, and what each may do."""

from __future__ import annotations

from corsheaders.signals import check_request_enabled
from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "clients"
    verbose_name = "Clients"

    def ready(self) -> None:
        """Pages of the origins that clients list may call."""
        from clients.origins import allow_cors  # noqa: PLC0415 (applications must be loaded first)

        check_request_enabled.connect(allow_cors)
