"""The address that a request came from, seen through as many proxies as are trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

IPV6_NETWORK_BITS = 64
"""One household or host gets a /64, and can use any address in it."""
_REMEMBERED, _LONGEST = 1024, 64
"""Addresses as they were written, and characters of one, 0.2 MB: a request asks three times, and most come from few."""


def client_address(meta: Mapping[str, str], *, trusted_proxies: int) -> str | None:
    """The client's address, or None where even the peer has none (a unix socket).

    Each trusted proxy appends the address that it saw to X-Forwarded-For, so the client is that many entries from the
    right; what stands further left is the client's own claim. With too few entries or one that is no address, the
    header cannot come from those proxies, and the peer's address counts.
    """
    peer = _address(meta.get("REMOTE_ADDR", ""))
    if trusted_proxies > 0:
        hops = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(hops) >= trusted_proxies:
            return _address(hops[-trusted_proxies]) or peer
    return peer


def limited_as(address: str | None) -> str:
    """What is counted as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    if address is None:
        return "unknown"
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))


def _address(text: str) -> str | None:
    """A plain address in its canonical form; an IPv4 address written as IPv6 becomes IPv4 again."""
    return _remembered(text) if len(text) <= _LONGEST else _read(text)


def _read(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(_without_port(text.strip()))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Address(int(address)))
    return str(address)


_remembered = lru_cache(_REMEMBERED)(_read)


def _without_port(text: str) -> str:
    """Some proxies write 192.0.2.1:4711 or [2001:db8::1]:4711."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
