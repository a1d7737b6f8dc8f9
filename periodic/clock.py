"""Whether the clock of this host may be trusted with what is deleted by its age: one that leaps makes all of it old."""

from __future__ import annotations

import threading
import time

from django.db import connection

TOLERATED_S = 3600.0
"""Nothing that is kept for days minds an hour, and no clock is mended by more in small steps."""
BELIEVED_AFTER_S = 86_400.0
"""A clock that was put forward and stays there for so long was wrong before."""


class Steadiness:
    """What this process knows of the clock: how far it is from one that cannot be set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset_s = _wall_s() - _since_boot_s()
        self._doubted_since_s: float | None = None

    def doubt(self) -> str:
        """Why nothing should be deleted by its age now; empty: there is no reason. Raises the database's errors."""
        ahead_s = _wall_s() - self._database_s()
        if ahead_s > TOLERATED_S:
            return f"the clock of this host is {_told(ahead_s)} ahead of the database's: nothing is deleted by its age"
        with self._lock:
            return self._leap()

    def _leap(self) -> str:
        offset_s, now_s = _wall_s() - _since_boot_s(), _since_boot_s()
        leapt_s = offset_s - self._offset_s
        if leapt_s > TOLERATED_S:
            self._doubted_since_s = now_s if self._doubted_since_s is None else self._doubted_since_s
            if now_s - self._doubted_since_s < BELIEVED_AFTER_S:
                return (
                    f"the clock of this host was put forward by {_told(leapt_s)}: nothing is deleted by its age until "
                    "it is right again, has stayed there for a day, or gexec is started again"
                )
        # Small steps are followed, and so is a clock that goes back: by it less is old.
        self._offset_s, self._doubted_since_s = offset_s, None
        return ""

    def _database_s(self) -> float:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            return float(cursor.fetchone()[0])


def _wall_s() -> float:
    return time.time()


def _since_boot_s() -> float:
    # Goes on while the machine sleeps, unlike the monotonic one: waking up is no leap.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _told(seconds: float) -> str:
    return f"{seconds / 86_400:.1f} days" if seconds >= 86_400 else f"{seconds / 3600:.1f} hours"
