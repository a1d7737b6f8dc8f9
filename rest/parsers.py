"""Reading a request's body as JSON, within bounds, whatever its Content-Type says."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, NoReturn, cast

from django.http import HttpRequest, UnreadablePostError

from rest.exceptions import Refusal

_CHUNK_BYTES = 64 * 1024
_DRAINED_BYTES = 32 * 1024 * 1024
"""A client that sends too much hears so only if it was let finish; beyond this it is cut off."""


def receive(request: HttpRequest, *, max_bytes: int) -> bytes | Refusal:
    """The whole body, or why it will be refused: 413 where it has more than `max_bytes`.

    Called before the first query, because a client that sends slowly would keep a connection of the database; and of a
    client that is refused for something else, because one that is still sending would miss the answer.
    """
    try:
        return _read(request, max_bytes)
    except Refusal as refusal:
        return refusal


def json_object(body: bytes | Refusal) -> dict[str, Any]:
    """The JSON object in a received body. Refusal: 400 where it is none, or what `receive` found."""
    if isinstance(body, Refusal):
        raise body
    data = parse_json(body)
    if not isinstance(data, dict):
        raise Refusal("Invalid JSON: expected an object")
    return data


def parse_json(body: bytes) -> Any:
    """Strict JSON: UTF-8 with or without a byte order mark, no NaN or Infinity. Of equal keys the last one counts."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except RecursionError:
        raise Refusal("Invalid JSON: nested too deeply") from None
    except ValueError:
        # Not JSON, not UTF-8, or an integer of more digits than Python converts.
        raise Refusal("Invalid JSON") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _read(request: HttpRequest, max_bytes: int) -> bytes:
    stream, length = _stream_of(request)
    try:
        body = stream.read(max_bytes + 1) if length is None or length <= max_bytes else b""
        if len(body) <= max_bytes and (length is None or length <= max_bytes):
            return body
        _drain(stream, _DRAINED_BYTES)
    except (UnreadablePostError, OSError):
        raise Refusal("The request body ended early") from None
    raise Refusal(f"The request body is larger than {max_bytes} bytes", status=413)


def _stream_of(request: HttpRequest) -> tuple[BinaryIO, int | None]:
    """The body's stream and length. Django takes a body without Content-Length for empty, also a chunked one."""
    if request.META.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in request.META:
        return request.META["wsgi.input"], None
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Refusal("Content-Length is not a number") from None
    return cast("BinaryIO", request), length


def _drain(stream: BinaryIO, left: int) -> None:
    while left > 0 and (chunk := stream.read(_CHUNK_BYTES)):
        left -= len(chunk)
