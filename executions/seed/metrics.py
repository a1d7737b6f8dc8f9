"""What has been received and how it ended, from the execution rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatch import active
from dispatch.base import Capacity
from executions import storage
from executions.totals import counts as counted_ever
from languages import programs
from languages.models import Language
from rest.disk import free_bytes


def totals() -> dict[str, int]:
    """Every request that passed the rate limit, and those whose answer had an error."""
    counted = counted_ever()
    return {
        "total_requests": sum(each.received for each in counted),
        "total_errors": sum(each.errors for each in counted),
    }


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
    counted = counted_ever()
    received = sum(each.received for each in counted)
    yield CounterMetricFamily("gexec_requests", "POST /execute that passed the rate limit.", value=received)
    errors = sum(each.errors for each in counted)
    yield CounterMetricFamily("gexec_errors", "Those whose answer had an error.", value=errors)
    finished = CounterMetricFamily(
        "gexec_executions", "Ended, by outcome and language.", labels=["outcome", "language"]
    )
    for each in counted:
        if each.finished:
            finished.add_metric([each.outcome, each.language], each.finished)
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
    yield GaugeMetricFamily("gexec_disk_free_bytes", "Free on the disk of the data directory.", value=free_bytes())
    warm = GaugeMetricFamily("gexec_warm_containers", "Containers that wait for a program.", labels=["language"])
    for language in Language.objects.catalogued():
        count = capacity.warm.get(programs.profile_of(language)) if language.enabled else None
        if count is not None:
            warm.add_metric([language.slug], count)
    yield warm
