"""Executions that wait to be taken up, for the tests of what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from executions import accept
from executions.limits import AskedLimits, caps_of, effective
from executions.models import API, Execution
from executions.submission import Origin, Submission, single_file
from languages.models import Language


def submission(language: Language, source: str = "x", **fields: Any) -> Submission:
    """A program, sent to the API."""
    limits = effective(language, AskedLimits(), caps_of(language, has_key=True))
    return replace(single_file(language, source, limits), door=API, **fields)


def origin(caller: int = 1) -> Origin:
    """Where this caller sends it from."""
    return Origin(f"192.0.2.{caller}")


def queue(language: Language, *callers: int, **fields: Any) -> list[Execution]:
    """One row of each of these callers, in this order."""
    return [accept.queued(submission(language, **fields), origin(caller)) for caller in callers]
