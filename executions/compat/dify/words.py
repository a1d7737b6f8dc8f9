"""The envelope of every answer: a code, a message and data; what is refused mostly comes with status 200."""

from __future__ import annotations

from django.http import HttpResponse

from executions.compat.problems import Problem
from executions.compat.views import said

TOO_MANY = "Too many requests"
_OVERLOADED = {"no_slot", "rate_limited", "quota_exceeded", "too_many_concurrent", "queue_full"}


def answer(problem: Problem) -> HttpResponse:
    """Dify shows the message of an answer with status 200, and of any other the status alone."""
    if problem.status == 401:
        return HttpResponse(status=401)
    if problem.code in {"not_found", "method_not_allowed"}:
        return HttpResponse("404 page not found", status=404, content_type="text/plain")
    if problem.status in {429, 503}:
        # The other service's word where more come than it takes; of its own accord nobody asks again.
        return said(503, envelope(-503, TOO_MANY if problem.code in _OVERLOADED else problem.detail))
    return said(400 if problem.code == "invalid_json" else 200, envelope(-problem.status, problem.detail))


def envelope(code: int, message: str, data: object = None) -> dict[str, object]:
    """As the other service's JSON has it."""
    return {"code": code, "message": message, "data": data}


def success(data: object) -> HttpResponse:
    """All went well, as far as the service goes."""
    return said(200, envelope(0, "success", data))
