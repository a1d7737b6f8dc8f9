"""Each metric of /metrics, made from what was asked: names, labels and help for Prometheus.

Of labels there are a bounded number of values: languages that are or were installed, outcomes, lanes, codes of
problems. None is taken from a request.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from django.conf import settings
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from executions import gauges, storage
from executions.models import Lane, Measure
from executions.run import START
from executions.totals import BUCKETS, Count, TimesEver
from languages.models import Language
from periodic.models import PeriodicTask
from periodic.tasks import registered
from rest import observed
from rest.disk import disk_bytes
from rest.observed import REFUSALS, Histogram, Series
from webhooks import attempts
from webhooks.sender import ATTEMPTS

_BOUNDS_S = [str(2**bucket / 1000) for bucket in range(BUCKETS - 1)]
_TIMES: Mapping[Measure, tuple[str, str, list[str]]] = {
    Measure.QUEUE: ("gexec_execution_queue_seconds", "Waited for a slot and a container.", []),
    Measure.WALL: ("gexec_execution_run_seconds", "Wall time of programs, by language.", ["language"]),
    Measure.TOTAL: ("gexec_execution_total_seconds", "From when they were accepted to when they were kept.", []),
}


def of_rows(counted: Sequence[Count]) -> Iterator[Metric]:
    """What has come and ended."""
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


def of_times(times: Iterable[TimesEver], cpu_ms: Mapping[str, float]) -> Iterator[Metric]:
    """How long executions took, but for those that were refused."""
    families = {
        measure: HistogramMetricFamily(name, what, labels=labels) for measure, (name, what, labels) in _TIMES.items()
    }
    for each in times:
        labels = [each.language] if each.measure is Measure.WALL else []
        families[each.measure].add_metric(labels, _cumulated(_BOUNDS_S, each.buckets), each.sum_ms / 1000)
    yield from families.values()
    cpu = CounterMetricFamily("gexec_cpu_seconds", "Processor time of all steps, by language.", labels=["language"])
    for language, spent_ms in cpu_ms.items():
        cpu.add_metric([language], spent_ms / 1000)
    yield cpu


def of_observations() -> Iterator[Metric]:
    """What leaves no row."""
    gauges.count()
    counted = observed.counted()
    for counter in (*gauges.COUNTERS, REFUSALS, ATTEMPTS):
        yield _counter(counter, counted)
    yield _histogram(START, counted)


def of_this_moment() -> Iterator[Metric]:
    """Slots, who waits, and containers."""
    now = gauges.now()
    yield GaugeMetricFamily("gexec_processes", "Server processes that live.", value=now.processes)
    yield GaugeMetricFamily("gexec_slots", "Programs that may run at once.", value=now.slots)
    yield GaugeMetricFamily("gexec_slots_in_use", "Programs that run now.", value=now.in_use)
    yield GaugeMetricFamily("gexec_waiting", "Executions that wait for a slot.", value=now.waiting)
    queue = GaugeMetricFamily(
        "gexec_queue", "Executions that wait, for a slot or in the backlog.", labels=["lane", "place"]
    )
    queue.add_metric([Lane.INTERACTIVE.value, "slot"], now.waiting - now.waiting_batch)
    queue.add_metric([Lane.BATCH.value, "slot"], now.waiting_batch)
    for lane in Lane:
        queue.add_metric([lane.value, "backlog"], now.backlog[lane.value])
    yield queue
    warm = GaugeMetricFamily("gexec_warm_containers", "Containers that wait for a program.", labels=["language"])
    for language, containers in now.warm.items():
        warm.add_metric([language], containers)
    yield warm
    languages = GaugeMetricFamily("gexec_languages_enabled", "Languages that programs may be in.")
    languages.add_metric([], Language.objects.filter(enabled=True).count())
    yield languages


def of_hosts() -> Iterator[Metric]:
    """Hosts, where programs run on some: what there are, and how many there should be."""
    if (hosts := gauges.hosts()) is None:
        return
    count = GaugeMetricFamily("gexec_hosts", "Hosts that run programs, and whether they take more.", labels=["state"])
    count.add_metric(["taking"], hosts.count - hosts.draining)
    count.add_metric(["draining"], hosts.draining)
    yield count
    yield GaugeMetricFamily("gexec_hosts_slots", "Slots of hosts that take programs.", value=hosts.slots)
    yield GaugeMetricFamily("gexec_hosts_slots_in_use", "Programs that hosts have.", value=hosts.in_use)
    waiting = GaugeMetricFamily("gexec_hosts_waiting", "Programs that no host has yet.", labels=["lane"])
    for lane, programs_ in hosts.waiting.items():
        waiting.add_metric([lane], programs_)
    yield waiting
    yield GaugeMetricFamily("gexec_hosts_wanted", "Hosts that all which runs and waits needs.", value=hosts.wanted)


def of_the_house() -> Iterator[Metric]:
    """Disk, webhooks, periodic work, and which release this is."""
    stored = storage.today()
    yield GaugeMetricFamily(
        "gexec_stored_bytes_today", "Source, input and output that are kept of this day (UTC).", value=stored.kept_bytes
    )
    yield GaugeMetricFamily(
        "gexec_unkept_bytes_today", "Those of callers whose share of it is used up.", value=stored.unkept_bytes
    )
    yield GaugeMetricFamily("gexec_callers_over_storage", "How many callers these are.", value=stored.callers_over)
    yield GaugeMetricFamily("gexec_executions_disk_bytes", "What all rows take.", value=storage.bytes_on_disk())
    disk = disk_bytes()
    yield GaugeMetricFamily("gexec_disk_free_bytes", "Free on the disk of the data directory.", value=disk.free)
    yield GaugeMetricFamily("gexec_disk_size_bytes", "The size of that disk.", value=disk.total)
    pending = attempts.pending()
    yield GaugeMetricFamily("gexec_webhooks_pending", "Webhooks to be sent; of many ten thousand.", value=pending)
    yield from _periodic()
    build = GaugeMetricFamily("gexec_build_info", "Which release this is.", labels=["version", "python"])
    build.add_metric([settings.GEXEC_VERSION, platform.python_version()], 1)
    yield build


def _periodic() -> Iterator[Metric]:
    failed = GaugeMetricFamily(
        "gexec_periodic_task_failed", "Whether the last run of a periodic task failed.", labels=["task"]
    )
    ended = GaugeMetricFamily(
        "gexec_periodic_task_ended_timestamp_seconds", "When a periodic task ended last.", labels=["task"]
    )
    for task in PeriodicTask.objects.filter(name__in=registered()):
        failed.add_metric([task.name], int(task.has_failed))
        if task.ended_at is not None:
            ended.add_metric([task.name], task.ended_at.timestamp())
    yield failed
    yield ended


def _counter(counter: observed.Counter, counted: Mapping[Series, float]) -> Metric:
    family = CounterMetricFamily(counter.name, counter.what, labels=counter.labels)
    if not counter.labels:
        family.add_metric([], counted.get((counter.name,), 0.0))
    for name, *values in counted:
        if name == counter.name and values and len(values) == len(counter.labels):
            family.add_metric(values, counted[name, *values])
    return family


def _histogram(histogram: Histogram, counted: Mapping[Series, float]) -> Metric:
    each, total = histogram.of(counted)
    family = HistogramMetricFamily(histogram.name, histogram.what, labels=[])
    family.add_metric([], _cumulated([str(bound) for bound in observed.BOUNDS_S], each), total)
    return family


def _cumulated(bounds: Sequence[str], counts: Iterable[float]) -> Sequence[tuple[str, float]]:
    return list(zip([*bounds, "+Inf"], accumulate(counts), strict=True))
