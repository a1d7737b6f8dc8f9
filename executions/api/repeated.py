"""Requests with an Idempotency-Key: run once, and answered again from the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from rest_framework.request import Request

from clients.caller import sharing
from executions import services
from executions.idempotency import Claim, Found, Taken, find, fingerprint_of, key_in
from executions.models import OPEN, Execution
from executions.origins import origin_of
from executions.submission import Origin
from rest.disconnect import Client
from rest.exceptions import Refusal

Made = TypeVar("Made")

_TRIES = 10
"""Of taking a key that others hold and give up in turn."""
_LONGEST_S = 3_600.0


class InProgress(Refusal):
    """The first request with the key has no answer yet."""

    wait = 1

    def __init__(self) -> None:
        super().__init__(
            "the first request with this Idempotency-Key still runs", status=409, code="idempotency_in_progress"
        )


def claim_of(request: Request) -> Claim | None:
    """What the header claims; None without one. Raises Refusal."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    origin = origin_of(request)
    return Claim(_scope(origin), key_in(header), fingerprint_of(str(request.method), request.path, request.data))


def _scope(origin: Origin) -> str:
    """Whose keys it is one of. Of a publishable key each address has its own, and none the client's other keys'."""
    if origin.caller is not None and origin.caller.publishable:
        return f"key {origin.api_key_id} {sharing(None, origin.address)}"
    return origin.sharing


def once(
    claim: Claim, make: Callable[[Claim], Execution], *, wait: float | bool, client: Client, by: str
) -> tuple[Execution, bool]:
    """The execution that has the key, made now or before, and whether it was before.

    Raises Refusal, and what `make` does.

    One that another request runs just now is waited for where this one waits.
    """
    made = made_once(claim, make)
    return (_ended(made.execution, wait, client, by), True) if isinstance(made, Found) else (made, False)


def made_once(claim: Claim, make: Callable[[Claim], Made]) -> Made | Found:
    """What `make` makes, or what the key has got before. Raises Refusal, and what `make` does but Taken."""
    for _ in range(_TRIES):
        earlier = find(claim)
        if earlier is not None and earlier.has_run:
            return earlier
        try:
            return make(replace(claim, instead_of=earlier.execution.pk if earlier else None))
        except Taken:
            continue
    raise InProgress


def _ended(execution: Execution, wait: float | bool, client: Client, by: str) -> Execution:
    """As it is now where nobody waits for it, else once it has ended."""
    if execution.status not in OPEN or (wait is False and execution.background):
        return execution
    if wait is False:
        raise InProgress
    timeout_s = _LONGEST_S if wait is True else wait
    execution = services.wait(execution=execution, timeout_s=timeout_s, client=client, by=by)
    if execution.status in OPEN and not execution.background:
        raise InProgress
    return execution
