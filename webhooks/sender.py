"""Sending what is due: one thread of each server process looks, and starts one more for each request."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import replace
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
AT_ONCE_A_HOST = 4
AT_ONCE_A_CLIENT = 8
"""Half: one whose receivers all hang does not keep those of others waiting."""
CALLBACK_S = 5.0
"""How long an answer to a callback may take that is another service's in its form."""
LOOK_EVERY_S = 1.0
"""For what other processes have announced, and what is to be sent again."""
AGAIN_S = 5.0
"""After a look that failed."""
STOP_S = 5.0
"""Requests that are under way when the process stops have so long; the rest is sent again by another one."""
USER_AGENT = "gexec-webhooks/1"

ATTEMPTS = observed.Counter("gexec_webhook_attempts", "Tries to deliver a webhook, and what came of them.", ("result",))

K = TypeVar("K")


class Dispatcher:
    """Started in each server process."""

    def __init__(self, sender: Sender | None = None) -> None:
        """`sender` is for tests; else it follows the settings."""
        self._sender = sender
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._running: set[threading.Thread] = set()
        self._hosts: Counter[str] = Counter()
        self._clients: Counter[UUID] = Counter()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._sender = self._sender or Sender(allowed=networks_in(settings.GEXEC_WEBHOOK_NETWORKS))
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more, and wait a little for what is under way."""
        self._stop.set()
        waking.wake()
        until = time.monotonic() + STOP_S
        # The one that looks first: what it has just claimed is in `_running` once it has ended.
        if self._thread.ident is not None:
            self._thread.join(STOP_S)
        with self._lock:
            running = list(self._running)
        for thread in running:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while not self._stop.is_set():
            pause_s = LOOK_EVERY_S
            try:
                while not self._stop.is_set() and self._start_next():
                    pass
            except (Error, Unavailable) as error:
                logger.warning("webhooks cannot be sent now: %s", error)
                pause_s = AGAIN_S
            except Exception:
                logger.exception("looking for webhooks failed and goes on")
                pause_s = AGAIN_S
            finally:
                release_connection()
            waking.wait(pause_s)

    def _start_next(self) -> bool:
        """Claim one that is due and send it in a thread; whether there was one, and room for it."""
        with self._lock:
            if len(self._running) >= AT_ONCE:
                return False
            hosts = [host for host, count in self._hosts.items() if count >= AT_ONCE_A_HOST]
            clients = [client for client, count in self._clients.items() if count >= AT_ONCE_A_CLIENT]
        delivery = attempts.claim(but_hosts=hosts, but_clients=clients)
        if delivery is None:
            return False
        thread = threading.Thread(target=self._send, args=[delivery], name="webhook", daemon=True)
        with self._lock:
            self._running.add(thread)
            self._hosts[delivery.host] += 1
            self._clients[delivery.client_id] += 1
        thread.start()
        return True

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
        assert self._sender is not None  # noqa: S101 (`start` made one)
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
            self._running.discard(threading.current_thread())
            _take_one(self._hosts, delivery.host)
            _take_one(self._clients, delivery.client_id)
        # There may be one that waits for this place.
        waking.wake()


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
