"""What a key looks like: `gx_live_`, eight letters that name it, and a secret with a checksum.

A publishable one begins with `gx_pub_`: whoever sees it in a page knows that it was meant to be seen.

The fixed shape and the checksum let scanners of source code find one that was published by mistake, without asking
anybody. A secret has 32 letters of base 62: 190 random bits, for which a plain SHA-256 is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX_LETTERS, _SECRET_LETTERS, _CHECKSUM_LETTERS = 8, 32, 6
_SHAPE = re.compile(r"gx_(?:live|pub)_([0-9A-Za-z]{8})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; only here is its secret."""

    text: str
    prefix: str
    digest: str


def new_key(*, publishable: bool = False) -> NewKey:
    """A key that there was never before."""
    prefix, secret = _random(_PREFIX_LETTERS), _random(_SECRET_LETTERS)
    body = f"gx_{'pub' if publishable else 'live'}_{prefix}_{secret}"
    text = body + _checksum(body)
    return NewKey(text, prefix, digest_of(text))


def prefix_in(text: str) -> str | None:
    """The public part of what looks like a key and has the right checksum; None for anything else."""
    match = _SHAPE.fullmatch(text)
    if match is None or not hmac.compare_digest(_checksum(text[:-_CHECKSUM_LETTERS]), match[3]):
        return None
    return match[1]


def digest_of(text: str) -> str:
    """What a key is known by."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _random(letters: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(letters))


def _checksum(body: str) -> str:
    """CRC-32 in base 62, the most significant letter first."""
    number, found = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LETTERS):
        number, digit = divmod(number, len(_LETTERS))
        found = _LETTERS[digit] + found
    return found
