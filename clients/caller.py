"""Who calls: all that services need to know of a key and its client, as it was a moment ago."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from clients.models import Key
from clients.options import CAPS, options_of
from clients.rights import PUBLISHABLE, Right
from rest.client_address import limited_as

PUBLISHABLE_CAPS: Mapping[str, int] = MappingProxyType(
    {
        "wall_ms": 10_000,
        "cpu_ms": 5_000,
        "compile_wall_ms": 20_000,
        "memory_mb": 256,
        "output_bytes": 256 * 1024,
        "processes": 64,
        "file_bytes": 1024 * 1024,
        "tests": 20,
        "repeat": 1,
        "batch_items": 0,
    }
)
"""Of a key that every reader of a page has: enough for examples, too little to compute with."""
_CAP = "cap_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Caller:
    """`request.auth` of a request with a valid key of an enabled client."""

    prefix: str
    """The public part of the key."""
    client_id: UUID
    rights: frozenset[Right]
    """Those that both the key and its client have."""
    client_name: str = ""
    key_name: str = ""
    expires_at: datetime | None = None
    publishable: bool = False
    languages: frozenset[str] = frozenset()
    """Empty: all."""
    networks: tuple[Network, ...] = ()
    """Empty: all."""
    origins: frozenset[str] = frozenset()
    webhook_hosts: tuple[str, ...] = ()
    """Empty: all."""
    caps: Mapping[str, int] = field(default_factory=dict)
    """The most that a request may ask for, by the names of the API's `limits`; what is not here is not capped."""
    rate: str = ""
    burst: int | None = None
    share: int | None = None
    max_concurrent: int | None = None
    max_queued: int | None = None
    executions_day: int | None = None
    cpu_s_day: int | None = None
    cpu_s_month: int | None = None
    storage_bytes: int | None = None
    file_store_bytes: int | None = None

    def has(self, right: Right) -> bool:
        """Whether the key may do this."""
        return right in self.rights

    def capped(self, name: str, most: int) -> int:
        """`most`, the server's and the language's limit of this name, as far as the client allows."""
        return min(most, self.caps.get(name, most))


_COPIED = (
    "rate",
    "burst",
    "share",
    "max_concurrent",
    "max_queued",
    "executions_day",
    "cpu_s_day",
    "cpu_s_month",
    "storage_bytes",
    "file_store_bytes",
)


def sharing(client_id: UUID | None, address: str | None) -> str:
    """Who has one share of slots, places and watchers: all keys of a client, or an address, of IPv6 its network."""
    return f"client {client_id}" if client_id else f"address {limited_as(address)}"


def caller_of(key: Key) -> Caller:
    """The caller that this key makes; its client is read with it."""
    client = key.client
    rights = {Right(right) for right in {*key.rights} & {*client.rights}}
    return Caller(
        prefix=key.prefix,
        client_id=client.pk,
        rights=frozenset(rights & PUBLISHABLE if key.publishable else rights),
        client_name=client.name,
        key_name=key.name,
        expires_at=key.expires_at,
        publishable=key.publishable,
        languages=frozenset(client.languages),
        networks=tuple(ipaddress.ip_network(text) for text in client.networks),
        origins=frozenset(client.origins),
        webhook_hosts=tuple(client.webhook_hosts),
        caps=_caps_of(key),
        **{name: getattr(client, name) for name in _COPIED},
    )


def _caps_of(key: Key) -> Mapping[str, int]:
    caps = dict(PUBLISHABLE_CAPS) if key.publishable else {}
    for option in options_of(type(key.client), CAPS):
        name, most = option.name.removeprefix(_CAP), getattr(key.client, option.name)
        if most is not None:
            caps[name] = min(most, caps.get(name, most))
    return MappingProxyType(caps)
