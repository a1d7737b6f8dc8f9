"""Why a request gets no result: refused for what it asks, or not served for reasons of ours."""

from __future__ import annotations

from uuid import UUID


class Refusal(Exception):
    """The request is at fault; `message` says how, `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class RateLimited(Exception):
    """Too many requests from one address."""

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__("Too many requests")
        self.retry_after_s = retry_after_s


class Unavailable(Exception):
    """The request is well formed and cannot be served now. `execution_id` names its row where there is one."""

    def __init__(self, message: str, *, retry_after_s: int, execution_id: UUID | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.execution_id = execution_id
