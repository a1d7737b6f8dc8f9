"""Signals by name, as people know them."""

from __future__ import annotations

import signal

SENDABLE = {
    each.name: int(each)
    for each in (
        signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH
    )
}  # fmt: skip
"""What whoever talks to a program may send it, by name."""


def name_of(number: int) -> str:
    """SIGSEGV for 11; for one without a name of its own its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def described(number: int) -> str:
    """The name, and what a shell says of a program that ended by it: `SIGSEGV (Segmentation fault)`."""
    text = signal.strsignal(number) if number < signal.SIGRTMIN else None
    return f"{name_of(number)} ({text})" if text else name_of(number)
