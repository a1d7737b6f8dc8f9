"""What has been received and how it ended, from the execution rows, and how the service does."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from executions.seed import families
from executions.totals import counts as counted_ever
from executions.totals import times_ever


def totals() -> dict[str, int]:
    """Every request that passed the rate limit, and those whose answer had an error."""
    counted = counted_ever()
    return {
        "total_requests": sum(each.received for each in counted),
        "total_errors": sum(each.errors for each in counted),
    }


def exposition() -> Collector:
    """All metrics as they are now, for a renderer of Prometheus."""
    return _Collected(
        [
            *families.of_rows(counted_ever()),
            *families.of_times(*times_ever()),
            *families.of_observations(),
            *families.of_this_moment(),
            *families.of_hosts(),
            *families.of_the_house(),
        ]
    )


class _Collected(Collector):
    """Metrics that were collected while there was a connection to ask with."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
