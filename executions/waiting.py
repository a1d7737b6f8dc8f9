"""Waiting for executions to end, whichever process runs them; without a connection of the database.

Theory of operation. What ends in this process is told to whoever waits (executions.told). For all that runs elsewhere
one thread asks the database ten times a second, in one query for all that is waited for; without a waiter it sleeps.
Each waiter takes a thread of the server, as those who watch do: of GEXEC_WATCHERS each caller has a share for both, and
one more is told at once how things are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from datetime import datetime
from functools import cache
from uuid import UUID

from django.utils import timezone

from executions import in_flight, told
from executions.live.watchers import watchers
from executions.models import OPEN, Execution
from rest.connections import DATABASE_AWAY, release_connection
from rest.disconnect import Client
from rest.exceptions import Unavailable

logger = logging.getLogger(__name__)

ASK_EVERY_S = 0.1
OURSELVES = "ourselves"
"""The share of the watchers of whoever waits for nobody in particular."""
AFTER_FAILURE_S = 1.0


def wait_for(ids: Collection[UUID], timeout_s: float, client: Client | None = None, *, by: str = OURSELVES) -> bool:
    """Wait until all of these have ended, are deleted, or `timeout_s` is over; whether they have, as far as is known.

    It comes back early where `client` is gone, where this server stops, and where too many wait already: in all, or
    of the caller that is named by `by`.
    """
    with told.listening(ids) as listener:
        if client is not None:
            client.when_gone(lambda: _stop(listener))
        _ask(listener.open)
        if not listener.open:
            return True
        if _waiters().stopped:
            return False
        try:
            leave = watchers.enter(by)
        except Unavailable:
            return False
        try:
            _waiters().call()
            return listener.wait(timeout_s)
        finally:
            leave()


def stop() -> None:
    """End every wait, and let nobody wait any more: this process ends."""
    _waiters().stop()


def left_ms(until: datetime) -> float:
    """How far off that is; below zero where it has passed."""
    return (until - timezone.now()).total_seconds() * 1000


def _stop(listener: told.Listener) -> bool:
    listener.stop()
    return True


def _ask(ids: Collection[UUID]) -> None:
    """Tell of those that have ended, or are not there."""
    asked = list(ids)
    try:
        still = set(Execution.objects.filter(pk__in=asked, status__in=OPEN).values_list("id", flat=True))
    finally:
        release_connection()
    for each in asked:
        if each not in still:
            told.ended(each)


class _Waiters:
    """The thread that asks for all who wait."""

    def __init__(self) -> None:
        self.stopped = False
        self._needed = threading.Event()
        threading.Thread(target=self._run, name="waiting", daemon=True).start()

    def call(self) -> None:
        """Somebody waits."""
        self._needed.set()

    def stop(self) -> None:
        self.stopped = True
        told.stop_all()

    def _run(self) -> None:
        while True:
            self._needed.wait()
            self._needed.clear()
            while awaited := told.awaited():
                pause = ASK_EVERY_S if self._look(awaited) else AFTER_FAILURE_S
                threading.Event().wait(pause)

    def _look(self, awaited: Collection[UUID]) -> bool:
        # What a thread of this process has is told by it.
        elsewhere = [each for each in awaited if not in_flight.contains(each)]
        try:
            if elsewhere:
                _ask(elsewhere)
        except DATABASE_AWAY as error:
            logger.warning("whether executions have ended cannot be asked now: %s", error)
            return False
        except Exception:
            logger.exception("asking whether executions have ended failed and goes on")
            return False
        return True


_making = threading.Lock()


@cache
def _the_waiters() -> _Waiters:
    return _Waiters()


def _waiters() -> _Waiters:
    # Two threads that ask at once would make two: `cache` alone does not keep them apart.
    with _making:
        return _the_waiters()
