"""What Piston says when it refuses: `{"message": …}`, in its own words where clients compare them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.http import HttpResponse

from executions.compat.problems import Problem
from executions.compat.views import said

NOT_FOUND = "Not Found"
TOO_OFTEN = "Requests limited to 1 per 200ms"
"""Its public server's; clients compare it, and send the request again after a moment."""

_SAID: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        # A route without such a method is none, to its server.
        "method_not_allowed": (404, NOT_FOUND),
        "not_found": (404, NOT_FOUND),
        "rate_limited": (429, TOO_OFTEN),
    }
)


def answer(problem: Problem) -> HttpResponse:
    """Its message, and its status. A fault of ours has no body at all, as there."""
    if problem.status == 500:
        return said(500)
    status, _ = _SAID.get(problem.code, (problem.status, ""))
    return said(status, {"message": message_of(problem)})


def message_of(problem: Problem) -> str:
    """In its words, where it has some."""
    return _SAID.get(problem.code, (problem.status, problem.detail))[1]
