"""Between who has something to send and the thread that sends it, in one process."""

from __future__ import annotations

import threading

_event = threading.Event()


def wake() -> None:
    """There is something to send. Others' processes find it by looking."""
    _event.set()


def wait(seconds: float) -> None:
    """Until there is, or the time is up."""
    _event.wait(seconds)
    _event.clear()
