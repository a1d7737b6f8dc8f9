"""What is refused, in the other service's words: LibreChat's tools know some of them, and show the rest to nobody."""

from __future__ import annotations

from django.http import HttpResponse

from executions.compat.problems import Problem
from executions.compat.views import said

NEEDED = "Bearer token is required"
_OF_CODES = {
    "not_found": "Not found",
    "method_not_allowed": "Not found",
    "internal_error": "Internal server error",
    "shutting_down": "Service is shutting down",
}


def answer(problem: Problem) -> HttpResponse:
    """`error`, and of too many requests how long to wait."""
    if problem.status == 401:
        return error(401, NEEDED if problem.detail == NEEDED else "Invalid bearer token")
    if problem.status == 429:
        return _too_many(problem)
    status = 404 if problem.status == 405 else problem.status
    return error(status, _OF_CODES.get(problem.code, problem.detail))


def error(status: int, text: str, **more: object) -> HttpResponse:
    """An answer that says what is wrong."""
    return said(status, {"error": text, **more})


def _too_many(problem: Problem) -> HttpResponse:
    seconds = max(1, problem.retry_after_s or 1)
    wait = "1 second" if seconds == 1 else f"{seconds} seconds"
    message = "Too many CodeAPI execution requests" if problem.code == "rate_limited" else problem.detail
    told = {"error": "rate_limited", "message": f"{message.rstrip('.')}. Please retry in {wait}."}
    return said(429, told | {"retry_after_seconds": seconds})
