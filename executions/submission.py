"""What a client asks for: checked, typed, and nothing of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from languages.models import Language


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a submission comes from."""

    address: str | None
    api_key_id: str | None = None
    client_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A program in an enabled language, and how long it may run."""

    language: Language
    source: str
    timeout_ms: int
    stdin: bytes = b""
    args: tuple[str, ...] = ()
