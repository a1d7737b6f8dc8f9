"""What jobe says when it refuses: a JSON string; of keys and rates, text; and of a server that is busy, a result."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.http import HttpResponse

from executions.compat.problems import Problem
from executions.compat.views import said

OVERLOADED = 21
MISSING_FILES = "One or more of the specified files is missing/unavailable"
"""With 404: CodeRunner then sends all files, and the run again."""
OF_FILES = "files"
"""The policy that bounds what a client has stored."""
_BUSY = ("no_slot", "shutting_down", "engine_unavailable", "image_missing", "too_many_concurrent", "queue_full")
_TEXTS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "rate_limited": (429, "Max RUN rate for this server exceeded"),
        "quota_exceeded": (429, "Max RUN rate for this server exceeded"),
    }
)
_STRINGS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "file_missing": (404, MISSING_FILES),
        "not_found": (404, "Not Found"),
        # A route without such a method is none, to its server.
        "method_not_allowed": (404, "Not Found"),
        "invalid_json": (400, "Non-JSON post data received"),
    }
)
MISSING_KEY = "Missing API key"
_WRONG_KEY = "invalid API key"
_DISABLED = "the client of this API key is disabled"


def answer(problem: Problem) -> HttpResponse:
    """Its status and words."""
    if problem.code in _BUSY:
        return said(200, result(problem.execution_id, OVERLOADED))
    if problem.code == "unauthorized":
        is_wrong = problem.detail in (_WRONG_KEY, _DISABLED)
        return _text(403, "Unknown API key" if is_wrong else MISSING_KEY)
    if problem.code in _TEXTS and problem.members.get("policy") != OF_FILES:
        return _text(*_TEXTS[problem.code])
    status, message = _STRINGS.get(problem.code, (problem.status, problem.detail))
    return said(status, message)


def result(run_id: str | None, outcome: int, *, cmpinfo: str = "", stdout: str = "", stderr: str = "") -> object:
    """What a run is answered with."""
    return {"run_id": run_id, "outcome": outcome, "cmpinfo": cmpinfo, "stdout": stdout, "stderr": stderr}


def _text(status: int, message: str) -> HttpResponse:
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
