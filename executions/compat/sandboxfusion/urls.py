"""Paths of the SandboxFusion door."""

from __future__ import annotations

from executions.compat.sandboxfusion import views
from executions.compat.views import both

urlpatterns = [
    *both("run_code", views.RunCodeView.as_view()),
    *both("run_jupyter", views.RunJupyterView.as_view()),
    *both("v1/ping", views.PingView.as_view()),
]
