"""What gunicorn lets through although HTTP does not, and bodies that say how they ended.

What it relies on beyond gunicorn's documented hooks is held by tests/test_gunicorn_worker.py.
"""

from __future__ import annotations

from typing import Any

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import ChunkMissingTerminator, NoMoreData, ParseException

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


def check(_worker: Any, request: Any) -> None:
    """gunicorn's pre_request, for each request whose head was read."""
    request.body = CheckedBody(request)
