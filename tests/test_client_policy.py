"""What a client may: languages, places, caps, rates, how much at once and in a day; at every door."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Http
from django.urls import get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients import authentication, last_used, quotas
from clients.caller import PUBLISHABLE_CAPS
from clients.models import Client, Key, Usage
from clients.policy import may_call_back
from clients.rights import Right
from clients.secrets import prefix_in
from dispatch import shares
from dispatch.testing import FakeBackend
from executions import recovery
from executions.models import Execution, Status
from languages.models import Language
from rest.counters import CounterCache
from rest.ids import uuid7
from rest.models import Counter
from sandbox.types import Job, JobResult
from testkit.waiting import eventually
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

EXECUTE, API = "/execute", "/api/v1/executions"
DOORS = pytest.mark.parametrize("door", [EXECUTE, API])
PAGE = "https://play.example.org"


@pytest.fixture(autouse=True)
def steady_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window of a rate ends within a test."""
    monkeypatch.setattr("django_ratelimit.core.time.time", lambda: 1_800_000_000.0)


def key_of(*, publishable: bool = False, rights: Any = None, **options: Any) -> str:
    """A key of a client with these options."""
    client, _ = Client.objects.update_or_create(name="platform", defaults=options)
    authentication.verified.clear()
    text, _ = authentication.create_for(client, "a key", publishable=publishable, rights=rights)
    return text


def post(door: str, key: str | None, address: str = "192.0.2.1", headers: Any = None, **fields: Any) -> Any:
    sent = {"authorization": f"Bearer {key}"} if key else {}
    body = json.dumps({"language": "python", "source_code": "1", **fields})
    return Http(REMOTE_ADDR=address, headers=sent | (headers or {})).post(door, body, "application/json")


def code_of(response: Any, door: str) -> tuple[int, str]:
    """Status and code; at /execute, which has no codes, the message."""
    told = response.json()
    if door == EXECUTE:
        assert set(told) == {"error"}
        return response.status_code, told["error"]
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, told["code"]


@DOORS
def test_a_right_that_a_key_lacks(door: str) -> None:
    response = post(door, key_of(rights=[Right.READ]))
    assert code_of(response, door) in [
        (403, "forbidden_right"),
        (403, "this needs a key with the right execute"),
    ]


@DOORS
def test_a_right_that_the_client_lost(door: str) -> None:
    key = key_of()
    assert post(door, key).status_code == 200
    Client.objects.update(rights=["read"])
    authentication.verified.clear()
    assert post(door, key).status_code == 403


@DOORS
def test_the_languages_of_a_client(door: str, go: Language) -> None:
    key = key_of(languages=["go"])
    refused = post(door, key)
    assert code_of(refused, door) in [
        (403, "forbidden_language"),
        (403, "this key may not run programs in python"),
    ]
    assert post(door, key, language="golang").status_code == 200
    assert post(door, None).status_code == 200


def test_a_language_stands_for_its_versions() -> None:
    key = key_of(languages=["python"])
    Language.objects.create(
        slug="python@3.11", name="Python", version="3.11", image="x", image_digest="sha256:3", source_file="main.py",
        run_command=["python3", "{source}"], tested_at=timezone.now(), enabled=True,
    )  # fmt: skip
    assert post(API, key, language="python@3.11").status_code == 200
    assert post(API, key_of(languages=["python@3.11"])).status_code == 403


@DOORS
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("198.51.100.7", 200),
        ("198.51.101.1", 403),
        ("2001:db8::1", 200),
        ("2001:db9::1", 403),
        ("::ffff:198.51.100.9", 200),
    ],
)
def test_the_networks_of_a_client(door: str, address: str, status: int) -> None:
    key = key_of(networks=["198.51.100.0/24", "2001:db8::/32"])
    response = post(door, key, address)
    assert response.status_code == status
    if status == 403 and door == API:
        assert response.json()["code"] == "forbidden_origin"


def test_networks_hold_for_reading_too() -> None:
    key = key_of(networks=["198.51.100.0/24"])
    headers = {"authorization": f"Bearer {key}"}
    statuses = [
        Http(REMOTE_ADDR=address, headers=headers).get("/api/v1/me").status_code
        for address in ("198.51.100.1", "192.0.2.1")
    ]
    assert statuses == [200, 403]


