"""What has been received and how it ended, from the execution rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Sum
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatch import active
from dispatch.base import Capacity
from executions import storage
from executions.models import ExecutionTotal
from languages import programs
from languages.models import Language


def totals() -> dict[str, int]:
    """Every request that passed the rate limit, and those whose answer had an error."""
    sums = ExecutionTotal.objects.aggregate(received=Sum("received"), errors=Sum("errors"))
    return {"total_requests": int(sums["received"] or 0), "total_errors": int(sums["errors"] or 0)}


def exposition() -> Collector:
    """All metrics as they are now, for a renderer of Prometheus."""
    return _Collected([*_counters(), *_gauges(active.backend().capacity())])


class _Collected(Collector):
    """Metrics that were collected while there was a connection to ask with."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _counters() -> Iterator[Metric]:
    sums = list(
        ExecutionTotal.objects.values("language_slug", "outcome")
        .annotate(all_received=Sum("received"), all_finished=Sum("finished"), all_errors=Sum("errors"))
        .order_by("language_slug", "outcome")
    )
    received = sum(row["all_received"] for row in sums)
    yield CounterMetricFamily("gexec_requests", "POST /execute that passed the rate limit.", value=received)
    errors = sum(row["all_errors"] for row in sums)
    yield CounterMetricFamily("gexec_errors", "Those whose answer had an error.", value=errors)
    finished = CounterMetricFamily(
        "gexec_executions", "Ended, by outcome and language.", labels=["outcome", "language"]
    )
    for row in sums:
        if row["all_finished"]:
            finished.add_metric([row["outcome"], row["language_slug"]], row["all_finished"])
    yield finished


def _gauges(capacity: Capacity) -> Iterator[Metric]:
    yield GaugeMetricFamily("gexec_slots", "Programs that this process may run at once.", value=capacity.slots)
    yield GaugeMetricFamily("gexec_slots_in_use", "Programs that it runs now.", value=capacity.in_use)
    yield GaugeMetricFamily("gexec_waiting", "Requests that wait for a slot.", value=capacity.waiting)
    stored = storage.today()
    yield GaugeMetricFamily(
        "gexec_stored_bytes_today", "Source, input and output that are kept of this day (UTC).", value=stored.kept_bytes
    )
    yield GaugeMetricFamily(
        "gexec_unkept_bytes_today", "Those of callers whose share of it is used up.", value=stored.unkept_bytes
    )
    yield GaugeMetricFamily("gexec_callers_over_storage", "How many callers these are.", value=stored.callers_over)
    yield GaugeMetricFamily("gexec_executions_disk_bytes", "What all rows take.", value=storage.bytes_on_disk())
    warm = GaugeMetricFamily("gexec_warm_containers", "Containers that wait for a program.", labels=["language"])
    for language in Language.objects.catalogued():
        count = capacity.warm.get(programs.profile_of(language)) if language.enabled else None
        if count is not None:
            warm.add_metric([language.slug], count)
    yield warm
