"""What gunicorn lets through although HTTP does not, and bodies that say how they ended.

What it relies on beyond gunicorn's documented hooks is held by tests/test_gunicorn_worker.py.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidHeader,
    NoMoreData,
    ParseException,
    UnsupportedTransferCoding,
)

from rest.bodies import BodyLate, BodyMalformed, BodyUnreadable


class CheckedBody(Body):  # type: ignore[misc]  # gunicorn has no types
    """A body that is never taken for whole when it is not: reading it raises BodyUnreadable, and ends the connection.

    gunicorn's own raises what only gunicorn knows, and gives what has come of a body that ended before its length.
    """

    def __init__(self, request: Any) -> None:
        super().__init__(request.body.reader)
        self._request = request

    def _read_reader(self, size: int) -> bytes:
        """All reads of a body come here."""
        due = min(size, self.reader.length) if isinstance(self.reader, LengthReader) else 0
        try:
            data: bytes = super()._read_reader(size)
        except ParseException as exc:
            cut_off = isinstance(exc, ChunkMissingTerminator) and len(exc.term) < 2
            raise self._unreadable(self._ended() if cut_off else BodyMalformed()) from None
        except (NoMoreData, ConnectionError):
            raise self._unreadable(self._ended()) from None
        if len(data) < due:
            raise self._unreadable(self._ended())
        return data

    def _ended(self) -> BodyUnreadable:
        late = getattr(self._request.unreader.sock, "given_up", False)
        return BodyLate() if late else BodyUnreadable()

    def _unreadable(self, reason: BodyUnreadable) -> BodyUnreadable:
        self.failed = True
        self._request.force_close()
        return reason


class HostMissing(InvalidHeader):  # type: ignore[misc]  # gunicorn has no types
    """HTTP/1.1 asks for one in every request (RFC 9112, 3.2)."""

    def __str__(self) -> str:
        return "HTTP/1.1 requests need a Host header"


def check(_worker: Any, request: Any) -> None:
    """gunicorn's pre_request, for each request whose head was read. Raises ParseException, which gunicorn answers."""
    headers = dict(request.headers)
    if "HOST" not in headers and request.version >= (1, 1):
        raise HostMissing("HOST")
    coding = headers.get("TRANSFER-ENCODING", "chunked")
    if coding.lower() != "chunked":
        # gunicorn takes gzip before chunked, and hands the compressed bytes on.
        raise UnsupportedTransferCoding(coding)
    if not request.uri.startswith(("/", "*")):
        # The host of an absolute target counts, whatever Host says (RFC 9112, 3.2.2): Django looks at the header alone.
        host = ("HOST", urlsplit(request.uri).netloc)
        request.headers = [*(header for header in request.headers if header[0] != "HOST"), host]
    request.body = CheckedBody(request)
