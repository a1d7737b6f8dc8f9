"""The paths of jobe."""

from __future__ import annotations

from django.urls import re_path

from executions.compat.jobe.views import FilesView, LanguagesView, NoSuchRoute, RunsView
from executions.compat.views import both

_PREFIX = "jobe/index.php/restapi"

urlpatterns = [
    *both(f"{_PREFIX}/languages", LanguagesView.as_view()),
    *both(f"{_PREFIX}/runs", RunsView.as_view()),
    *both(f"{_PREFIX}/files/<str:file_id>", FilesView.as_view()),
    re_path(f"^{_PREFIX.replace('.', '[.]')}(?:/|$)", NoSuchRoute.as_view()),
]
