"""The pages for people: the playground at /, and what browsers and machines look for at the root of a site."""

from __future__ import annotations

from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"
