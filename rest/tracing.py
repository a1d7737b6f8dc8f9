"""Where a request's time went, as spans of one trace: nothing, until a server process has something to send them to.

This says what can be told of a trace; gexec.telemetry has the one implementation that tells it. Without it each call
here is one that does nothing, and no library of traces is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol


class Span(Protocol):
    """A part of a trace that goes on now."""

    def call(self, name: str) -> None:
        """Name it, once it is known what it is."""

    def say(self, **about: object) -> None:
        """What else is known of it; None is left out."""

    def fail(self) -> None:
        """It went wrong for a reason of ours."""


class Tracing(Protocol):
    """What tells of traces. Callable from any thread."""

    def request(self, environ: Mapping[str, Any]) -> AbstractContextManager[Span]:
        """Inside, the request is answered; it is a part of its caller's trace, where it names one."""

    def part(self, name: str, *, of: str = "", **about: object) -> AbstractContextManager[Span]:
        """A part of what goes on in this thread; or, where nothing does, of the one whose `traceparent` `of` is."""

    def past(self, name: str, *, lasted_ms: float, ended_ms_ago: float = 0.0, **about: object) -> None:
        """A part that is over."""

    def traceparent(self) -> str:
        """By which another process goes on with what is done in this thread; empty where there is nothing."""

    def trace_id(self) -> str:
        """Of what is done in this thread; empty where there is nothing."""


class _NoSpan:
    """Of nothing."""

    def call(self, name: str) -> None:
        pass

    def say(self, **about: object) -> None:
        pass

    def fail(self) -> None:
        pass


_NOTHING: AbstractContextManager[Span] = nullcontext(_NoSpan())


class Off:
    """Tells nothing."""

    def request(self, environ: Mapping[str, Any]) -> AbstractContextManager[Span]:
        return _NOTHING

    def part(self, name: str, *, of: str = "", **about: object) -> AbstractContextManager[Span]:
        return _NOTHING

    def past(self, name: str, *, lasted_ms: float, ended_ms_ago: float = 0.0, **about: object) -> None:
        pass

    def traceparent(self) -> str:
        return ""

    def trace_id(self) -> str:
        return ""


UNTRACED: Tracing = Off()
_tracing = UNTRACED


def now() -> Tracing:
    """What tells of traces in this process."""
    return _tracing


def use(tracing: Tracing) -> None:
    """Have this tell of them."""
    global _tracing  # noqa: PLW0603 (one a process)
    _tracing = tracing
