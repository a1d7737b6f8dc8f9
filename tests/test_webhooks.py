"""Webhooks: what is announced is sent until it has arrived, under one id, signed, and to its own client alone."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from clients import authentication
from clients.models import Client, Key
from periodic import running as periodic
from periodic import tasks
from periodic.locks import Locks
from periodic.models import PeriodicTask
from periodic.scheduler import Scheduler
from rest import observed
from rest.ids import uuid7
from testkit.receivers import Receiver, receiver, saying
from testkit.waiting import eventually
from webhooks import attempts, sender, services, waking
from webhooks import dispatcher as dispatching
from webhooks.addresses import networks_in
from webhooks.attempts import Outcome
from webhooks.dispatcher import Dispatcher
from webhooks.http import Sender
from webhooks.models import Delivery, Endpoint, State, message_id
from webhooks.sender import Sending
from webhooks.targets import BadTarget

pytestmark = pytest.mark.django_db
with_threads = pytest.mark.django_db(transaction=True)

FINISHED = "execution.finished"
_names = itertools.count()


class Caller:
    """A client of the API, with one key."""

    def __init__(self) -> None:
        text = authentication.create(f"hooked {next(_names)}")
        self.client_id: UUID = Key.objects.get(prefix=text.split("_")[2]).client_id
        self._browser = Browser(headers={"authorization": f"Bearer {text}"})

    def post(self, path: str = "", body: Any = None) -> Any:
        return self._browser.post(f"/api/v1/webhooks{path}", body or {}, "application/json")

    def get(self, path: str = "") -> Any:
        return self._browser.get(f"/api/v1/webhooks{path}")

    def delete(self, path: str) -> Any:
        return self._browser.delete(f"/api/v1/webhooks{path}")

    def hook(self, url: str, *events: str) -> Any:
        made = self.post(body={"url": url, "events": list(events or [FINISHED])})
        assert made.status_code == 201, made.content
        return made.json()


@pytest.fixture(autouse=True)
def plain_and_here(settings: Settings) -> None:
    settings.GEXEC_WEBHOOK_HTTP = True
    settings.GEXEC_WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    sender.of_this_process.cache_clear()


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
def here() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def dispatcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatcher]:
    monkeypatch.setattr(dispatching, "LOOK_EVERY_S", 0.05)
    running = Dispatcher()
    running.start()
    yield running
    running.stop()


def announce(client_id: UUID, **more: Any) -> str:
    subject = str(uuid7())
    services.announce(client_id, FINISHED, {"id": subject, "stdout": "grüße \u2028"}, **more)
    return subject


def send_due() -> Outcome | None:
    """As the dispatcher and the periodic work do, here."""
    delivery = attempts.claim() or attempts.claim(again=True)
    if delivery is None:
        return None
    outcome = sender.send(Sender(allowed=networks_in(["127.0.0.0/8"]), total_s=20), delivery)
    attempts.settle(delivery, outcome)
    return outcome


def due_now() -> None:
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))


@with_threads
def test_what_is_announced_arrives_signed(caller: Caller, here: Receiver, dispatcher: Dispatcher) -> None:
    made = caller.hook(here.url)
    assert made["secret"].startswith("whsec_")
    assert "secret" not in caller.get(f"/{made['id']}").json()
    subject = announce(caller.client_id)
    eventually(lambda: here.received)
    received = here.received[0]
    told = Webhook(made["secret"]).verify(received.body, received.headers)
    assert told == {"type": FINISHED, "timestamp": told["timestamp"], "data": {"id": subject, "stdout": "grüße \u2028"}}
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(received.body + b" ", received.headers)
    assert received.headers["content-type"] == "application/json"
    eventually(lambda: Delivery.objects.get().state == State.DELIVERED)
    (listed,) = caller.get(f"/{made['id']}/deliveries").json()["data"]
    assert (listed["status"], listed["message_id"]) == ("delivered", received.headers["webhook-id"])
    assert [(each["status"], each["error"]) for each in listed["attempts"]] == [(200, "")]


def test_only_what_is_committed_is_sent_and_once_however_often_it_is_announced(caller: Caller, here: Receiver) -> None:
    caller.hook(here.url)
    data = {"id": str(uuid7())}
    with transaction.atomic():
        services.announce(caller.client_id, FINISHED, data, url=here.url)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
    for _ in range(3):
        services.announce(caller.client_id, FINISHED, data, url=here.url)
    first, second = Delivery.objects.all()
    assert first.message == second.message
    assert first.message_id.startswith("msg_")
    assert UUID(first.message_id.removeprefix("msg_")).version == 7
    services.announce(caller.client_id, "batch.finished", data, url=here.url)
    assert Delivery.objects.values("message").distinct().count() == 2


def test_others_and_those_who_want_something_else_are_not_told(caller: Caller, here: Receiver) -> None:
    other = Caller()
    other.hook(here.url)
    caller.hook(here.url, "batch.finished")
    announce(caller.client_id)
    assert services.announce(None, FINISHED, {"id": str(uuid7())}, url=here.url) == 0
    assert not Delivery.objects.exists()


def test_one_client_cannot_reach_what_another_has(caller: Caller, here: Receiver) -> None:
    other, made = Caller(), caller.hook(here.url)
    announce(caller.client_id)
    delivery = Delivery.objects.get()
    for path in (f"/{made['id']}", f"/{made['id']}/deliveries"):
        assert other.get(path).status_code == 404
    for path in (
        f"/{made['id']}/rotate",
        f"/{made['id']}/test",
        f"/deliveries/{delivery.pk}/resend",
        f"/{made['id']}/deliveries/{delivery.pk}/resend",
    ):
        assert other.post(path).status_code == 404
    assert other.delete(f"/{made['id']}").status_code == 404
    assert other.get().json()["data"] == other.get("/deliveries").json()["data"] == []


def test_keys_that_may_not(here: Receiver) -> None:
    assert Browser().get("/api/v1/webhooks").status_code == 401
    pages_key = Caller()
    Key.objects.filter(client=pages_key.client_id).update(rights=["execute", "stream", "read"])
    answer = pages_key.post(body={"url": here.url, "events": [FINISHED]})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_right")


def test_an_address_that_no_try_could_reach_is_refused_at_once(caller: Caller, settings: Settings) -> None:
    settings.GEXEC_WEBHOOK_NETWORKS = ["127.0.0.0/8"]

    def answered(host: str) -> Any:
        return caller.post(body={"url": f"https://{host}/", "events": [FINISHED]})

    for inside in ("10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"):
        refused = answered(inside)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/url"), inside
        assert "not public" in refused.json()["detail"]
    assert [answered(host).status_code for host in ("127.0.0.9", "8.8.8.8", "[2606:4700::1111]")] == [201] * 3


def test_what_is_refused(caller: Caller, settings: Settings) -> None:
    good = {"url": "https://hooks.example.org/", "events": [FINISHED]}
    assert caller.post(body=good).status_code == 201
    for wrong, pointer in (
        ({"url": "https://user@example.org/"}, "#/url"),
        ({"url": "https://example.org:22/"}, "#/url"),
        ({"url": 5}, "#/url"),
        ({"events": []}, "#/events"),
        ({"events": ["x"]}, "#/events/0"),
        ({"more": 1}, "#/more"),
    ):
        answer = caller.post(body=good | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    Client.objects.filter(pk=caller.client_id).update(webhook_hosts=["*.example.com"])
    authentication.verified.clear()
    assert caller.post(body=good).status_code == 400
    assert caller.post(body=good | {"url": "https://hooks.example.com"}).status_code == 201
    settings.GEXEC_WEBHOOK_HTTP = False
    assert caller.post(body=good | {"url": "http://hooks.example.com"}).status_code == 400
    for _ in range(services.MAX_ENDPOINTS - 2):
        assert caller.post(body=good | {"url": "https://hooks.example.com"}).status_code == 201
    answer = caller.post(body=good | {"url": "https://hooks.example.com"})
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
    with pytest.raises(BadTarget, match="key"):
        services.check_url(None, "https://hooks.example.org/")


def test_hosts_are_asked_for_again_when_it_is_sent(caller: Caller, here: Receiver) -> None:
    caller.hook(here.url)
    announce(caller.client_id)
    Client.objects.filter(pk=caller.client_id).update(webhook_hosts=["hooks.example.org"])
    outcome = send_due()
    assert outcome is not None
    assert "may not go" in outcome.error
    assert not here.received


def test_an_address_of_a_request_is_signed_with_the_clients_own_secret(caller: Caller, here: Receiver) -> None:
    old = caller.post("/secret").json()["secret"]
    new = caller.post("/secret").json()["secret"]
    assert old != new
    announce(caller.client_id, url=here.url)
    announce(caller.client_id, url=here.url, method="PUT", body=b"{}")
    assert send_due() is not None
    assert send_due() is not None
    for received in here.received:
        for secret in (old, new):
            Webhook(secret).verify(received.body, received.headers)
    assert [each.line.split()[0] for each in here.received] == ["POST", "PUT"]
    assert here.received[1].body == b"{}"
    assert {each["webhook"] for each in caller.get("/deliveries").json()["data"]} == {None}


def test_for_a_day_both_secrets_sign(caller: Caller, here: Receiver) -> None:
    made = caller.hook(here.url)
    new = caller.post(f"/{made['id']}/rotate").json()["secret"]
    announce(caller.client_id)
    send_due()
    for secret in (made["secret"], new):
        Webhook(secret).verify(here.received[0].body, here.received[0].headers)
    Endpoint.objects.update(old_secret_until=timezone.now())
    announce(caller.client_id)
    send_due()
    Webhook(new).verify(here.received[1].body, here.received[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(here.received[1].body, here.received[1].headers)


def test_a_failure_is_tried_again_by_the_table_with_the_same_id(caller: Caller) -> None:
    with receiver(saying(500, body=b"a\x00b" + b"c" * 1000)) as running:
        made = caller.hook(running.url)
        announce(caller.client_id)
        for wait_s in attempts.RETRY_S:
            before = timezone.now()
            assert send_due() is not None
            waits = (Delivery.objects.get().next_at - before).total_seconds()
            assert wait_s <= waits <= wait_s * (1 + attempts.JITTER) + 20
            assert send_due() is None
            due_now()
        assert send_due() is not None
        delivery = Delivery.objects.get()
        assert delivery.state == State.FAILED
        assert len({received.headers["webhook-id"] for received in running.received}) == 1
        assert len(running.received) == len(attempts.RETRY_S) + 1
        log = caller.get(f"/{made['id']}/deliveries").json()["data"][0]["attempts"]
        assert log[0]["status"] == 500
        assert len(log[0]["answer"]) == 500
        running.answers = [saying(204)]
        assert caller.post(f"/{made['id']}/deliveries/{delivery.pk}/resend").status_code == 202
        assert send_due() is not None
        assert running.received[-1].headers["webhook-id"] == delivery.message_id
        assert Delivery.objects.get().state == State.DELIVERED


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_may_ask_to_wait(caller: Caller, status: int) -> None:
    later = format_datetime(timezone.now() + timedelta(seconds=3000), usegmt=True)
    for asked, least, most in (
        ("1000", 1000, 1100),
        (later, 2900, 3100),
        ("0", 5, 60),
        ("-5", 5, 60),
        ("soon", 5, 60),
        ("9" * 400, attempts.MAX_RETRY_AFTER_S, attempts.MAX_RETRY_AFTER_S + 60),
    ):
        Delivery.objects.all().delete()
        with receiver(saying(status, f"Retry-After: {asked}")) as running:
            announce(caller.client_id, url=running.url)
            before = timezone.now()
            send_due()
            assert least <= (Delivery.objects.get().next_at - before).total_seconds() <= most + 20


def test_a_redirect_is_a_failure(caller: Caller, here: Receiver) -> None:
    with receiver(saying(307, f"Location: {here.url}")) as running:
        announce(caller.client_id, url=running.url)
        outcome = send_due()
    assert outcome is not None
    assert (outcome.status, outcome.is_delivered) == (307, False)
    assert not here.received


def test_gone_is_gone(caller: Caller) -> None:
    with receiver(saying(410)) as running:
        made = caller.hook(running.url)
        announce(caller.client_id)
        announce(caller.client_id)
        send_due()
        assert {each.state for each in Delivery.objects.all()} == {State.FAILED}
        shown = caller.get(f"/{made['id']}").json()
        assert "410" in shown["disabled_reason"]
        assert shown["disabled_at"]
        announce(caller.client_id)
        announce(caller.client_id, url=running.url)
        assert Delivery.objects.count() == 3
        send_due()
        assert Delivery.objects.filter(state=State.PENDING).count() == 0


def test_five_days_of_nothing_but_failures_disable(caller: Caller) -> None:
    with receiver(saying(500), saying(200), saying(500)) as running:
        caller.hook(running.url)

        def again(ago: timedelta) -> Endpoint:
            announce(caller.client_id)
            Endpoint.objects.filter(failing_since__isnull=False).update(failing_since=timezone.now() - ago)
            send_due()
            return Endpoint.objects.get()

        assert again(timedelta()).failing_since is not None
        assert again(timedelta(days=6)).failing_since is None
        assert again(timedelta()).disabled_at is None
        assert again(timedelta(days=4)).disabled_at is None
        assert again(timedelta(days=6)).disabled_at is not None
        services.enable(Endpoint.objects.get())
        assert again(timedelta()).disabled_at is None


@with_threads
def test_a_test_is_sent_at_once(caller: Caller, here: Receiver, dispatcher: Dispatcher) -> None:
    made = caller.hook(here.url)
    asked = caller.post(f"/{made['id']}/test")
    assert (asked.status_code, asked.json()["status"]) == (202, "pending")
    eventually(lambda: here.received)
    told = Webhook(made["secret"]).verify(here.received[0].body, here.received[0].headers)
    assert (told["type"], told["data"]["webhook"]) == ("webhook.test", made["id"])


def test_a_deleted_webhook_takes_its_deliveries_along(caller: Caller, here: Receiver) -> None:
    made = caller.hook(here.url)
    announce(caller.client_id)
    send_due()
    announce(caller.client_id)
    assert caller.delete(f"/{made['id']}").status_code == 204
    assert not Delivery.objects.exists()
    assert send_due() is None


def test_what_a_dead_process_had_claimed_is_sent_by_another(caller: Caller, here: Receiver) -> None:
    announce(caller.client_id, url=here.url)
    lost = attempts.claim()
    assert lost is not None
    assert attempts.claim(again=True) is None
    due_now()
    assert attempts.claim() is None
    assert send_due() is not None
    attempts.settle(lost, Outcome(error="late"))
    assert Delivery.objects.get().state == State.DELIVERED


@with_threads
def test_each_is_claimed_once(caller: Caller) -> None:
    for number in range(30):
        announce(caller.client_id, url=f"http://127.0.0.1:9999/{number}")
    claimed: list[UUID] = []

    def work() -> None:
        while delivery := attempts.claim():
            claimed.append(delivery.pk)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 30


@with_threads
def test_one_host_is_sent_a_few_at_once_and_does_not_hold_up_others(
    caller: Caller, here: Receiver, dispatcher: Dispatcher
) -> None:
    go_on = threading.Event()

    def hang(connection: socket.socket, _received: object) -> None:
        go_on.wait(10)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with receiver(hang) as slow:
        for number in range(10):
            announce(caller.client_id, url=f"{slow.url}/{number}")
        eventually(lambda: slow.at_once == sender.AT_ONCE_A_HOST)
        announce(caller.client_id, url=f"http://127.0.0.2:{here.port}/")
        # Another host; nobody listens there, which is told at once.
        eventually(lambda: Delivery.objects.filter(host="127.0.0.2", log__isnull=False).exists())
        assert slow.at_once == sender.AT_ONCE_A_HOST
        go_on.set()
        eventually(lambda: Delivery.objects.filter(state=State.DELIVERED).count() == 10)
        assert slow.most_at_once == sender.AT_ONCE_A_HOST


def delivered_so_far() -> float:
    """As other processes see it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(value), 0) FROM rest_observation WHERE series LIKE '%%attempts%%delivered%%'"
        )
        return float(cursor.fetchone()[0])


