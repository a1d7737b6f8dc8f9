"""What a client asks for: checked, typed, and nothing of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from languages.lookup import unsupported
from languages.models import Language
from rest.exceptions import Refusal


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks."""

    address: str | None
    api_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A program in an enabled language, and how long it may run."""

    language: Language
    source: str
    timeout_ms: int
    stdin: bytes = b""
    args: tuple[str, ...] = ()


def submission_of(data: Mapping[str, Any], *, max_source_bytes: int) -> Submission:
    """The submission in a request's JSON object; unknown fields are ignored. Raises Refusal."""
    language = _language(data.get("language"))
    source = _source(data.get("source_code"), max_source_bytes)
    return Submission(language, source, _timeout_ms(data.get("timeout_ms"), language))


def _language(name: object) -> Language:
    if name is None or name == "":
        raise Refusal("language cannot be empty")
    if not isinstance(name, str):
        raise Refusal("language must be a string")
    language = Language.objects.matching(name)
    if language is None or not language.enabled:
        raise Refusal(unsupported(name))
    return language


def _source(source: object, max_bytes: int) -> str:
    if source is None or source == "":
        raise Refusal("source_code cannot be empty")
    if not isinstance(source, str):
        raise Refusal("source_code must be a string")
    if "\x00" in source:
        raise Refusal("source_code cannot contain NUL characters")
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        raise Refusal("source_code cannot contain lone surrogates") from None
    if size > max_bytes:
        raise Refusal(f"source_code is larger than {max_bytes} bytes", status=413)
    return source


def _timeout_ms(timeout_ms: object, language: Language) -> int:
    if timeout_ms is None:
        return language.timeout_ms
    # True and False are integers to Python, not to JSON.
    if not isinstance(timeout_ms, int) or isinstance(timeout_ms, bool):
        raise Refusal("timeout_ms must be an integer")
    if not 1 <= timeout_ms <= language.max_timeout_ms:
        raise Refusal(f"timeout_ms must be between 1 and {language.max_timeout_ms}")
    return timeout_ms
