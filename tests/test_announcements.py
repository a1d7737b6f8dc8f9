"""That an execution has ended is told in the transaction that ends it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clients.authentication import create
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions import announcements, erasure
from languages.models import Language
from sandbox.errors import PoolBusy
from tests.fake_backend import ran, result
from webhooks.models import Delivery

pytestmark = pytest.mark.usefixtures("rate_limit_off")

HOOK = "https://hooks.example.org/gexec"


@pytest.fixture
def http(python: Language, fake_backend: FakeBackend) -> Client:
    return Client(headers={"authorization": f"Bearer {create('mine')}"})


def post(http: Client, **fields: Any) -> Any:
    body = {"language": "python", "source_code": "x"} | fields
    return http.post("/api/v1/executions", json.dumps(body), "application/json")


def listen(http: Client) -> None:
    body = json.dumps({"url": HOOK, "events": ["execution.finished"]})
    assert http.post("/api/v1/webhooks", body, "application/json").status_code == 201
    announcements.forget_listeners()


def data_of(delivery: Delivery) -> Any:
    return json.loads(bytes(delivery.body))["data"]


def test_every_end_is_told_to_who_listens(http: Client, fake_backend: FakeBackend) -> None:
    listen(http)
    first = post(http).json()
    http.post("/execute", json.dumps({"language": "python", "source_code": "x"}), "application/json")
    fake_backend.refuse = PoolBusy("full", retry_after_s=1)
    assert post(http).status_code == 503
    deliveries = list(Delivery.objects.order_by("message"))
    assert [data_of(each)["status"] for each in deliveries] == ["finished", "finished", "rejected"]
    assert data_of(deliveries[0])["id"] == first["id"]
    assert {each.url for each in deliveries} == {HOOK}


def test_one_request_names_its_own(http: Client) -> None:
    told = post(http, webhook_url=HOOK).json()
    post(http)
    assert data_of(Delivery.objects.get())["id"] == told["id"]


def test_output_is_cut(http: Client, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran("é".encode() * 50_000))
    assert len(post(http, webhook_url=HOOK).json()["run"]["stdout"]) == 50_000
    run = data_of(Delivery.objects.get())["run"]
    assert (len(run["stdout"].encode()), run["stdout_truncated"]) == (65_536, True)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://u:p@example.org/", "ftp://example.org/", "x", "https://a b/"]
)
def test_an_address_where_nothing_goes(http: Client, url: str) -> None:
    response = post(http, webhook_url=url)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/webhook_url")


def test_without_a_key_nobody_is_told(python: Language, fake_backend: FakeBackend) -> None:
    assert post(Client(), webhook_url=HOOK).status_code == 400


def test_it_costs_nothing_where_nobody_listens(http: Client) -> None:
    post(http)
    with CaptureQueriesContext(connection) as queries:
        post(http)
    assert not [query["sql"] for query in queries if "webhooks_" in query["sql"]]


def test_what_is_erased_is_in_no_message_either(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"SECRET"))
    key = create("mine", rights=list(Right))
    http = Client(headers={"authorization": f"Bearer {key}"})
    listen(http)
    ids = [post(http, tags={"candidate": tag}, webhook_url=f"{HOOK}/{tag}").json()["id"] for tag in ("7", "8", "9")]
    assert Delivery.objects.count() == 6
    assert http.delete(f"/api/v1/executions/{ids[0]}").status_code == 200
    http.post("/api/v1/executions/erase", json.dumps({"tag.candidate": "8"}), "application/json")
    assert erasure.carry_out(threading.Event()) == 1
    assert {data_of(each)["id"] for each in Delivery.objects.all()} == {ids[2]}
    assert Delivery.objects.count() == 2
