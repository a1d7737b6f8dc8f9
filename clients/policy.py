"""What a caller may do: plain questions, each of which raises what it is refused with.

None is a caller without a key, whom only the server's settings bound.
"""

from __future__ import annotations

import ipaddress
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from clients.caller import Caller
from clients.models import Client
from clients.rights import WITHOUT_KEY, Right

M = TypeVar("M", bound=models.Model)


def check_right(caller: Caller | None, right: Right) -> None:
    """PermissionDenied (forbidden_right) where the key lacks it."""
    if right not in (WITHOUT_KEY if caller is None else caller.rights):
        raise PermissionDenied(f"this needs a key with the right {right.value}", "forbidden_right")


def check_place(caller: Caller | None, *, address: str | None, origin: str | None, is_embedded: bool = False) -> None:
    """PermissionDenied (forbidden_origin) where the key may not be used from this address or this web page.

    `is_embedded` says that the page is the server's own, in a frame of one that the client lists.
    """
    if caller is None:
        return
    if caller.networks and not _is_within(address, caller):
        raise PermissionDenied("this key may not be used from your address", "forbidden_origin")
    if caller.publishable and is_embedded:
        return
    if origin is None and caller.publishable:
        raise PermissionDenied("a publishable key is for web pages: there is no Origin", "forbidden_origin")
    if origin is not None and (caller.origins or caller.publishable) and origin not in caller.origins:
        raise PermissionDenied("this key may not be used by pages of this origin", "forbidden_origin")


def check_language(caller: Caller | None, slug: str) -> None:
    """PermissionDenied (forbidden_language) where the client may not run programs in the language of this slug."""
    if caller is None or not caller.languages:
        return
    if slug not in caller.languages and slug.partition("@")[0] not in caller.languages:
        raise PermissionDenied(f"this key may not run programs in {slug}", "forbidden_language")


def may_call_back(caller: Caller | None, host: str) -> bool:
    """Whether the client's webhooks may go to this host."""
    if caller is None or not caller.webhook_hosts:
        return True
    host = host.lower().rstrip(".")
    return any(
        host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed for allowed in caller.webhook_hosts
    )


def capped(caller: Caller | None, name: str, most: int) -> int:
    """`most`, the server's and the language's limit of this name, as far as the caller's client allows."""
    return most if caller is None else caller.capped(name, most)


def reads_by_token(caller: Caller | None) -> bool:
    """Whether each execution is read with a token of its own: two who call so need not be the same person."""
    return caller is None or caller.publishable


def visible(caller: Caller | None, rows: QuerySet[M]) -> QuerySet[M]:
    """Of rows with a `client_id`, those that the caller may know of: its client's, none where it `reads_by_token`."""
    if caller is None or reads_by_token(caller):
        return rows.none()
    own: dict[str, Any] = {"client_id": caller.client_id}
    return rows.filter(**own)


def own_shares() -> list[tuple[UUID, float]]:
    """Of clients that have a share of the slots of their own: from above 0 to 1."""
    rows = Client.objects.exclude(share=None).values_list("pk", "share")
    return [(client_id, share / 100) for client_id, share in rows if share is not None]


def _is_within(address: str | None, caller: Caller) -> bool:
    if address is None:
        return False
    found = ipaddress.ip_address(address)
    return any(found in network for network in caller.networks)
