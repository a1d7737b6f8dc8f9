"""Periodic work: what has not arrived is sent again when its time has come, by one process at a time."""

from __future__ import annotations

from periodic.tasks import Stop
from rest.connections import release_connection
from webhooks import sender

EVERY_S = 2.0
"""The shortest time from one try to the next is a second."""
_LOOK_EVERY_S = 0.5
"""For what becomes due while something is under way."""


def carry_out(stop: Stop) -> int:
    """Send what is due again, and wait for what came of it; how many. What has just begun when it is to stop goes on.

    A claim that ran out is due again as well: the process that had it has ended.
    """
    sending, begun = sender.of_this_process(), 0
    while not stop.is_set():
        if sending.start_next(again=True):
            begun += 1
        elif sending.is_sending_again():
            release_connection()
            sending.wait(_LOOK_EVERY_S)
        else:
            break
    return begun
