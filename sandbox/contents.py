"""Large contents apart from the message that they belong to: each is named there by its digest.

In a message as it is packed, a map of `sha256` (64 hexadecimal digits) and `size`, and nothing else, stands where the
bytes would: nothing else that is packed looks like it, since what a client names has strings alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_BYTES = 64 * 1024
"""Smaller ones stay in their message."""
MOST_BYTES = 256 * 1024 * 1024
"""Of all contents of one message, each as often as it stands there."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"sha256", "size"}


@dataclass(frozen=True, slots=True)
class Reference:
    """Contents by their digest."""

    sha256: str
    size: int

    def fits(self, data: bytes) -> bool:
        """Whether these are they."""
        return len(data) == self.size and hashlib.sha256(data).hexdigest() == self.sha256


def reference_to(data: bytes) -> Reference:
    """What names these."""
    return Reference(hashlib.sha256(data).hexdigest(), len(data))


def is_one(reference: Reference) -> bool:
    """Whether it can be one: it has come from elsewhere, and stands in a subject."""
    return bool(_DIGEST.fullmatch(reference.sha256)) and 0 <= reference.size <= MOST_BYTES


def size_of(plain: Any) -> int:
    """Of all bytes in a message, before it is packed."""
    if isinstance(plain, bytes):
        return len(plain)
    if isinstance(plain, Mapping):
        return sum(map(size_of, plain.values()))
    return sum(map(size_of, plain)) if isinstance(plain, list) else 0


def taken_out(plain: Any, contents: dict[str, bytes]) -> Any:
    """The same with references in place of what is large, which is added to `contents` by its digest."""
    if isinstance(plain, bytes) and len(plain) >= LEAST_BYTES:
        reference = reference_to(plain)
        contents[reference.sha256] = plain
        return {"sha256": reference.sha256, "size": reference.size}
    if isinstance(plain, Mapping):
        return {name: taken_out(each, contents) for name, each in plain.items()}
    return [taken_out(each, contents) for each in plain] if isinstance(plain, list) else plain


def references_in(plain: Any) -> list[Reference]:
    """All of them, as often as they stand there."""
    if (reference := as_reference(plain)) is not None:
        return [reference]
    if isinstance(plain, Mapping):
        plain = list(plain.values())
    return [found for each in plain for found in references_in(each)] if isinstance(plain, list) else []


def put_back(plain: Any, contents: Mapping[str, bytes]) -> Any:
    """The same with contents in place of references, as far as they are there."""
    if (reference := as_reference(plain)) is not None:
        return contents.get(reference.sha256, plain)
    if isinstance(plain, Mapping):
        return {name: put_back(each, contents) for name, each in plain.items()}
    return [put_back(each, contents) for each in plain] if isinstance(plain, list) else plain


def as_reference(plain: Any) -> Reference | None:
    """What this stands for, where it stands for contents."""
    if not isinstance(plain, dict) or plain.keys() != _FIELDS:
        return None
    digest, size = plain["sha256"], plain["size"]
    if type(digest) is not str or type(size) is not int:
        return None
    reference = Reference(digest, size)
    return reference if is_one(reference) else None
