"""The paths of the seed contract."""

from __future__ import annotations

from django.urls import path

from executions.seed.views import ExecuteView, MetricsView, PingView

urlpatterns = [
    path("execute", ExecuteView.as_view(), name="execute"),
    path("ping", PingView.as_view(), name="ping"),
    path("metrics", MetricsView.as_view(), name="metrics"),
]
