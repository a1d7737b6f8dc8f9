"""What others do with webhooks: check an address, announce what has happened, and manage what a client has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clients.caller import Caller
from clients.models import Client
from clients.policy import may_call_back
from rest.ids import uuid7
from rest.times import rfc3339
from webhooks import waking
from webhooks.addresses import is_address, is_reachable, networks_in
from webhooks.models import TEST_EVENT, ClientSecret, Delivery, Endpoint, State
from webhooks.signing import new_secret
from webhooks.targets import BadTarget, Target, target_of

OLD_SECRET_COUNTS = timedelta(hours=24)
MAX_ENDPOINTS = 5
"""Of a client: each is one more row for everything that happens."""
UNSIGNED_WITHOUT_CLIENT = "webhooks need an API key: they are signed with a secret of its client"


class TooMany(Exception):
    """The client has as many webhooks as it may."""


def check_url(caller: Caller | None, url: str) -> Target:
    """Whether this caller's webhooks may go there, as far as the text tells; the rest is seen at each connection.

    Raises BadTarget, also for a caller without a key, as there is no client whose secret could sign; and for one with a
    publishable key, as every reader of a page could have the client's signature sent anywhere.
    """
    if caller is None:
        raise BadTarget(UNSIGNED_WITHOUT_CLIENT)
    if caller.publishable:
        raise BadTarget("cannot be named with a publishable key")
    target = target_of(url, may_be_plain=settings.GEXEC_WEBHOOK_HTTP)
    check_host(caller, target)
    if is_address(target.host) and not is_reachable(target.host, networks_in(settings.GEXEC_WEBHOOK_NETWORKS)):
        raise BadTarget("is an address that is not public")
    return target


def check_host(caller: Caller, target: Target) -> None:
    """Raises BadTarget where the client's webhooks may not go there."""
    if not may_call_back(caller, target.host):
        raise BadTarget("leads to a host to which webhooks of this client may not go")


def announce(
    client_id: UUID | None,
    event: str,
    data: Mapping[str, Any],
    *,
    url: str | None = None,
    method: str = "POST",
    body: bytes | None = None,
) -> int:
    """Have it told to all addresses of the client that want this event, and to `url`; how many these are.

    Call it in the transaction that makes it true: then it is told where, and only where, that is committed. Told again,
    also by another process, it is the same messages and nothing is sent twice: a message's id follows from the event
    and from `data["id"]`, a UUID. `body` is what `url` gets in place of the usual message, by `method`.
    """
    if client_id is None:
        return 0
    usual = _body(event, data)
    message = _message(UUID(str(data["id"])), event)
    wanting = Endpoint.objects.filter(client_id=client_id, events__contains=[event], disabled_at=None)
    rows = [_delivery(client_id, message, event, usual, endpoint.url, endpoint=endpoint) for endpoint in wanting]
    if url is not None:
        rows.append(_delivery(client_id, message, event, usual if body is None else body, url, method=method))
    if rows:
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        transaction.on_commit(waking.wake)
    return len(rows)


def forget(event: str, subjects: Iterable[UUID]) -> None:
    """Take away all that was, or is still to be, told of this event with these ids: what it was of is deleted."""
    messages = [_message(each, event) for each in subjects]
    for of_a_request in (False, True):  # Each has an index of its own.
        Delivery.objects.filter(message__in=messages, endpoint__isnull=of_a_request).delete()


def create(client_id: UUID, *, url: str, events: Sequence[str]) -> Endpoint:
    """A new address. Raises TooMany. `url` has passed `check_url`."""
    with transaction.atomic():
        Client.objects.select_for_update(no_key=True).get(pk=client_id)
        if Endpoint.objects.filter(client_id=client_id).count() >= MAX_ENDPOINTS:
            raise TooMany
        return Endpoint.objects.create(client_id=client_id, url=url, events=list(events), secret=new_secret())


