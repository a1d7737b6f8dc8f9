"""Files: uploaded once by a client, and referred to by digest in what it submits."""

from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "files"
    verbose_name = "Files"
