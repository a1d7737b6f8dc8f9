"""The paths of files, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from files.api import CheckView, FilesView, FileView

urlpatterns = [
    path("files", FilesView.as_view(), name="files"),
    path("files/check", CheckView.as_view(), name="files-check"),
    path("files/<str:file_id>", FileView.as_view(), name="file"),
]
