"""The rate limit lets exactly as many through as it says, whichever process counts."""

from __future__ import annotations

import json
import multiprocessing
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients import throttling
from clients.authentication import create
from dispatch.testing import FakeBackend
from executions.models import Execution
from gexec.housekeeping import clean_counters
from languages.models import Language
from rest.models import Counter

PROCESSES = 4
THREADS = 15
REQUESTS = 600


@pytest.fixture(autouse=True)
def steady_clock(monkeypatch: pytest.MonkeyPatch, nothing_remembered: None) -> None:
    """No window ends within a test."""
    monkeypatch.setattr("django_ratelimit.core.time.time", lambda: 1_800_000_000.0)


def post(address: str = "192.0.2.1", **meta: Any) -> Any:
    body = json.dumps({"language": "ruby", "source_code": "x"})
    return Client(REMOTE_ADDR=address, **meta).post("/execute", body, "application/json")


def test_the_eleventh_is_refused(db: None) -> None:
    assert [post().status_code for _ in range(12)] == [400] * 10 + [429] * 2
    response = post()
    assert response.content == b'{"error":"Too many requests"}'
    assert 1 <= int(response["Retry-After"]) <= 60
    assert "X-Execution-Id" not in response
    assert Execution.objects.count() == 10


def test_each_address_has_its_own_count(db: None) -> None:
    for _ in range(11):
        post()
    assert post("192.0.2.2").status_code == 400


def test_a_key_is_not_under_the_limit_of_its_address(db: None) -> None:
    key = {"HTTP_AUTHORIZATION": f"Api-Key {create('platform')}"}
    assert [post().status_code for _ in range(11)] == [400] * 10 + [429]
    assert [post(**key).status_code for _ in range(12)] == [400] * 12
    assert post().status_code == 429


def test_each_key_has_a_rate_of_its_own_from_wherever(db: None, settings: Settings) -> None:
    settings.GEXEC_KEY_RATE_LIMIT = "3/m"
    first, second = ({"HTTP_AUTHORIZATION": f"Bearer {create(name)}"} for name in ("one", "two"))
    assert [post(f"192.0.2.{number}", **first).status_code for number in range(4)] == [400] * 3 + [429]
    assert post(**second).status_code == 400
    assert [post().status_code for _ in range(11)] == [400] * 10 + [429]


def test_wrong_keys_count_for_their_address(db: None, settings: Settings) -> None:
    settings.GEXEC_KEY_RATE_LIMIT = "3/m"
    wrong = [post(HTTP_AUTHORIZATION=f"Api-Key abcdefgh.{number}").status_code for number in range(11)]
    assert wrong == [401] * 10 + [429]


def test_ipv6_addresses_of_one_network_are_one_client(db: None) -> None:
    statuses = [post(f"2001:db8::{number}").status_code for number in range(1, 12)]
    assert statuses == [400] * 10 + [429]
    assert post("2001:db8:0:1::1").status_code == 400


def test_a_made_up_header_changes_nothing(db: None) -> None:
    statuses = [post(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}").status_code for number in range(11)]
    assert statuses == [400] * 10 + [429]


def test_behind_a_proxy_the_header_counts(db: None, settings: Any) -> None:
    settings.GEXEC_TRUSTED_PROXIES = 1
    for number in range(12):
        assert post(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}").status_code == 400
    assert Execution.objects.latest("id").client_address == "203.0.113.11"


def test_only_execute_is_counted(db: None) -> None:
    for _ in range(20):
        assert Client().get("/ping").status_code == 200
        assert Client().get("/execute").status_code == 405
    assert not Counter.objects.exists()


def test_guesses_at_keys_are_counted(db: None) -> None:
    statuses = [post(HTTP_AUTHORIZATION=f"Api-Key {number}.x").status_code for number in range(11)]
    assert statuses == [401] * 10 + [429]
    assert Execution.objects.count() == 10


def test_a_body_that_is_no_json_is_counted(db: None) -> None:
    statuses = [Client().post("/execute", "{", "application/json").status_code for _ in range(11)]
    assert statuses == [400] * 10 + [429]


def test_off_and_other_rates(db: None, settings: Any) -> None:
    settings.GEXEC_RATE_LIMIT = "2/h"
    assert [post().status_code for _ in range(3)] == [400, 400, 429]
    settings.GEXEC_RATE_LIMIT = "off"
    assert post().status_code == 400


def test_the_next_window_starts_at_zero(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(11):
        post()
    monkeypatch.setattr("django_ratelimit.core.time.time", lambda: 1_800_000_060.0)
    assert post().status_code == 400


def test_the_body_of_one_refused_is_not_read(db: None, settings: Any) -> None:
    settings.GEXEC_RATE_LIMIT = "1/h"
    post()
    response = Client(REMOTE_ADDR="192.0.2.1").generic("POST", "/execute", b"x" * 10_000_000)
    assert response.status_code == 429


def test_without_a_database_nobody_gets_through(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(throttling, "get_usage", fail)
    response = post()
    assert (response.status_code, response.json()) == (503, {"error": "the database is not available"})
    assert "Retry-After" in response


def test_expired_counters_go_away(db: None) -> None:
    Counter.objects.create(key="old", value=3, expires_at=timezone.now() - timedelta(seconds=1))
    post()
    assert clean_counters(threading.Event()) == 1
    assert not Counter.objects.filter(key="old").exists()
    assert Counter.objects.count() == 1


def test_the_cache_counts_as_a_cache_does(db: None) -> None:
    cache = caches["ratelimit"]
    assert cache.add("a", 1, 60)
    assert not cache.add("a", 1, 60)
    assert cache.incr("a") == 2
    assert cache.get("a") == 2
    assert cache.get("b", 7) == 7
    with pytest.raises(ValueError, match="no counter"):
        cache.incr("b")
    Counter.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ValueError, match="no counter"):
        cache.incr("a")
    assert cache.add("a", 1, 60)
    cache.set("a", 5, 60)
    assert cache.incr("a", 2) == 7
    assert cache.touch("a", 0)
    assert cache.get("a") is None
    assert not cache.touch("a", 60)
    assert cache.add("a", 1, 60)
    assert cache.delete("a")
    assert not cache.delete("a")
    assert cache.add("a", 1, 60)
    cache.clear()
    assert cache.get("a") is None


def test_the_counters_are_not_logged(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'rest_counter'")
        assert cursor.fetchone() == ("u",)


def _leave_the_pool() -> None:
    """A forked process must not share its parent's connections."""
    wrapper = connections["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    wrapper.close()
    wrapper.close_pool()


def _flood(start: Any, statuses: Any) -> None:
    """In a process of its own: threads that ask at once."""
    _leave_the_pool()

    def ask() -> None:
        start.wait()
        for _ in range(REQUESTS // PROCESSES // THREADS):
            statuses.put(post().status_code)
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _leave_the_pool()


@pytest.mark.usefixtures("transactional_db")
def test_of_600_at_once_over_several_processes_exactly_10_pass(python: Language, fake_backend: FakeBackend) -> None:
    _leave_the_pool()
    context = multiprocessing.get_context("fork")
    start, statuses = context.Event(), context.Queue()
    processes = [context.Process(target=_flood, args=(start, statuses)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    start.set()
    seen = [statuses.get(timeout=60) for _ in range(REQUESTS)]
    for process in processes:
        process.join()
    assert sorted(set(seen)) == [400, 429]
    assert seen.count(400) == 10
    assert Execution.objects.count() == 10