def arrived(target: Receiver, requests: int) -> None:
    eventually(lambda: len(target.received) == requests)


def retry(locks: Locks) -> periodic.Ran | None:
    """One turn of the periodic work; None: another process is at it."""
    return periodic.run(tasks.registered()["webhook-retries"], locks, threading.Event(), only_if_due=False)


@with_threads
def test_what_failed_is_sent_again_by_the_periodic_work_alone(
    caller: Caller, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "RETRY_S", (300,) * 7)
    locks = Locks()
    with receiver(saying(500), saying(500), saying(200)) as target:
        announce(caller.client_id, url=target.url)
        for tries in (1, 2):
            settled = Delivery.objects.filter(claim=None, attempts=tries)
            eventually(settled.all().exists)
            due_now()
            waking.wake()
            time.sleep(0.2)
            assert len(target.received) == tries
            if tries == 1:
                ran = retry(locks)
                assert ran is not None
                assert (ran.done, ran.error) == (1, "")
        observed.write()
        before = delivered_so_far()
        call_command("periodic", "webhook-retries")
        # It has waited for what came of it, and told /metrics of it.
        assert delivered_so_far() == before + 1
        assert Delivery.objects.get().state == State.DELIVERED
        assert len({received.headers["webhook-id"] for received in target.received}) == 1
    assert PeriodicTask.objects.get(pk="webhook-retries").done == 1
    locks.close()