@DOORS
def test_a_publishable_key_is_for_pages_of_the_clients_origins(door: str, settings: Settings) -> None:
    key = key_of(publishable=True, origins=[PAGE])
    assert key.startswith("gx_pub_")
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE, "https://other.example.org"]
    assert post(door, key, headers={"origin": PAGE}).status_code == 200
    assert post(door, key).status_code == 403
    assert post(door, key, headers={"origin": "https://other.example.org"}).status_code == 403


def test_a_publishable_key_has_low_caps_and_reads_by_token_alone(settings: Settings) -> None:
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE]
    key = key_of(publishable=True, origins=[PAGE], cap_wall_ms=3_000)
    page = {"origin": PAGE}
    told = post(API, key, headers=page).json()
    assert (told["limits"]["wall_ms"], told["limits"]["output_bytes"]) == (3_000, PUBLISHABLE_CAPS["output_bytes"])
    assert {"wall_ms", "output_bytes"} <= set(told["limits"]["capped"])
    assert post(API, key, headers=page, limits={"wall_ms": 3_001}).json()["code"] == "limit_exceeded"
    mine = {"authorization": f"Bearer {key}", **page}
    assert Http(headers=mine).get(told["links"]["self"]).status_code == 404
    assert Http(headers={**mine, "x-access-token": told["access_token"]}).get(told["links"]["self"]).status_code == 200
    for path in ("/api/v1/usage", "/api/v1/keys", API, f"{API}/export"):
        assert Http(headers=mine).get(path).json()["code"] == "forbidden_right"
    assert Http(headers=mine).delete(told["links"]["self"]).json()["code"] == "forbidden_right"
    assert Http(headers=mine).get("/api/v1/me").json()["quotas"] == []


def test_a_publishable_key_has_no_more_than_pages_may() -> None:
    key = key_of(publishable=True, rights=list(Right), origins=[PAGE])
    caller = authentication._verify(key)
    assert caller is not None
    assert sorted(caller.rights) == ["execute", "read", "stream"]


def test_caps_bind_the_oldest_door_too() -> None:
    key = key_of(cap_wall_ms=2_000, cap_output_bytes=100, cap_cpu_ms=500, cap_memory_mb=32)
    assert post(EXECUTE, key, timeout_ms=2_001).json() == {"error": "timeout_ms must be between 1 and 2000"}
    assert post(EXECUTE, key).status_code == 200
    limits = Execution.objects.latest("id").job["steps"][-1]["limits"]
    assert (limits["wall_ms"], limits["output_bytes"], limits["cpu_ms"]) == (2_000, 100, 500)
    assert limits["memory_bytes"] == 32 * 1024 * 1024
    assert post(EXECUTE, None, timeout_ms=2_001).status_code == 200


def test_a_cap_never_lifts_a_limit(python: Language) -> None:
    told = post(API, key_of(cap_wall_ms=1 << 40, cap_memory_mb=1 << 40)).json()
    assert (told["limits"]["wall_ms"], told["limits"]["memory_mb"]) == (python.timeout_ms, python.memory_mb)
    assert told["limits"]["capped"] == []


def test_a_disabled_client(settings: Settings) -> None:
    key = key_of(enabled=False)
    response = post(API, key)
    assert code_of(response, API) == (401, "unauthorized")
    assert "disabled" in response.json()["detail"]


def test_a_rate_of_all_keys_of_a_client_together(settings: Settings) -> None:
    settings.GEXEC_KEY_RATE_LIMIT = "1/h"
    first, second = key_of(rate="4/m"), key_of(rate="4/m")
    assert [post(door, key).status_code for door, key in zip((API, EXECUTE) * 2, (first, second) * 2, strict=True)] == [
        200
    ] * 4
    refused = post(API, second)
    assert code_of(refused, API) == (429, "rate_limited")
    assert refused.json()["policy"] == "rate"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert code_of(post(EXECUTE, first), EXECUTE) == (429, "Too many requests")


def test_a_burst() -> None:
    key = key_of(burst=2)
    assert [post(API, key).status_code for _ in range(3)] == [200, 200, 429]
    assert post(API, key).json()["policy"] == "burst"


