"""The paths of executions, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from executions.api.artifacts import ArtifactView
from executions.api.batch_events import BatchEventsView
from executions.api.batches import BatchesView, BatchView, CancelBatchView
from executions.api.cancel import CancelTaggedView, CancelView
from executions.api.erasures import EraseView, ErasureView
from executions.api.interactive import InteractiveView
from executions.api.views import ExecutionsView, ExecutionView, ExportView
from executions.api.watching import EventsView, TokensView

urlpatterns = [
    path("batches", BatchesView.as_view(), name="batches"),
    path("batches/<uuid:batch_id>/events", BatchEventsView.as_view(), name="batch-events"),
    path("batches/<uuid:batch_id>", BatchView.as_view(), name="batch"),
    path("batches/<uuid:batch_id>/cancel", CancelBatchView.as_view(), name="batch-cancel"),
    path("executions", ExecutionsView.as_view(), name="executions"),
    path("executions/ws", InteractiveView.as_view(), name="executions-ws"),
    path("executions/export", ExportView.as_view(), name="executions-export"),
    path("executions/cancel", CancelTaggedView.as_view(), name="executions-cancel"),
    path("executions/erase", EraseView.as_view(), name="executions-erase"),
    path("erasures/<uuid:erasure_id>", ErasureView.as_view(), name="erasure"),
    path("executions/<uuid:execution_id>/artifacts/<path:name>", ArtifactView.as_view(), name="artifact"),
    path("executions/<uuid:execution_id>", ExecutionView.as_view(), name="execution"),
    path("executions/<uuid:execution_id>/events", EventsView.as_view(), name="execution-events"),
    path("executions/<uuid:execution_id>/tokens", TokensView.as_view(), name="execution-tokens"),
    path("executions/<uuid:execution_id>/cancel", CancelView.as_view(), name="execution-cancel"),
]
