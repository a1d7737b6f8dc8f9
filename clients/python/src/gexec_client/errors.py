"""What can go wrong: `GexecError` is all of it, `ApiError` what a server has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gexec_client.results import Execution


class GexecError(Exception):
    """Anything that this package raises by itself."""


class ConnectionFailed(GexecError):
    """No server was reached, or a connection was cut before its answer was whole."""

    def __init__(self, message: str, *, sent: bool) -> None:
        """`sent` is whether any of the request may have arrived."""
        super().__init__(message)
        self.sent = sent


class TimedOut(GexecError):
    """It took longer than `timeout_s`."""

    def __init__(self, message: str, *, execution: Execution | None = None) -> None:
        super().__init__(message)
        self.execution = execution
        """As it was last seen, where it was seen."""


class UnexpectedAnswer(GexecError):
    """What came back is none of the API's answers: perhaps the address is not that of a gexec server."""


class InvalidSignature(GexecError):
    """A webhook is not from the holder of the secret, or it is too old. Its body is not to be looked at."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request."""

    pointer: str
    """A JSON pointer (RFC 6901) behind `#`: `#/limits/memory_mb`."""
    code: str
    detail: str


class ApiError(GexecError):
    """A problem (RFC 9457) that the server has answered with. `code` is for programs, the text for people."""

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after_s: float | None = None) -> None:
        self.status = status
        self.problem = dict(problem)
        """The whole of it."""
        self.code = str(problem.get("code") or "")
        self.detail = str(problem.get("detail") or problem.get("title") or f"status {status}")
        self.errors: Sequence[FieldError] = tuple(_field_errors(problem.get("errors")))
        self.retry_after_s = retry_after_s
        self.request_id: str | None = _text(problem.get("request_id"))
        self.execution_id: str | None = _text(problem.get("execution_id"))
        super().__init__(f"{self.code}: {self.detail}" if self.code else self.detail)

    @property
    def pointer(self) -> str | None:
        """To the first field that is wrong."""
        return self.errors[0].pointer if self.errors else None


class InvalidRequest(ApiError):
    """400, 413, 415, 422 and the like: sent again it would be refused again."""


class Unauthorized(ApiError):
    """401: no key where one is needed, or one that is not valid."""


class Forbidden(ApiError):
    """403: the key may not do this."""


class NotFound(ApiError):
    """404, 410: there is no such thing, or no more, or it is another client's."""


class Conflict(ApiError):
    """409: not now."""


class FilesMissing(InvalidRequest):
    """422 `file_missing`: the server has not, or no more, what was named by its digest."""

    @property
    def missing(self) -> Sequence[str]:
        """The digests."""
        named = self.problem.get("missing")
        return [each for each in named if isinstance(each, str)] if isinstance(named, list) else []


class LimitReached(ApiError):
    """429: too many requests, or too much used; `policy` names the limit."""

    @property
    def policy(self) -> str | None:
        """Which limit it was."""
        return _text(self.problem.get("policy"))


class ServerFault(ApiError):
    """5xx: a fault of the server, or no room. The request may be right."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: LimitReached,
}


def api_error(status: int, problem: Mapping[str, Any], *, retry_after_s: float | None = None) -> ApiError:
    """The exception for a problem."""
    kind: type[ApiError] = ServerFault if status >= 500 else _BY_STATUS.get(status, InvalidRequest)
    if problem.get("code") == "file_missing":
        kind = FilesMissing
    return kind(status, problem, retry_after_s=retry_after_s)


def _field_errors(errors: Any) -> list[FieldError]:
    known = [each for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []
    return [FieldError(*(str(each.get(name, "")) for name in ("pointer", "code", "detail"))) for each in known]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
