"""Addresses of webhooks as clients write them: one plain form, and nothing that two readers could read in two ways."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

MAX_CHARACTERS = 2048
PORTS = {80, 443}
LOWEST_OTHER_PORT = 8443
"""And all above it: below are the ports of mail, databases and the like, which might take a request for something."""

_URL = re.compile(
    r"(https?)://"
    r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::([0-9]{1,5}))?"
    # Of RFC 3986, path and query; a percent sign is followed by two digits, and there is no fragment.
    r"((?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)"
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class BadTarget(ValueError):
    """A webhook cannot go there; the text says why."""


class Target(NamedTuple):
    """Where a request goes."""

    is_tls: bool
    host: str
    """A name in lower case, or an address without brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def authority(self) -> str:
        """For the Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def target_of(url: str, *, may_be_plain: bool) -> Target:
    """The parts of a URL. `may_be_plain` allows http://. Raises BadTarget."""
    if len(url) > MAX_CHARACTERS:
        raise BadTarget(f"may have {MAX_CHARACTERS} characters")
    match = _URL.fullmatch(url)
    if match is None:
        raise BadTarget("is no plain https:// address: without user, fragment, spaces, or characters beyond ASCII")
    scheme, host, port_text, path = match.groups()
    if scheme == "http" and not may_be_plain:
        raise BadTarget("has to begin with https://")
    port = int(port_text) if port_text else (443 if scheme == "https" else 80)
    if port not in PORTS and not LOWEST_OTHER_PORT <= port <= 65_535:
        raise BadTarget(f"has a port that is not 80, 443, or {LOWEST_OTHER_PORT} and above")
    return Target(scheme == "https", _host(host), port, path if path.startswith("/") else f"/{path}")


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise BadTarget("has no valid IPv6 address") from None
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadTarget("has a host that is no name")
    if labels[-1].isdigit() or re.fullmatch(r"0[xX][0-9a-fA-F]*", labels[-1]):
        # A resolver takes 127.1, 0x7f000001 and 017700000001 for addresses.
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise BadTarget("has no valid IPv4 address") from None
    return text.lower()
