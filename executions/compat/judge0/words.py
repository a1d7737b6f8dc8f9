"""How the door tells what is wrong: the other server says little, and much of it with a status alone."""

from __future__ import annotations

from django.http import HttpResponse

from executions.compat.problems import Problem
from executions.compat.views import said

_SILENT = {400: 400, 401: 401, 403: 403, 404: 404, 405: 404, 406: 404, 500: 500}
"""Statuses that come without a body; of a path or a method that there is not, it says that it was not found."""
_FULL = frozenset({"no_slot", "queue_full", "too_many_concurrent"})
_KEPT = frozenset({"invalid_field", "limit_exceeded", "invalid_file_name", "body_too_large", "missing_field"})
"""What a submission is refused with that its own server would have taken: in words, as a fault of the submission."""
UNPROCESSABLE, UNAVAILABLE = 422, 503


def answer(problem: Problem) -> HttpResponse:
    """The answer."""
    if problem.code in _FULL:
        return _said(UNAVAILABLE, "queue is full")
    if problem.code in _KEPT and problem.status != 413:
        return _said(UNPROCESSABLE, problem.detail)
    if problem.status in _SILENT:
        return silent(_SILENT[problem.status])
    return _said(problem.status, problem.detail)


def silent(status: int) -> HttpResponse:
    """A status without a word."""
    return HttpResponse(status=status, content_type="text/html")


def _said(status: int, text: str) -> HttpResponse:
    return said(status, {"error": text})
