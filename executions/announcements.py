"""Telling a client's webhooks that an execution has ended, in the transaction that ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from executions.models import ADMIN, Execution, Status
from rest.snapshot import Snapshot
from webhooks import services as webhooks
from webhooks.models import Endpoint

FINISHED = "execution.finished"
SHOWN_BYTES = 64 * 1024
"""Of each stream in a message."""
_STREAMS = ("stdout", "stderr")

Told = Callable[[Execution], dict[str, Any]]
_told: list[Told] = []


class Callback(NamedTuple):
    """What another service sends in place of our message, to the address that a request named."""

    method: str
    body: bytes


CallbackOf = Callable[[Execution], Callback | None]
_callbacks: dict[str, CallbackOf] = {}


def told_by(resource: Told) -> None:
    """Have executions described by this: what the API answers with, which stands above this."""
    _told[:] = [resource]


def called_back_by(door: str, callback: CallbackOf) -> None:
    """Have the addresses that requests of this door name called in its own way."""
    _callbacks[door] = callback


def are_wanted(execution: Execution) -> bool:
    """Whether somebody is to be told. An endpoint that was made within the last second may not be known yet."""
    if execution.client_id is None or execution.door == ADMIN:
        return False
    return bool(execution.webhook_url) or execution.client_id in _listening.current()


def announce(execution: Execution) -> None:
    """Call it in the transaction that ends the execution."""
    if execution.status not in (Status.FINISHED, Status.REJECTED) or not _told:
        return
    data = _told[0](execution)
    for step in ("compile", "run"):
        if data.get(step) is not None:
            data[step] = _cut(data[step])
    # A program's runs are told as one, and of its tests how they went.
    data.pop("runs", None)
    data["tests"] = data.get("tests") and [_without_streams(test) for test in data["tests"]]
    data["artifacts"] = [entry | {"content": None} for entry in data.get("artifacts", ())]
    callback = _callback_of(execution)
    webhooks.announce(
        execution.client_id,
        FINISHED,
        data,
        url=execution.webhook_url or None,
        **({} if callback is None else callback._asdict()),
    )


def described(execution: Execution) -> dict[str, Any]:
    """An execution as the API tells it to its client."""
    return _told[0](execution)


def take_back(execution_ids: Iterable[UUID]) -> None:
    """Forget what was told of these, which has pieces of them. Call it in the transaction that deletes them."""
    webhooks.forget(FINISHED, execution_ids)


def forget_listeners() -> None:
    """See endpoints of this process at once."""
    _listening.forget()


def _callback_of(execution: Execution) -> Callback | None:
    made = _callbacks.get(execution.door) if execution.webhook_url else None
    return None if made is None else made(execution)


def _clients() -> frozenset[UUID]:
    return frozenset(Endpoint.objects.filter(disabled_at=None).values_list("client_id", flat=True))


_listening = Snapshot(_clients)


def _without_streams(test: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in test.items() if not name.startswith(_STREAMS) and name != "output"}


def _cut(step: dict[str, Any]) -> dict[str, Any]:
    """A step whose streams are cut to SHOWN_BYTES, and say so."""
    cut = dict(step)
    for name in _STREAMS:
        data = str(step[name]).encode()
        if len(data) > SHOWN_BYTES:
            cut[name] = data[:SHOWN_BYTES].decode(errors="ignore")
            cut[f"{name}_truncated"] = True
            cut[f"{name}_base64"] = None
    return cut
