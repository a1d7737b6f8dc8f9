"""Periodic work: what is done from time to time, by one server process at a time."""

from __future__ import annotations

from django.apps import AppConfig


class PeriodicConfig(AppConfig):
    name = "periodic"
    verbose_name = "Periodic work"
