"""A submission's callback_url is called as Judge0 calls it, by the same guarded sender as webhooks."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from clients.authentication import create
from clients.models import Client as Tenant
from clients.rights import USUAL
from dispatch.testing import FakeBackend
from testkit.receivers import Answer, receiver, saying
from tests.fake_backend import ran, result
from webhooks import attempts, sender
from webhooks.addresses import networks_in
from webhooks.http import Sender, Unreached
from webhooks.models import Delivery, State

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.compat_urls"),
    pytest.mark.usefixtures("open_doors", "rate_limit_off", "nothing_remembered", "python"),
]
LOOPBACK = "127.0.0.0/8"


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Any, fake_backend: FakeBackend) -> None:
    settings.GEXEC_WEBHOOK_HTTP, settings.GEXEC_WEBHOOK_NETWORKS = True, [LOOPBACK]
    fake_backend.behave = lambda _job: result(ran(b"hello\n", peak_memory_bytes=2048))


def submit(url: str, *, status: int = 201) -> Any:
    answer = Client(headers={"X-Auth-Token": create("k", rights=USUAL)}).post(
        "/judge0/submissions?wait=true",
        {"language_id": 71, "source_code": "print(1)", "callback_url": url},
        content_type="application/json",
    )
    assert answer.status_code == status
    return answer.json()


def tried() -> Delivery:
    """One try of what is due, written down."""
    delivery = attempts.claim() or attempts.claim(again=True)
    assert delivery is not None
    attempts.settle(delivery, sender.send(Sender(allowed=networks_in([LOOPBACK])), delivery))
    return Delivery.objects.get()


def test_the_default_attributes_are_put_in_base64() -> None:
    with receiver() as target:
        token = submit(f" {target.url} ")["token"]
        assert tried().state == State.DELIVERED
    (received,) = target.received
    assert received.line.startswith("PUT /hook ")
    assert received.headers["content-type"] == "application/json"
    assert list(json.loads(received.body).items()) == [
        ("stdout", "aGVsbG8K\n"), ("time", "0.004"), ("memory", 2), ("stderr", None), ("token", token),
        ("compile_output", None), ("message", None), ("status", {"id": 3, "description": "Accepted"}),
    ]  # fmt: skip


def test_a_long_text_is_cut(fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"x" * 2_000_000))
    with receiver() as target:
        submit(target.url)
        tried()
    assert len(base64.b64decode(json.loads(target.received[0].body)["stdout"])) == 1024 * 1024


def test_it_is_tried_three_times() -> None:
    with receiver(saying(500)) as target:
        submit(target.url)
        for tries in (1, 2):
            delivery = tried()
            assert (delivery.state, delivery.attempts) == (State.PENDING, tries)
            assert delivery.next_at - timezone.now() < timedelta(seconds=10)
            Delivery.objects.update(next_at=timezone.now())
        assert tried().state == State.FAILED
    assert len(target.received) == 3


def test_a_receiver_that_does_not_answer_has_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    totals: list[float] = []

    def send(self: Sender, *_: Any) -> Any:
        totals.append(self.total_s)
        raise Unreached("too late")

    monkeypatch.setattr(Sender, "send", send)
    with receiver() as target:
        submit(target.url)
        tried()
    assert totals == [5.0]


@pytest.mark.parametrize(
    ("answer", "settled"),
    [(saying(302, "Location: http://127.0.0.1:9/"), State.PENDING), (saying(204), State.DELIVERED)],
)
def test_a_redirect_is_not_followed(answer: Answer, settled: str) -> None:
    with receiver(answer) as target:
        submit(target.url)
        assert tried().state == settled
    assert len(target.received) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/x", "is an address that is not public"),
        ("not a url", "is no plain https:// address: without user, fragment, spaces, or characters beyond ASCII"),
        (
            "ftp://example.com/",
            "is no plain https:// address: without user, fragment, spaces, or characters beyond ASCII",
        ),
    ],
)
def test_an_address_that_cannot_be_called_is_refused_at_once(url: str, why: str) -> None:
    assert submit(url, status=422) == {"callback_url": [why]}


def test_a_host_that_the_client_may_not_call_is_refused() -> None:
    Tenant.objects.get_or_create(name="k", defaults={"webhook_hosts": ["example.com"]})
    with receiver() as target:
        submit(target.url, status=422)


def test_a_name_that_leads_inside_is_not_called(settings: Any) -> None:
    settings.GEXEC_WEBHOOK_NETWORKS = []
    with receiver() as target:
        submit(f"http://localhost:{target.port}/hook")
        delivery = attempts.claim()
        assert delivery is not None
        outcome = sender.send(Sender(), delivery)
    assert (outcome.status, outcome.error) == (None, "the name leads to an address that is not public")
    assert not target.received
