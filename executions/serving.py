"""What runs beside the requests in a server process: the pool, its warm targets, the heartbeat."""

from __future__ import annotations

import logging
import threading

from django.db import Error

from executions import finishing, language_tasks, runtime
from executions.recovery import Heartbeat

logger = logging.getLogger(__name__)

FOLLOW_S = 1.0
"""How often the languages are looked at: a change is live within two of these."""

_heartbeat = Heartbeat()
_stop = threading.Event()


def start() -> None:
    """Begin serving: finish what dead processes left, make the pool, keep it in step with the languages."""
    _heartbeat.start()
    runtime.pool()
    threading.Thread(target=_follow_languages, name="languages", daemon=True).start()


def stop(grace_s: float) -> None:
    """End serving: see Pool.close; then this process is no more known as a living one."""
    runtime.shutdown(grace_s)
    _stop.set()
    language_tasks.abandon()
    _heartbeat.stop()


def _follow_languages() -> None:
    """Tell the pool whenever what should be warm has changed."""
    known = None
    while True:
        try:
            targets = runtime.warm_targets()
            if targets != known:
                runtime.pool().keep_warm(targets)
                known = targets
        except Error as error:
            logger.warning("the languages cannot be read now: %s", error)
        except Exception:
            logger.exception("following the languages failed and goes on")
        finally:
            finishing.release_connection()
        if _stop.wait(FOLLOW_S):
            return