@with_threads
def test_one_process_at_a_time_sends_again_and_leaves_room_for_what_is_new(
    caller: Caller, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "AGAIN_AT_ONCE", 2)
    monkeypatch.setattr(Sending, "_sender", Sender(allowed=networks_in(["127.0.0.0/8"]), total_s=60))
    go_on = threading.Event()

    def hang(connection: socket.socket, _received: object) -> None:
        go_on.wait(60)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def turn() -> None:
        own = Locks()
        ran.append(retry(own))
        own.close()
        connection.close()

    ran: list[periodic.Ran | None] = []
    with receiver(hang) as slow:
        with transaction.atomic():
            for number in range(sender.AT_ONCE_A_HOST):
                announce(caller.client_id, url=f"{slow.url}/{number}")
            # As a process that has ended leaves them.
            Delivery.objects.update(attempts=1)
        working = threading.Thread(target=turn)
        working.start()
        eventually(lambda: slow.at_once == 2)
        turn()
        assert ran == [None]
        announce(caller.client_id, url=f"{slow.url}/new")
        eventually(lambda: slow.at_once == 3)
        go_on.set()
        working.join()
        assert [each.done for each in ran if each] == [sender.AT_ONCE_A_HOST]
        eventually(lambda: not Delivery.objects.exclude(state=State.DELIVERED).exists())


