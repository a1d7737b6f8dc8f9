"""The threads of a process that send, one for each request: so many in all, to a host, of a client, and once more."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import replace
from functools import cache, cached_property
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.utils import timezone

from clients.caller import Caller
from rest import observed
from rest.connections import release_connection
from rest.exceptions import Unavailable
from webhooks import attempts, services, waking
from webhooks.addresses import networks_in
from webhooks.attempts import Outcome
from webhooks.http import Sender, Unreached
from webhooks.models import Delivery
from webhooks.signing import signed_headers
from webhooks.targets import BadTarget, target_of

logger = logging.getLogger(__name__)

AT_ONCE = 16
"""Requests of one process. Each waits most of the time."""
AGAIN_AT_ONCE = 12
"""Of them what is sent again: receivers that hang leave room for what is sent for the first time."""
AT_ONCE_A_HOST = 4
AT_ONCE_A_CLIENT = 8
"""Half: one whose receivers all hang does not keep those of others waiting."""
CALLBACK_S = 5.0
"""How long an answer to a callback may take that is another service's in its form."""
USER_AGENT = "gexec-webhooks/1"

ATTEMPTS = observed.Counter("gexec_webhook_attempts", "Tries to deliver a webhook, and what came of them.", ("result",))

K = TypeVar("K")


class Sending:
    """What a process sends just now, whoever of it looks for what is due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_left = threading.Condition(self._lock)
        self._claims = threading.Lock()
        self._running: dict[threading.Thread, bool] = {}
        """With whether it is sent again."""
        self._hosts: Counter[str] = Counter()
        self._clients: Counter[UUID] = Counter()

    @cached_property
    def _sender(self) -> Sender:
        return Sender(allowed=networks_in(settings.GEXEC_WEBHOOK_NETWORKS))

    def start_next(self, *, again: bool) -> bool:
        """Claim one that is due and send it in a thread; whether there was one, and room for it.

        Raises the database's errors.
        """
        # One after the other: else two would take the one place that is left.
        with self._claims:
            delivery = self._claim(again=again)
            if delivery is None:
                return False
            thread = threading.Thread(target=self._send, args=[delivery], name="webhook", daemon=True)
            with self._lock:
                self._running[thread] = again
                self._hosts[delivery.host] += 1
                self._clients[delivery.client_id] += 1
        thread.start()
        return True

    def _claim(self, *, again: bool) -> Delivery | None:
        with self._lock:
            if len(self._running) >= AT_ONCE or (again and self._again() >= AGAIN_AT_ONCE):
                return None
            hosts = [host for host, count in self._hosts.items() if count >= AT_ONCE_A_HOST]
            clients = [client for client, count in self._clients.items() if count >= AT_ONCE_A_CLIENT]
        return attempts.claim(again=again, but_hosts=hosts, but_clients=clients)

    def is_sending_again(self) -> bool:
        """Whether one is under way that had been tried before."""
        with self._lock:
            return bool(self._again())

    def wait(self, seconds: float) -> None:
        """Until one of those that are under way has ended, or the time is up."""
        with self._lock:
            self._has_left.wait(seconds)

    def join(self, until: float) -> None:
        """Wait for what is under way, until this time of the monotonic clock."""
        with self._lock:
            running = list(self._running)
        for thread in running:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _again(self) -> int:
        return sum(self._running.values())

    def _send(self, delivery: Delivery) -> None:
        try:
            outcome = self._outcome(delivery)
            attempts.settle(delivery, outcome)
            ATTEMPTS.count(_result_of(outcome))
            logger.info(
                "webhook sent" if outcome.is_delivered else "webhook failed",
                extra={"delivery": str(delivery.pk), "status": outcome.status, "ms": outcome.ms},
            )
        except (Error, Unavailable) as error:
            logger.warning("what came of a webhook cannot be written now: it is sent again: %s", error)
        except Exception:
            logger.exception("sending a webhook failed: it is sent again")
        finally:
            release_connection()
            self._leave(delivery)

    def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            return send(self._sender, delivery)
        except (Error, Unavailable):
            raise
        except Exception:
            # It counts as a try: else it would come back every minute, for ever.
            logger.exception("sending a webhook failed")
            return Outcome(error="this server could not send it")

    def _leave(self, delivery: Delivery) -> None:
        with self._lock:
            del self._running[threading.current_thread()]
            _take_one(self._hosts, delivery.host)
            _take_one(self._clients, delivery.client_id)
            self._has_left.notify_all()
        # There may be one that waits for this place.
        waking.wake()


@cache
def of_this_process() -> Sending:
    """The one that all share who send here, so that its bounds are those of the process."""
    return Sending()


def _result_of(outcome: Outcome) -> str:
    if outcome.is_delivered:
        return "delivered"
    return "unreached" if outcome.status is None else "refused"


def _take_one(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def send(sender: Sender, delivery: Delivery) -> Outcome:
    """One try. No connection of the database is held meanwhile."""
    keys = services.signing_keys(delivery)
    body = bytes(delivery.body)
    began = time.monotonic()
    try:
        target = target_of(delivery.url, may_be_plain=settings.GEXEC_WEBHOOK_HTTP)
        services.check_host(_caller(delivery), target)
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        headers |= signed_headers(delivery.message_id, body, timezone.now(), keys)
        release_connection()
        if delivery.is_callback:
            sender = replace(sender, total_s=min(sender.total_s, CALLBACK_S))
        reply = sender.send(target, delivery.method, headers, body)
    except BadTarget as exc:
        return Outcome(error=f"the address {exc}", ms=_ms_since(began))
    except Unreached as exc:
        return Outcome(error=str(exc), ms=_ms_since(began))
    error = "a redirect, which is not followed" if 300 <= reply.status < 400 else ""
    return Outcome(reply.status, _ms_since(began), error, reply.retry_after, reply.body)


def _caller(delivery: Delivery) -> Caller:
    client = delivery.client
    return Caller(prefix="", client_id=client.pk, rights=frozenset(), webhook_hosts=tuple(client.webhook_hosts))


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