def test_every_answer_tells_where_the_caller_stands(settings: Settings) -> None:
    settings.GEXEC_RATE_LIMIT, settings.GEXEC_READ_RATE_LIMIT = "10/m", "600/m"
    response = post(API, None)
    assert response["RateLimit-Policy"] == '"rate";q=10;w=60'
    assert response["RateLimit"].startswith('"rate";r=9;t=')
    # One budget over both doors.
    assert post(EXECUTE, None).status_code == 200
    assert post(API, None)["RateLimit"].startswith('"rate";r=7;t=')
    read = Http(REMOTE_ADDR="192.0.2.1").get("/api/v1/languages")
    assert read["RateLimit-Policy"] == '"read";q=600;w=60'
    assert read["RateLimit"].startswith('"read";r=599;t=')
    assert "RateLimit" in Http().get("/api/v1/nothing")
    key = key_of(rate="5/10s", burst=3, executions_day=7)
    told = post(API, key)
    assert told["RateLimit-Policy"] == '"rate";q=5;w=10, "burst";q=3;w=1, "day";q=7;w=86400'
    assert [part.split(";")[:2] for part in told["RateLimit"].split(", ")] == [
        ['"rate"', "r=4"], ['"burst"', "r=2"], ['"day"', "r=6"],
    ]  # fmt: skip
    assert "RateLimit" not in post(EXECUTE, key)