@with_threads
def test_another_process_goes_on(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "RETRY_S", (300,) * 7)
    monkeypatch.setattr(tasks, "_tasks", {"webhook-retries": tasks.registered()["webhook-retries"]})
    with receiver(saying(500), saying(500), saying(200)) as target:
        announce(caller.client_id, url=target.url)
        for tries in (1, 2, 3):
            dispatcher, scheduler = Dispatcher(), Scheduler()
            dispatcher.start()
            scheduler.start()
            arrived(target, tries)
            scheduler.stop()
            dispatcher.stop()
            due_now()
        assert Delivery.objects.get().state == State.DELIVERED
        assert len({received.headers["webhook-id"] for received in target.received}) == 1
        assert len(target.received) == 3


@with_threads
def test_what_is_claimed_as_a_dispatcher_stops_is_waited_for(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, go_on, claim = threading.Event(), threading.Event(), attempts.claim

    def slow_claim(**but: Any) -> Delivery | None:
        delivery = claim(**but)
        if delivery is not None:
            looks.set()
            go_on.wait(10)
        return delivery

    monkeypatch.setattr(attempts, "claim", slow_claim)
    with receiver(saying(200)) as running:
        announce(caller.client_id, url=running.url)
        dispatcher = Dispatcher()
        dispatcher.start()
        assert looks.wait(10)
        threading.Timer(0.2, go_on.set).start()
        dispatcher.stop()
        assert Delivery.objects.get().state == State.DELIVERED


def test_old_ones_are_forgotten_with_their_log(caller: Caller, here: Receiver) -> None:
    announce(caller.client_id, url=here.url)
    send_due()
    announce(caller.client_id, url=here.url)
    assert attempts.forget_old() == 0
    Delivery.objects.filter(state=State.DELIVERED).update(ended_at=timezone.now() - attempts.KEPT)
    assert attempts.forget_old() == 1
    assert Delivery.objects.get().state == State.PENDING


def test_the_admin_shows_the_log_and_sends_again(caller: Caller, here: Receiver, admin_client: Browser) -> None:
    made = caller.hook(here.url)
    announce(caller.client_id)
    send_due()
    delivery = Delivery.objects.get()
    page = admin_client.get(f"/admin/webhooks/delivery/{delivery.pk}/change/").content.decode()
    assert message_id(delivery.message) in page
    assert "200" in page
    listed = admin_client.get("/admin/webhooks/endpoint/").content.decode()
    assert here.url in listed
    assert made["secret"] not in listed + page
    again = {"action": "resend", "_selected_action": [str(delivery.pk)]}
    assert admin_client.post("/admin/webhooks/delivery/", again).status_code == 302
    assert send_due() is not None
    assert len(here.received) == 2
    services.disable(Endpoint.objects.get().pk, "why")
    enable = {"action": "enable", "_selected_action": [made["id"]]}
    assert admin_client.post("/admin/webhooks/endpoint/", enable).status_code == 302
    assert Endpoint.objects.get().disabled_at is None


def test_bodies_are_json_that_receivers_can_read(caller: Caller, here: Receiver) -> None:
    services.announce(caller.client_id, FINISHED, {"id": str(uuid7()), "name": "a\ud800b\x00"}, url=here.url)
    send_due()
    told = json.loads(here.received[0].body)
    assert told["timestamp"].endswith("Z")
    assert told["data"]["name"] == "a?b\x00"
