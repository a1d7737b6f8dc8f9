"""Paths of the LibreChat door."""

from __future__ import annotations

from django.urls import re_path

from executions.compat.librechat import views
from executions.compat.views import both

urlpatterns = [
    *both("v1/health", views.HealthView.as_view()),
    *both("v1/exec", views.ExecView.as_view()),
    *both("v1/upload", views.UploadView.as_view()),
    *both("v1/upload/batch", views.UploadBatchView.as_view()),
    *both("v1/download/<str:session>/<str:file>", views.DownloadView.as_view()),
    *both("v1/files/<str:session>", views.FilesView.as_view()),
    *both("v1/files/<str:session>/<str:file>", views.FileView.as_view()),
    *both("v1/sessions/<str:session>/objects/<str:file>", views.ObjectView.as_view()),
    re_path("^v1/exec/programmatic(?:/|$)", views.ProgrammaticView.as_view()),
    re_path("^v1/(exec|upload|download|files|sessions)(?:/|$)", views.NothingHere.as_view()),
]
