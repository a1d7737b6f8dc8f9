"""What installing a language may end in."""

from __future__ import annotations


class InstallError(Exception):
    """Something could not be installed; the text tells why and what to do."""

    def __init__(self, message: str, *, log_end: str = "") -> None:
        super().__init__(f"{message}\n{log_end}" if log_end else message)
        self.log_end = log_end
