"""What is refused, in the words of the other service's framework; what may be tried again as its clients try again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse

from executions.compat.problems import Problem
from executions.compat.views import said

RETRIED = 504
"""The one status after which verl asks again: all others are a program without a reward."""
_DETAILS = {"not_found": "Not Found", "method_not_allowed": "Method Not Allowed"}


def answer(problem: Problem) -> HttpResponse:
    """`detail`, with 504 for all that may be otherwise a moment later."""
    if problem.code == "invalid_json":
        return invalid([fault("json_invalid", 0, "JSON decode error", {}, {"error": problem.detail})])
    if problem.status in {429, 503}:
        return said(RETRIED, {"detail": problem.detail})
    return said(problem.status, {"detail": _DETAILS.get(problem.code, problem.detail)})


def invalid(faults: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """422, with all that is wrong."""
    return said(422, {"detail": list(faults)})


def fault(
    kind: str, where: object, message: str, value: object, context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One thing that is wrong with the body. `where`: a field, or a tuple of the names that lead to it."""
    place = where if isinstance(where, tuple) else (where,)
    told = {"type": kind, "loc": ["body", *place], "msg": message, "input": value}
    return told | {"ctx": dict(context)} if context else told
