"""What the supervisor and a gunicorn of its say to each other: on gunicorn's standard input, which is a socket.

The supervisor says when to serve, when to leave what another one takes over, and when to stop leaving. A worker says
when it serves. Words that nobody has read stay in the socket, so that every worker can look at the last ones.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress

_SERVE = b"serve\n"
_LEAVE = b"leave\n"
_HURRY = b"hurry\n"
_SERVING = b"serving\n"
_STDIN = 0


class Line:
    """The supervisor's end, for one gunicorn. `child_end` is the other, which is to be closed once it is inherited."""

    def __init__(self) -> None:
        self._own, self.child_end = socket.socketpair()
        self._own.settimeout(0)
        self._serving = 0

    def serve(self) -> None:
        """Everything is prepared."""
        self._say(_SERVE)

    def leave(self) -> None:
        """Another one serves: no hurry with what has begun."""
        self._say(_LEAVE)

    def hurry(self) -> None:
        """There is: the whole server stops."""
        self._say(_HURRY)

    @property
    def serving(self) -> int:
        """How often a worker said that it serves."""
        with suppress(OSError):
            while said := self._own.recv(4096):
                self._serving += said.count(_SERVING)
        return self._serving

    def close(self) -> None:
        """What has not been told to serve ends by that."""
        self._own.close()

    def _say(self, word: bytes) -> None:
        # One that has ended is seen by its exit code.
        with suppress(OSError):
            self._own.sendall(word)


def say_serving() -> None:
    """In a worker: it answers requests from now on."""
    with suppress(OSError), socket.socket(fileno=os.dup(_STDIN)) as line:
        line.send(_SERVING, socket.MSG_DONTWAIT)


def may_take_long() -> bool:
    """In gunicorn and its workers: whether what has begun may end in its own time, because others serve meanwhile."""
    # Asked after every request, and nothing was said: a look at the descriptor costs an eighth of a read that fails.
    look = select.poll()
    look.register(_STDIN, select.POLLIN)
    if not look.poll(0):
        return False
    try:
        with socket.socket(fileno=os.dup(_STDIN)) as line:
            said = line.recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return said == _LEAVE
