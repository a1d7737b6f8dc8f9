"""Whether an answer waits, as `wait` in the body or the header Prefer (RFC 7240) says; the header counts."""

from __future__ import annotations

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

LONGEST_S = 300.0
WAIT_PARAMETER = "wait"


def preferred_wait(request: Request) -> float | bool | None:
    """What Prefer says: False for respond-async, seconds for wait=…; None where it says nothing of it.

    With both, `respond-async, wait=10`, the answer waits so long and no longer.
    """
    seconds, asynchronous = None, False
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        word, text = name.strip().lower(), value.strip().strip('"')
        if word == "respond-async":
            asynchronous = True
        elif word == "wait" and text.isascii() and text.isdecimal() and len(text) <= 6:
            seconds = min(float(text), LONGEST_S)
    return seconds if seconds is not None else False if asynchronous else None


def applied(wait: float | bool) -> str:
    """The value of Preference-Applied for what was preferred."""
    return "respond-async" if wait is False else f"wait={wait:.0f}"


def wait_in(request: Request) -> float:
    """How many seconds the query's `wait` asks for; 0 without one. ValidationError."""
    text = request.query_params.get(WAIT_PARAMETER, "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= LONGEST_S):
        message = f"must be whole seconds from 0 to {LONGEST_S:.0f}"
        raise ValidationError({WAIT_PARAMETER: ErrorDetail(message, code="invalid")})
    return float(text)
