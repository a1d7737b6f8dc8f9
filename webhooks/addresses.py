"""Which addresses a webhook may reach: those of the public internet, and networks that the operator names.

With an address a client has this server open a connection, and the server may stand inside a company or a cloud. So
everything is refused that is not known to be public, in whatever form it is written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REFUSED_4 = [
    ipaddress.IPv4Network(text)
    for text in (
        # IANA's special-purpose registry; what is_global says of some of them changed between releases of Python.
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Azure's own services for each machine, at a public address.
        "168.63.129.16/32",
    )
]
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out. IPv4 in IPv6 is looked at as IPv4 where NAT64 makes it that, and else refused."""
_REFUSED_6 = [
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, ORCHID: protocols, no hosts
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address within
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def networks_in(texts: Iterable[str]) -> list[Network]:
    """As the setting has them. ValueError."""
    return [ipaddress.ip_network(text) for text in texts]


def is_address(host: str) -> bool:
    """Whether a host is no name, but an address itself."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_reachable(text: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether a webhook may go to this address, as a resolver gives it."""
    try:
        address = _plain(ipaddress.ip_address(text))
    except ValueError:
        return False
    return any(address in network for network in allowed) or _is_public(address)


def _plain(address: Address) -> Address:
    """The IPv4 address that a mapped or a NAT64 one leads to."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    if address.scope_id is not None or address not in _GLOBAL_6:
        return False
    return not any(address in network for network in _REFUSED_6)