def rotate(endpoint: Endpoint) -> str:
    """A new secret, with which is signed from now on; for a day the old one signs too."""
    return _rotate(Endpoint.objects.filter(pk=endpoint.pk), endpoint.secret)


def default_secret(client_id: UUID) -> str:
    """A new secret for addresses that requests name themselves; for a day the one before signs too."""
    with transaction.atomic():
        own, made = ClientSecret.objects.select_for_update().get_or_create(
            client_id=client_id, defaults={"secret": new_secret()}
        )
        return own.secret if made else _rotate(ClientSecret.objects.filter(pk=client_id), own.secret)


def signing_keys(delivery: Delivery) -> list[str]:
    """The secrets to sign it with."""
    if delivery.endpoint is not None:
        return delivery.endpoint.secrets()
    own, _ = ClientSecret.objects.get_or_create(client_id=delivery.client_id, defaults={"secret": new_secret()})
    return own.secrets()


def send_test(endpoint: Endpoint) -> Delivery:
    """A message that says nothing, sent at once."""
    data = {"id": str(uuid7()), "object": "test", "webhook": str(endpoint.pk)}
    message = _message(UUID(data["id"]), TEST_EVENT)
    body = _body(TEST_EVENT, data)
    delivery = _delivery(endpoint.client_id, message, TEST_EVENT, body, endpoint.url, endpoint=endpoint)
    delivery.save(force_insert=True)
    transaction.on_commit(waking.wake)
    return delivery


def resend(delivery: Delivery) -> None:
    """Send it again, with the same id, now; its tries are counted anew."""
    # One that is just being sent goes out a second time: what comes of the first try is not written over this.
    Delivery.objects.filter(pk=delivery.pk).update(
        state=State.PENDING, attempts=0, next_at=timezone.now(), claim=None, ended_at=None
    )
    transaction.on_commit(waking.wake)


def enable(endpoint: Endpoint) -> None:
    """Tell it again what happens from now on."""
    Endpoint.objects.filter(pk=endpoint.pk).update(disabled_at=None, disabled_reason="", failing_since=None)


def disable(endpoint_id: UUID, reason: str) -> None:
    """Tell it nothing more, and give up what waits."""
    now = timezone.now()
    Endpoint.objects.filter(pk=endpoint_id, disabled_at=None).update(disabled_at=now, disabled_reason=reason)
    waiting = Delivery.objects.filter(endpoint_id=endpoint_id, state=State.PENDING)
    waiting.update(state=State.FAILED, ended_at=now, claim=None)


def _rotate(rows: Any, old: str) -> str:
    secret = new_secret()
    until = timezone.now() + OLD_SECRET_COUNTS
    rows.update(secret=secret, old_secret=old, old_secret_until=until)
    return secret


def _delivery(
    client_id: UUID,
    message: UUID,
    event: str,
    body: bytes,
    url: str,
    *,
    endpoint: Endpoint | None = None,
    method: str = "POST",
) -> Delivery:
    try:
        host = target_of(url, may_be_plain=True).host
    except BadTarget:
        # It was allowed once; the sender will say what is wrong with it.
        host = ""
    return Delivery(
        message=message,
        client_id=client_id,
        endpoint=endpoint,
        url=url,
        host=host,
        method=method,
        event=event,
        body=body,
    )


def _body(event: str, data: Mapping[str, Any]) -> bytes:
    message = {"type": event, "timestamp": rfc3339(timezone.now()), "data": data}
    # Never fails for its text: it is made in the transaction that it tells of.
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _message(subject: UUID, event: str) -> UUID:
    """A UUID of version 7 with the time of the subject's, and in place of chance the digest of both."""
    digest = int.from_bytes(hashlib.sha256(f"{subject}:{event}".encode()).digest()[:10], "big")
    low = (digest & (1 << 62) - 1) | 0b10 << 62
    return UUID(int=subject.int >> 80 << 80 | 0x7 << 76 | (digest >> 62 & 0xFFF) << 64 | low)
