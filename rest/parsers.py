"""Bodies of requests: received whole and within bounds, then read as JSON whatever the Content-Type."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, BinaryIO, NoReturn, cast

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import is_form_media_type

from rest.bodies import BodyTooLarge, BodyUnreadable
from rest.exceptions import Refusal
from rest.text import printable

_CHUNK_BYTES = 64 * 1024
_DRAINED_BYTES = 32 * 1024 * 1024
"""A client that sends too much reads the answer only if it was let finish; beyond this it is cut off."""
_MOST_NESTED = 100
"""Objects and arrays within each other. What is made of a body is walked through in other places than it was read in,
and Python ends a recursion by how much it is within already: what one place reads another could not write."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refusal(f"Invalid JSON: the key {printable(name)} stands twice in an object", code="duplicate_key")
        found[name] = value
    return found


class AnyJSONParser(BaseParser):
    """A JSON object: UTF-8 with or without a byte order mark, no NaN or Infinity. Of equal keys the last one counts."""

    media_type = "*/*"
    object_pairs_hook: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None
    """As json.loads takes it."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object. Refusal: 400 where it is none, 413 where it is too large, or what `receive` found."""
        # A view that is no Endpoint has received nothing yet, and Django bounds only what it reads itself.
        bound = getattr((parser_context or {}).get("view"), "received_at_most", None)
        max_bytes = bound() if bound else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        return self.object_in(body)

    def object_in(self, body: bytes) -> dict[str, Any]:
        """The object that these bytes are. Refusal (400) where they are none."""
        data = self._loads(body)
        if not isinstance(data, dict):
            raise Refusal("Invalid JSON: expected an object", code="invalid_json")
        return data

    def _loads(self, body: bytes) -> Any:
        try:
            value = json.loads(
                body.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=self.object_pairs_hook
            )
        except RecursionError:
            raise _too_deep() from None
        except ValueError:
            # Not JSON, not UTF-8, or an integer of more digits than Python converts.
            raise Refusal("Invalid JSON", code="invalid_json") from None
        # Nearly all have fewer than that in all.
        if body.count(b"[") + body.count(b"{") > _MOST_NESTED and _is_too_deep(value):
            raise _too_deep()
        return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MOST_NESTED):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list)))
        level = [each for values in inner for each in values if isinstance(each, (dict, list))]
        if not level:
            return False
    return True


def _too_deep() -> Refusal:
    return Refusal("Invalid JSON: nested too deeply", code="invalid_json")


NO_FORM = "the body is JSON, and Content-Type says {media_type}: send Content-Type: application/json"
"""For whom a tool has sent a form's type by default, as curl does."""


class StrictJSONParser(AnyJSONParser):
    """As AnyJSONParser, without keys that come twice, and not from a form, which is a client's mistake."""

    object_pairs_hook = staticmethod(_without_duplicates)

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object. UnsupportedMediaType (415) for a form, Refusal for the rest."""
        if is_form_media_type(media_type or ""):
            raise UnsupportedMediaType(media_type or "", detail=NO_FORM.format(media_type=media_type))
        return super().parse(stream, media_type, parser_context)


class OptionalJSONParser(StrictJSONParser):
    """As StrictJSONParser, for requests that say enough by being sent: nothing is an empty object."""

    def _loads(self, body: bytes) -> Any:
        return super()._loads(body) if body else {}


class Refused(io.RawIOBase):
    """The stream of a body that could not be received: reading it raises why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self._refusal = refusal

    def read(self, size: int = -1) -> NoReturn:
        raise self._refusal


def receive(request: HttpRequest, *, max_bytes: int) -> IO[bytes]:
    """The whole body, as a stream; reading it raises Refusal where it could not be received: 413 beyond `max_bytes`.

    Called before the first query, because a client that sends slowly would keep a connection of the database; and of a
    client that is refused for something else, because one that is still sending would miss the answer.
    """
    try:
        body = _read(request, max_bytes)
        _refuse_encoded(request.META.get("HTTP_CONTENT_ENCODING", ""))
        return io.BytesIO(body)
    except Refusal as refusal:
        return cast("IO[bytes]", Refused(refusal))


class Body(io.RawIOBase):
    """A body that is read as it comes, for what is too large to be held."""

    def __init__(self, request: HttpRequest, *, max_bytes: int) -> None:
        super().__init__()
        self._request = request
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._stream: BinaryIO | None = None

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes. Raises Refusal: 413 beyond `max_bytes`, or what is wrong with the body."""
        if self._stream is None:
            _refuse_encoded(self._request.META.get("HTTP_CONTENT_ENCODING", ""))
            self._stream, length = _stream_of(self._request)
            self._left = self._max_bytes if length is None or length <= self._max_bytes else -1
        with _refusals(self._max_bytes):
            data = self._stream.read(size) if self._left >= 0 else b""
            self._left -= len(data)
            if self._left < 0:
                _drain(self._stream, _DRAINED_BYTES)
        if self._left < 0:
            raise _too_large(self._max_bytes)
        return data

    def drain(self) -> None:
        """Read what is left of it, so that the connection can be kept; one that is at fault ends anyway."""
        with suppress(Refusal):
            while self.read(_CHUNK_BYTES):
                pass


def _read(request: HttpRequest, max_bytes: int) -> bytes:
    stream, length = _stream_of(request)
    with _refusals(max_bytes):
        body = stream.read(max_bytes + 1) if length is None or length <= max_bytes else b""
        if len(body) <= max_bytes and (length is None or length <= max_bytes):
            return body
        _drain(stream, _DRAINED_BYTES)
    raise _too_large(max_bytes)


@contextmanager
def _refusals(max_bytes: int) -> Iterator[None]:
    """Inside, what is wrong with a body is raised as Refusal."""
    try:
        yield
    except OSError as exc:
        # Django has one of its own around what a stream raised.
        reason = exc.__cause__ if isinstance(exc, UnreadablePostError) else exc
        why = reason if isinstance(reason, BodyUnreadable) else BodyUnreadable()
        if isinstance(why, BodyTooLarge):
            raise _too_large(max_bytes) from None
        raise Refusal(why.message, status=why.status, code=why.code) from None


def _refuse_encoded(codings: str) -> None:
    """A compressed body could be a thousand times as large as what was sent."""
    if codings.strip().lower() not in ("", "identity"):
        message = f"Content-Encoding {printable(codings)} is not supported: send the body as it is"
        raise Refusal(message, status=415, code="unsupported_media_type")


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(f"The request body is larger than {max_bytes} bytes", status=413, code="body_too_large")


def _stream_of(request: HttpRequest) -> tuple[BinaryIO, int | None]:
    """The body's stream and length. Django takes a body without Content-Length for empty, also a chunked one."""
    if request.META.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in request.META:
        return request.META["wsgi.input"], None
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Refusal("Content-Length is not a number", code="invalid_json") from None
    return cast("BinaryIO", request), length


def _drain(stream: BinaryIO, left: int) -> None:
    while left > 0 and (chunk := stream.read(_CHUNK_BYTES)):
        left -= len(chunk)
