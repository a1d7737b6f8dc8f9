"""What is counted in memory is the same for all processes, survives them, and no request can make it many."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from dispatch import workers
from dispatch.base import Happened
from dispatch.models import Worker
from dispatch.testing import FakeBackend
from executions import gauges
from executions.seed import metrics
from languages.models import Language
from rest import observed
from rest.ids import uuid7
from rest.models import Observation
from rest.observed import BOUNDS_S, MOST_SERIES, OTHER, Counter, Histogram

COUNTER = Counter("gexec_test", "Of these tests.", ("kind",))
HISTOGRAM = Histogram("gexec_test_seconds", "Of these tests.")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_yet() -> Iterator[None]:
    observed.write()
    Observation.objects.all().delete()
    yield
    observed.write()


def test_it_is_told_at_once_and_by_the_next_process_as_well() -> None:
    COUNTER.count("a")
    COUNTER.count("a", by=2)
    COUNTER.count("b", by=0)
    assert observed.counted() == {("gexec_test", "a"): 3}
    # Nothing of it is in memory any more: another process reads the same.
    assert list(Observation.objects.values_list("series", "value")) == [('["gexec_test", "a"]', 3)]
    COUNTER.count("a")
    observed.write()
    assert observed.counted() == {("gexec_test", "a"): 4}


def test_times_fall_into_buckets() -> None:
    for took_s in (0.0, BOUNDS_S[0], BOUNDS_S[0] + 0.0001, 1e6):
        HISTOGRAM.observe(took_s)
    each, total = HISTOGRAM.of(observed.counted())
    assert (each[0], each[1], each[-1], sum(each)) == (2, 1, 1, 4)
    assert total == pytest.approx(1e6, abs=1)


def test_what_could_not_be_written_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    COUNTER.count("a")
    with monkeypatch.context() as patched:
        patched.setattr(observed, "_ADD", "SELECT %s, %s FROM there_is_no_such_table")
        with pytest.raises(ProgrammingError), transaction.atomic():
            observed.write()
    COUNTER.count("a")
    assert observed.counted() == {("gexec_test", "a"): 2}


@pytest.mark.django_db(transaction=True)
def test_none_is_lost_or_counted_twice_by_several_that_write_at_once() -> None:
    def work() -> None:
        for number in range(300):
            COUNTER.count("a")
            if number % 10 == 0:
                observed.write()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = [observed.counted().get(("gexec_test", "a"), 0) for _ in range(20)]
    for thread in threads:
        thread.join()
    assert seen == sorted(seen), "a number went back"
    assert observed.counted() == {("gexec_test", "a"): 1200}


def test_more_series_than_there_should_be_are_one() -> None:
    for number in range(MOST_SERIES * 2):
        Counter("gexec_test_many", "Of this test.", ("kind",)).count(f"k{number}")
    many = {series: value for series, value in observed.counted().items() if series[0] == "gexec_test_many"}
    assert len(many) == MOST_SERIES + 1
    assert many["gexec_test_many", OTHER] == MOST_SERIES


@pytest.mark.usefixtures("rate_limit_off")
def test_refusals_are_counted_by_codes_that_no_request_chooses(fake_backend: FakeBackend) -> None:
    client = Client()
    for number in range(20):
        asked = {"language": f"made-up-{number}", "source_code": "x"}
        assert client.post("/execute", json.dumps(asked), "application/json").status_code == 400
        assert client.post(f"/api/v1/executions?a{number}=b", "{", "application/json").status_code == 400
        assert client.get(f"/api/v1/nothing-{number}").status_code == 404
        assert client.get(f"/nothing-{number}").status_code == 404
        assert client.generic(f"MADE{number}", "/execute").status_code in {404, 405}
    counted = {series[1]: value for series, value in observed.counted().items() if series[0] == "gexec_refusals"}
    assert counted == {"unsupported_language": 20, "unknown_field": 20, "not_found": 40, "method_not_allowed": 20}
    text = Client(headers={"accept": "text/plain"}).get("/metrics").content.decode()
    assert 'gexec_refusals_total{code="unsupported_language"} 20.0' in text
    assert "made-up" not in text.lower()


def test_without_a_database_it_is_kept_and_a_scraper_hears_so(
    fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("gone")

    COUNTER.count("a")
    with monkeypatch.context() as patched:
        patched.setattr(metrics, "times_ever", fail)
        assert Client(headers={"accept": "text/plain"}).get("/metrics").status_code == 503
    assert observed.counted()["gexec_test", "a"] == 1


def test_what_has_become_of_containers_is_counted_once(fake_backend: FakeBackend) -> None:
    before = observed.counted()
    fake_backend.happened = Happened(started=3, lost=1, failures={"ImageMissing": 2, "Unheard": 1}, leases=4)
    for _ in range(2):
        gauges.count()
    fake_backend.happened = Happened(started=4, lost=1, failures={"ImageMissing": 3, "Unheard": 1}, leases=6)
    gauges.write()
    after = observed.counted()
    more = {series: value - before.get(series, 0) for series, value in after.items()}
    assert {series: value for series, value in more.items() if value} == {
        ("gexec_containers_started",): 4,
        ("gexec_containers_lost",): 1,
        ("gexec_container_start_failures", "image_missing"): 3,
        ("gexec_container_start_failures", OTHER): 1,
        ("gexec_leases",): 6,
    }


def test_processes_tell_of_each_other(python: Language, fake_backend: FakeBackend) -> None:
    workers.record_heartbeat()
    gauges.write()
    state = {"slots": 4, "in_use": 3, "waiting": 2, "waiting_batch": 1, "warm": {"python": 5}}
    own = Worker.objects.get(pk=workers.own_id())
    for host in (own.hostname, "another"):
        made = Worker(id=uuid7(), hostname=host, pid_namespace="x", pid=1, pid_started=1, seen_at=timezone.now())
        made.state = state
        made.save()
    now = gauges.now()
    assert (now.processes, now.in_use, now.waiting, now.waiting_batch, now.warm["python"]) == (3, 6, 4, 2, 10)
    assert now.slots == 8, "those of a host are its processes' together"
    Worker.objects.exclude(pk=own.pk).update(seen_at=timezone.now() - timedelta(seconds=31))
    assert gauges.now().processes == 1
