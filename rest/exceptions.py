"""Why a request gets no result: refused for what it asks, or not served for reasons of ours."""

from __future__ import annotations

from uuid import UUID

from rest_framework.exceptions import APIException


class Refusal(APIException):
    """The request is at fault: `message` tells how. `members` are the problem's besides."""

    status_code: int = 400
    default_code = "invalid_field"

    def __init__(self, message: str, *, status: int = 400, code: str | None = None, **members: object) -> None:
        super().__init__(message, code)
        self.message = message
        self.status_code = status
        self.members = members


class Unavailable(APIException):
    """The request is well formed and cannot be served now. `execution_id` names its row where there is one."""

    status_code = 503

    def __init__(self, message: str, *, retry_after_s: int, code: str, execution_id: UUID | None = None) -> None:
        super().__init__(message, code)
        self.message = message
        self.wait = retry_after_s
        self.execution_id = execution_id


class Limited(APIException):
    """The caller has had as much as it may for now; `policy` names what bounds it."""

    status_code = 429
    default_code = "rate_limited"

    def __init__(self, message: str, *, code: str, policy: str, retry_after_s: int) -> None:
        super().__init__(message, code)
        self.message = message
        self.policy = policy
        self.wait = retry_after_s
