"""The languages that programs can be written in."""

from __future__ import annotations

from django.apps import AppConfig


class LanguagesConfig(AppConfig):
    name = "languages"
    verbose_name = "Languages"