def test_reading_has_a_larger_rate_of_its_own_and_asks_nobody(settings: Settings) -> None:
    settings.GEXEC_RATE_LIMIT, settings.GEXEC_READ_RATE_LIMIT = "1/h", "3/h"
    post(API, None)
    Counter.objects.all().delete()
    statuses = [Http(REMOTE_ADDR="192.0.2.1").get("/api/v1/languages").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert not Counter.objects.exists()
    refused = Http(REMOTE_ADDR="192.0.2.1").get("/api/v1/languages")
    assert (refused.json()["code"], refused.json()["policy"]) == ("rate_limited", "read")
    assert Http(REMOTE_ADDR="192.0.2.2").get("/api/v1/languages").status_code == 200


def test_guesses_at_keys_are_counted_at_this_door_too(settings: Settings) -> None:
    settings.GEXEC_RATE_LIMIT = "3/h"
    assert [post(API, f"gx_live_{number}").status_code for number in range(4)] == [401] * 3 + [429]


@DOORS
def test_executions_of_a_day(door: str) -> None:
    key = key_of(executions_day=2)
    assert post(door, key, language="no such").status_code == 400
    assert [post(door, key).status_code for _ in range(3)] == [200, 200, 429]
    refused = post(door, key)
    assert code_of(refused, door) in [
        (429, "quota_exceeded"),
        (429, "the quota of 2 executions a day is used up"),
    ]
    assert 1 <= int(refused["Retry-After"]) <= 86_400
    if door == API:
        assert refused.json()["policy"] == "day"
    assert Execution.objects.exclude(status=Status.REJECTED).count() == 2


def test_a_lost_counter_begins_with_what_has_ended() -> None:
    key = key_of(executions_day=3)
    assert [post(API, key).status_code for _ in range(2)] == [200, 200]
    Counter.objects.all().delete()
    assert [post(API, key).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("option", ["cpu_s_day", "cpu_s_month"])
def test_cpu_seconds(option: str, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(cpu_ms=1_500.0))
    limit: dict[str, Any] = {option: 2}
    key = key_of(**limit)
    for _ in range(2):
        assert post(API, key).status_code == 200
    quotas.forget()
    refused = post(API, key)
    assert code_of(refused, API) == (429, "quota_exceeded")
    assert refused.json()["policy"] == option.replace("_s_", "_")


def test_cpu_of_before_does_not_count() -> None:
    key = key_of(cpu_s_day=1, cpu_s_month=10)
    client = Client.objects.get()
    today = timezone.now().date()
    for back in (1, 40):
        Usage.objects.create(
            client_id=client.pk, day=today - timedelta(days=back), key="", language="", door="api", outcome="ok",
            shard=0, executions=1, cpu_ms=5_000,
        )  # fmt: skip
    assert post(API, key).status_code == 200


def test_what_a_client_stores_in_a_day_is_its_own_bound() -> None:
    key = key_of(storage_bytes=150)
    for _ in range(2):
        assert post(API, key, source_code="x" * 70).status_code == 200
    assert list(Execution.objects.order_by("id").values_list("unkept_bytes", flat=True)) == [None, 140]


class Held:
    """Programs that run until they are told to end."""

    def __init__(self, backend: FakeBackend) -> None:
        self._end = threading.Event()
        backend.behave = self._run

    def _run(self, _job: Job) -> JobResult:
        self._end.wait(30)
        return result(ran())

    def end(self) -> None:
        self._end.set()


@pytest.mark.usefixtures("transactional_db")
def test_of_many_at_once_exactly_as_many_are_taken_in_as_may_run(fake_backend: FakeBackend) -> None:
    key, held = key_of(max_concurrent=2), Held(fake_backend)
    statuses: list[Any] = []

    def ask(door: str) -> None:
        response = post(door, key)
        statuses.append((response.status_code, response.json().get("code", response.json().get("error"))))
        connection.close()

    threads = [threading.Thread(target=ask, args=(door,)) for door in (API, EXECUTE) * 6]
    for thread in threads:
        thread.start()
    eventually(lambda: len(statuses) == 10)
    assert Execution.objects.filter(status__in=["queued", "running"]).count() == 2
    held.end()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in statuses) == [200] * 2 + [429] * 10
    assert {told for status, told in statuses if status == 429} == {
        "too_many_concurrent", "2 executions of this client are under way already",
    }  # fmt: skip
    assert post(API, key).status_code == 200
    assert Execution.objects.count() == 3


def test_what_waits_in_the_background_is_bounded_apart() -> None:
    key = key_of(max_queued=2, max_concurrent=1)
    answers = [post(API, key, wait=False) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert (answers[2].json()["code"], answers[2].json()["policy"]) == ("queue_full", "queued")
    assert post(API, key).status_code == 200


def test_a_refused_one_takes_no_quota() -> None:
    key = key_of(max_queued=0, executions_day=1)
    assert [post(API, key, wait=False).status_code for _ in range(3)] == [429] * 3
    assert post(API, key).status_code == 200


@pytest.mark.parametrize(
    ("allowed", "host", "may"),
    [
        ([], "anything.example", True),
        (["hooks.example.org"], "hooks.example.org", True),
        (["hooks.example.org"], "HOOKS.example.org.", True),
        (["hooks.example.org"], "evil-hooks.example.org", False),
        (["*.example.org"], "a.b.example.org", True),
        (["*.example.org"], "example.org", False),
        (["*.example.org"], "evilexample.org", False),
    ],
)
def test_where_webhooks_may_go(allowed: list[str], host: str, may: bool) -> None:
    caller = authentication._verify(key_of(webhook_hosts=allowed))
    assert may_call_back(caller, host) is may


def test_a_client_without_limits_costs_no_statement_more(django_assert_max_num_queries: Any) -> None:
    key = key_of()
    post(EXECUTE, key)
    # The row, its storage, its end.
    with django_assert_max_num_queries(3):
        assert post(EXECUTE, key).status_code == 200
    assert not Counter.objects.exists()


def test_what_it_costs_a_client_with_every_limit(django_assert_max_num_queries: Any) -> None:
    key = key_of(max_concurrent=5, executions_day=100, rate="100/m", burst=100)
    post(EXECUTE, key)
    # Two rates, the day asked and taken, a transaction with its lock, its count and the row; then storage and the end.
    with django_assert_max_num_queries(11):
        assert post(EXECUTE, key).status_code == 200


def test_time_of_use_is_written_by_the_heartbeat_alone() -> None:
    key = key_of()
    post(API, key)
    assert Key.objects.get().last_used_at is None
    last_used.write(now=True)
    first = Key.objects.get().last_used_at
    assert first is not None
    time.sleep(0.01)
    last_used.note(Key.objects.get().prefix)
    last_used.write(now=True)
    assert Key.objects.get().last_used_at == first


def test_a_share_of_the_slots_follows_the_row_within_a_sweep(fake_backend: FakeBackend) -> None:
    key_of(share=10)
    caller = f"client {Client.objects.get().pk}"
    recovery.sweep()
    assert shares.of(caller) == 0.1
    Client.objects.update(share=None)
    recovery.sweep()
    assert shares.of(caller) is None


def test_a_repeated_request_is_answered_when_its_first_one_took_the_last_of_the_quota() -> None:
    key, once = key_of(executions_day=1), {"idempotency-key": "a"}
    first = post(API, key, headers=once)
    again = post(API, key, headers=once)
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (200, 200, "true")
    assert again.json()["id"] == first.json()["id"]
    assert post(API, key, headers={"idempotency-key": "b"}).json()["code"] == "quota_exceeded"


@pytest.mark.usefixtures("transactional_db")
def test_requests_that_repeat_each_other_take_one_place_together(fake_backend: FakeBackend) -> None:
    key, held = key_of(max_concurrent=1, executions_day=1), Held(fake_backend)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(post(API, key, headers={"idempotency-key": "a"}))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: Execution.objects.filter(status="running").count() == 1)
    held.end()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.usefixtures("transactional_db")
def test_a_counter_that_another_thread_is_about_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    client_id = uuid7()
    told = iter([False])
    add = CounterCache.add
    # As though another thread had said meanwhile that it is there, before its transaction ended.
    monkeypatch.setattr(
        CounterCache, "add", lambda *args, **kwargs: next(told, None) is not False and add(*args, **kwargs)
    )
    assert [quotas._add(client_id, 1) for _ in range(2)] == [1, 2]


def test_runs_and_tests_of_one_execution_are_capped(settings: Settings) -> None:
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE]
    for headers, key in (({}, key_of(cap_tests=2, cap_repeat=2)), ({}, None)):
        few = 2 if key else 20
        assert post(API, key, headers=headers, repeat=few).status_code == 200
        assert post(API, key, headers=headers, tests=[{}] * few).status_code == 200
    key = key_of(cap_tests=2, cap_repeat=2)
    fields: list[dict[str, Any]] = [{"repeat": 3}, {"tests": [{}] * 3}]
    for field in fields:
        refused = post(API, key, **field)
        assert (refused.status_code, refused.json()["code"]) == (400, "limit_exceeded")
    page = key_of(publishable=True, origins=[PAGE], cap_tests=None, cap_repeat=None)
    for field in ({"repeat": 2}, {"tests": [{}] * (PUBLISHABLE_CAPS["tests"] + 1)}):
        assert post(API, page, headers={"origin": PAGE}, **field).json()["code"] == "limit_exceeded"


