"""What programs are made of and fed with: text, bytes, files of this machine, and files that the server has."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from gexec_client.results import StoredFile

_HALF_CHARACTERS = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class ByDigest:
    """Contents that are named by their digest in a request, and uploaded where the server lacks them.

    That needs a key with the right `manage_files`. What many requests share is worth it.
    """

    data: bytes = field(repr=False)
    id: str
    """`sha256:…`."""


Content: TypeAlias = str | bytes | Path | ByDigest | StoredFile
"""Text; bytes; a file of this machine, which is read and sent; one by its digest; or one that was uploaded before."""


def by_digest(content: str | bytes | Path) -> ByDigest:
    """Have it named by its digest. A path is read. Raises OSError."""
    data = data_of(content)
    return ByDigest(data, f"sha256:{hashlib.sha256(data).hexdigest()}")


def data_of(content: str | bytes | Path) -> bytes:
    """Its bytes. Raises OSError."""
    if isinstance(content, Path):
        return content.read_bytes()
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content


def encoded(content: Content, uploads: dict[str, bytes]) -> Any:
    """As a request has it. What may have to be uploaded goes into `uploads`. Raises OSError, TypeError."""
    if isinstance(content, ByDigest):
        uploads[content.id] = content.data
        return {"file": content.id}
    if isinstance(content, StoredFile):
        return {"file": content.id}
    if isinstance(content, Path):
        content = content.read_bytes()
    if isinstance(content, str):
        return content if _is_plain(content) else _base64(data_of(content))
    if isinstance(content, bytes):
        return _text_or_base64(content)
    raise TypeError(f"a content is text, bytes, a Path, ByDigest or StoredFile, not {type(content).__name__}")


def decoded(content: Mapping[str, Any] | None) -> bytes | None:
    """The bytes in `{"base64": …}` of an answer; None where there are none."""
    text = content.get("base64") if content else None
    return base64.b64decode(text) if isinstance(text, str) else None


def _text_or_base64(data: bytes) -> Any:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _base64(data)
    return text if _is_plain(text) else _base64(data)


def _base64(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


def _is_plain(text: str) -> bool:
    """Whether the API takes it as text."""
    return "\0" not in text and (text.isascii() or not any(ord(each) in _HALF_CHARACTERS for each in text))
