"""Bytes that a request brings, or names by their digest; in a row they are references."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes themselves, or a file of the store."""

    data: bytes = b""
    file: str = ""
    """sha256:… of a stored file of the client; then `data` is empty."""

    def __bool__(self) -> bool:
        return bool(self.data or self.file)

    def reference(self) -> dict[str, Any]:
        """As executions.jobs describes it."""
        if self.file:
            return {"file": self.file}
        text = text_of(self.data)
        return {"base64": base64.b64encode(self.data).decode()} if text is None else {"text": text}


NOTHING = Content()


def text_of(data: bytes) -> str | None:
    """The bytes as text that PostgreSQL and JSON can keep; None where they are none."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text