def test_readers_of_a_page_are_no_one_person(settings: Settings, fake_backend: FakeBackend) -> None:
    """They find no container that another has used, and no execution by another's Idempotency-Key."""
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE]
    secret, page = key_of(), key_of(publishable=True, origins=[PAGE])
    asked = {"origin": PAGE, "idempotency-key": "lesson-1"}
    told = [post(API, page, address, asked) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    told.append(post(API, secret, headers={"idempotency-key": "lesson-1"}))
    first, again, *others = (each.json()["id"] for each in told)
    assert first == again
    assert len({first, *others}) == 3
    assert fake_backend.tenants == [None, None, prefix_in(secret)]


def test_what_pages_may_ask_for(settings: Settings) -> None:
    """Every way of the API to every view answers a publishable key; none of them fails."""
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE]
    page = key_of(publishable=True, origins=[PAGE])
    told = post(API, page, headers={"origin": PAGE}).json()
    one = {"authorization": f"Bearer {page}", "origin": PAGE, "x-access-token": told["access_token"]}
    http = Http(headers=one)
    assert b"execution.finished" in http.get(told["links"]["events"]).getvalue()
    for path in ("tokens", "cancel"):
        assert http.post(f"{API}/{told['id']}/{path}", "{}", "application/json").status_code < 300
    assert http.get("/api/v1/batches/0199aaaa-0000-7000-8000-000000000000").status_code == 404
    assert http.get(f"{API}/{told['id']}/events", headers={"origin": "https://other.example.org"}).status_code == 403
    for view in _views(get_resolver().url_patterns):
        pages = getattr(view, "for_pages", ())
        assert isinstance(pages, tuple), view
        assert {method.lower() for method in pages} <= set(view.http_method_names), view


def _views(patterns: Any) -> Iterator[Any]:
    for each in patterns:
        if hasattr(each, "url_patterns"):
            yield from _views(each.url_patterns)
        elif hasattr(each.callback, "cls"):
            yield each.callback.cls


def test_executions_of_one_batch_are_capped_and_its_query_is_read_first(settings: Settings) -> None:
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE]
    item = {"language": "python", "source_code": "1"}
    page = key_of(publishable=True, origins=[PAGE])
    for key, most in ((page, 0), (key_of(cap_batch_items=2), 2)):
        http = Http(headers={"authorization": f"Bearer {key}", "origin": PAGE})
        body = json.dumps({"items": [item] * (most + 1)})
        refused = http.post("/api/v1/batches", body, "application/json")
        assert (refused.status_code, refused.json()["code"]) == (400, "limit_exceeded")
    body = json.dumps({"items": [item] * 2})
    for query in ("fields=stauts", "include=wat"):
        refused = http.post(f"/api/v1/batches?{query}", body, "application/json")
        assert refused.json()["code"] == "unknown_field"
    assert not Execution.objects.exists()
    assert http.post("/api/v1/batches?fields=id", body, "application/json").status_code == 202
