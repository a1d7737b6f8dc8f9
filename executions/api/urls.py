"""The paths of executions, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from executions.api.views import ExecutionsView, ExecutionView

urlpatterns = [
    path("executions", ExecutionsView.as_view(), name="executions"),
    path("executions/<uuid:execution_id>", ExecutionView.as_view(), name="execution"),
]
