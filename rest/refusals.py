"""What requests were refused with: one line each, as long as they are few, and a count by code."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from rest.codes import CODES

logger = logging.getLogger(__name__)

LINES_A_SECOND = 20
"""Whoever sends what is refused must not fill the disk with lines about it. All are counted."""
_OTHER = "other"
_ATTRIBUTE = "refused_with"


def mark(response: Any, code: str) -> None:
    """Note on an answer that it refuses, and the problem's code."""
    setattr(response, _ATTRIBUTE, code)


def code_of(response: Any) -> str | None:
    """One of rest.codes, whatever was asked; None where the answer refuses nothing."""
    code = getattr(response, _ATTRIBUTE, None)
    return None if code is None else code if code in CODES else _OTHER


def tell(code: str, **about: object) -> None:
    """Log one, unless there were too many within the last second; how many were left out comes with the next."""
    left_out = _lines.take()
    if left_out is not None:
        more = {"not_told": left_out} if left_out else {}
        logger.info("request refused", extra={"code": code, **about, **more})


class _Lines:
    """How many may be written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._written = 0
        self._left_out = 0

    def take(self) -> int | None:
        """How many were left out since the last one; None: this one is left out."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._written = second, 0
            if self._written >= LINES_A_SECOND:
                self._left_out += 1
                return None
            self._written += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


_lines = _Lines()
