"""How files are called: `sha256:` and 64 hexadecimal digits."""

from __future__ import annotations

import base64
import binascii
import re

PREFIX = "sha256:"
_ID = re.compile(r"sha256:([0-9a-f]{64})")
_REPR = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?(?=,|$)")
_REPR_NAMED = re.compile(r"(?:^|,)\s*sha-256\s*(?:=|,|;|$)")


class NoDigest(ValueError):
    """What should be a digest is none."""


def digest_in(file_id: str) -> str | None:
    """The digits of an id; None where it is none."""
    match = _ID.fullmatch(file_id)
    return match[1] if match else None


def id_of(digest: str) -> str:
    """The id for the digits."""
    return PREFIX + digest


def promised(repr_digest: str) -> str | None:
    """The SHA-256 in a Repr-Digest field (RFC 9530), as digits; None where it has other algorithms only.

    Raises NoDigest where what it says of SHA-256 cannot be one.
    """
    if not _REPR_NAMED.search(repr_digest):
        return None
    match = _REPR.search(repr_digest)
    try:
        found = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        found = b""
    if len(found) != 32:
        raise NoDigest("Repr-Digest: sha-256 has to be :the base64 of 32 bytes:")
    return found.hex()
