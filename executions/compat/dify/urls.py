"""Paths of the Dify door."""

from __future__ import annotations

from django.urls import re_path

from executions.compat.dify import views
from executions.compat.views import both

urlpatterns = [
    *both("health", views.HealthView.as_view()),
    *both("v1/sandbox/run", views.RunView.as_view()),
    *both("v1/sandbox/dependencies", views.DependenciesView.as_view()),
    *both("v1/sandbox/dependencies/refresh", views.DependenciesView.as_view()),
    *both("v1/sandbox/dependencies/update", views.UpdateView.as_view()),
    re_path("^v1/sandbox(?:/|$)", views.NothingHere.as_view()),
]
