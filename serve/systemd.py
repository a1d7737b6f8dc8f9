"""What systemd gives to a service, and wants to hear from it: a socket that listens already, and how it is."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

_FIRST_DESCRIPTOR = 3
"""sd_listen_fds(3)."""


class TooManySockets(Exception):
    """The unit has several sockets, and one is served."""


def given_socket() -> socket.socket | None:
    """The socket that systemd made for this process, if it did. Children are not to take it for theirs.

    Raises TooManySockets.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit() or int(count) == 0:
        return None
    if int(count) > 1:
        raise TooManySockets
    os.set_inheritable(_FIRST_DESCRIPTOR, False)  # noqa: FBT003 (it takes no name)
    return socket.socket(fileno=_FIRST_DESCRIPTOR)


class Notifier:
    """Tells systemd how this process is, where it wants to know (sd_notify(3))."""

    def __init__(self) -> None:
        """Children are not to tell it anything."""
        self._address = os.environ.pop("NOTIFY_SOCKET", "")

    def ready(self) -> None:
        """It serves; also at the end of a reload."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """A new gunicorn is being prepared."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It ends."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is one without a file.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(text.encode(), address)
