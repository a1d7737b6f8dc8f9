"""A request's body as the application reads it: never taken for whole when it is not.

A WSGI server raises errors of its own for a body that it cannot read, and may give what has come of one that ended
before its Content-Length. Whoever reads `wsgi.input` gets rest.bodies' errors instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from rest.bodies import BodyLate, BodyMalformed, BodyTooLarge, BodyUnreadable

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class CheckedInput:
    """`wsgi.input` of one request."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._stream: BinaryIO = environ["wsgi.input"]
        self._socket = environ.get("gunicorn.socket")
        length = environ.get("CONTENT_LENGTH") or ""
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        self._due = int(length) if length.isdecimal() and not chunked else 0

    def read(self, size: int = -1) -> bytes:
        """As of any stream. Raises BodyUnreadable."""
        due = self._due if size < 0 else min(size, self._due)
        try:
            data = self._stream.read() if size < 0 else self._stream.read(size)
        except OSError:
            raise self._unreadable(self._ended()) from None
        except Exception as exc:
            ended = getattr(self._socket, "at_end", False)
            raise self._unreadable(self._ended() if ended else BodyMalformed()) from exc
        if len(data) < due:
            raise self._unreadable(self._ended())
        self._due -= min(len(data), self._due)
        return data

    def __getattr__(self, name: str) -> Any:
        """Whatever else a stream has."""
        return getattr(self._stream, name)

    def _unreadable(self, reason: BodyUnreadable) -> BodyUnreadable:
        end = getattr(self._socket, "end_after_answer", None)
        if end is not None:
            end()
        return reason

    def _ended(self) -> BodyUnreadable:
        if getattr(self._socket, "sent_too_much", False):
            return BodyTooLarge()
        return BodyLate() if getattr(self._socket, "given_up", False) else BodyUnreadable()


def checked(application: Application) -> Application:
    """The application, with each request's body checked."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = CheckedInput(environ)
        return application(environ, start_response)

    return call
