"""What a request is refused with, before a door has put it into its own words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.views import set_rollback

from executions.doors import COMPAT, Door, paths_of
from rest import refusals
from rest.problems import known, problem, problem_of

logger = logging.getLogger(__name__)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Problem:
    """As /api/v1 would tell it: `code` is one of rest/codes.py, `detail` is for people."""

    status: int
    code: str
    detail: str
    retry_after_s: int | None = None
    execution_id: str | None = None
    members: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """What the problem has besides: `missing`, `policy`, `errors`."""


class Reply(Exception):
    """Raised by an adapter that has its answer already, wherever it stands: the client gets `response` as it is."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def answered(door: Door, exc: Exception) -> HttpResponse:
    """What the door says to an exception: each has an answer, and one that is a fault of the code is in the log."""
    if isinstance(exc, Reply):
        return exc.response
    told = problem_in(exc)
    return in_words_of(door, told)


def in_words_of(door: Door, told: Problem) -> HttpResponse:
    """The door's answer, with the headers that every one of ours has."""
    response = _words_of(door)(told)
    refusals.mark(response, told.code)
    if response.status_code == 401:
        response.setdefault("WWW-Authenticate", "Api-Key")
    if told.retry_after_s is not None:
        response.setdefault("Retry-After", str(told.retry_after_s))
    if told.execution_id is not None:
        response.setdefault("X-Execution-Id", told.execution_id)
    return response


def outside_views(path: str, status: int, code: str, detail: str) -> HttpResponse | None:
    """The answer to what no view was asked, where the path is a door's that is open; None where it is none."""
    door = door_at(path)
    return None if door is None else in_words_of(door, Problem(status, code, detail))


def door_at(path: str) -> Door | None:
    """The open door that this path belongs to."""
    opened = paths_of(settings.GEXEC_COMPAT, settings.GEXEC_COMPAT_ROOT)
    return next((door for at, door in opened if path == at or path.startswith(f"{at}/")), None)


def built() -> tuple[Door, ...]:
    """The doors that there are: each is a package beside this module."""
    package = import_module(__package__ or "")
    names = {module.name for module in iter_modules(package.__path__) if module.ispkg}
    return tuple(door for door in COMPAT if door in names)


def problem_in(exc: Exception) -> Problem:
    """What a client may be told of it; a fault of the code is logged."""
    understood = known(exc)
    set_rollback()
    if understood is None:
        logger.error("a request failed for a reason of ours", exc_info=exc)
        return Problem(500, "internal_error", "internal server error")
    told = problem_of(understood)
    members = {name: value for name, value in told.items() if name not in problem(400, "", "")}
    return Problem(
        status=told["status"],
        code=told["code"],
        detail=told["detail"],
        retry_after_s=getattr(understood, "wait", None),
        execution_id=members.pop("execution_id", None),
        members=members,
    )


@cache
def _words_of(door: Door) -> Callable[[Problem], HttpResponse]:
    words: Callable[[Problem], HttpResponse] = import_module(f"{__package__}.{door.value}.words").answer
    return words
