"""What runs beside the requests in a server process: the pool, its warm targets, the heartbeat."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import Error
from django.urls import reverse

from dispatch import active
from dispatch.heartbeat import Heartbeat
from executions import gauges, recovery, waiting
from executions.background import Background
from executions.compat.librechat.uploads import FORM_PATHS, OVERHEAD_BYTES
from executions.doors import Door
from executions.finisher import Finisher
from executions.live.channels import all_channels
from gexec.embedded import ADMIN_CONNECTIONS, POOL_CONNECTIONS
from gexec.middleware import ADMIN_PATH
from gexec.postgresql import lanes
from languages import programs, tasks
from periodic.scheduler import Scheduler
from rest import observed, tracing
from rest.connections import release_connection
from sandbox.errors import SandboxError
from sandbox.types import Profile, WarmTarget
from serve.handover import may_take_long
from serve.incoming import MAX_HEAD_BYTES
from serve.sockets import Shared
from serve.uploads import Uploads
from webhooks.dispatcher import Dispatcher

logger = logging.getLogger(__name__)

FOLLOW_S = 1.0
"""How often the languages are looked at: a change is live within two of these."""

_REQUESTS_AT_LEAST = 16
"""So many of the largest requests have room at once; half of them of one address."""
_UNSENT_BYTES_A_SLOT = 16 * 1024 * 1024
"""One of the largest answers."""

_LEAVE_POLL_S = 0.1
"""Nobody waits for it."""


def _beat() -> None:
    """Beside each heartbeat."""
    recovery.sweep_own()
    gauges.write()


_heartbeat = Heartbeat(_beat)
_periodic = Scheduler()
_webhooks = Dispatcher()
_background = Background()
_finisher = Finisher()
_stop = threading.Event()
_telemetry: Any = None
"""What tells of traces, where there is somewhere to send them to."""
_known: Mapping[Profile, WarmTarget] | None = None
"""What the pool was told last."""


def bound_database() -> None:
    """Give the API and the admin connections of their own, and bound how long each waits. Before the first query."""
    lanes.install(
        requests=lanes.Lane("requests", POOL_CONNECTIONS, settings.GEXEC_DATABASE_TIMEOUT_MS),
        admin=lanes.Lane("admin", ADMIN_CONNECTIONS, settings.GEXEC_DATABASE_ADMIN_TIMEOUT_MS),
        admin_path=ADMIN_PATH,
    )


def bound_clients(shared: Shared) -> None:
    """How much is kept in memory for clients that are slow to send, and slow to read."""
    largest = max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.GEXEC_MAX_REQUEST_BYTES)
    shared.max_request_bytes = largest + MAX_HEAD_BYTES
    shared.incoming.total = max(shared.incoming.total, _REQUESTS_AT_LEAST * shared.max_request_bytes)
    shared.unsent.total = max(shared.unsent.total, _UNSENT_BYTES_A_SLOT * settings.GEXEC_SLOTS)
    directory = settings.GEXEC_DATA_DIR / "uploads"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        # With a database elsewhere, nothing else has to be written there.
        logger.warning("files that are too large for memory cannot be uploaded: %s", error)
        return
    most = settings.GEXEC_MAX_FILE_BYTES
    shared.uploads = Uploads(
        path=reverse("files"),
        max_bytes=most,
        directory=directory,
        forms=FORM_PATHS if Door.LIBRECHAT in settings.GEXEC_COMPAT else (),
        form_bytes=most + OVERHEAD_BYTES,
    )


def start() -> None:
    """Begin serving: finish what ended processes left, make the pool, keep it in step with the languages.

    A database that is away keeps no worker from starting: gunicorn would give up all of them for one that fails here.
    """
    global _telemetry  # noqa: PLW0603 (one a process)
    if settings.GEXEC_TRACES:
        # Only here, in the process that serves: what sends the spans is a thread, which no fork inherits.
        _telemetry = import_module("gexec.telemetry").Telemetry()
        tracing.use(_telemetry)
    _heartbeat.start()
    # At once, so that a restart leaves nothing open.
    _periodic.start(first=recovery.TASK)
    _keep_warm()
    _background.start()
    if active.backend().remote:
        _finisher.start()
    threading.Thread(target=_follow_languages, name="languages", daemon=True).start()
    _webhooks.start()


def leave(longest_s: float, has_clients: Callable[[], bool]) -> None:
    """Go on with what has begun until that is over, or took longest_s; as long as others serve meanwhile.

    What waits in the backlog is theirs at once.
    """
    until = time.monotonic() + longest_s
    while may_take_long() and time.monotonic() < until:
        _background.stop()
        if not has_clients() and not _background.running:
            return
        time.sleep(_LEAVE_POLL_S)


def close_pool(grace_s: float) -> None:
    """End the programs, after the grace for those that run: see dispatch.base.Backend.close.

    What has not started goes back into the backlog at once. Who watches one of them is told to its end; who waits for
    what runs elsewhere is sent off at once, and who waits for what runs here is answered at the end.
    """
    _background.stop()
    all_channels().begin_closing()
    active.close(grace_s)
    waiting.stop()


def stop() -> None:
    """End serving. Only now, with every row written, may others take this process for one that is gone."""
    _finisher.stop()
    active.close(0)
    _background.join()
    _stop.set()
    tasks.abandon()
    _periodic.stop()
    _webhooks.stop()
    # What was counted since the last heartbeat.
    _try(_count_last, away="some of what was counted is lost", failed="some of what was counted is lost")
    _heartbeat.stop()
    if _telemetry is not None:
        _telemetry.stop()


def _count_last() -> None:
    # The pool is closed, and its numbers are its last.
    with suppress(SandboxError):
        gauges.count()
    observed.write()


def _follow_languages() -> None:
    """Tell the pool whenever what should be warm has changed."""
    while not _stop.wait(FOLLOW_S):
        _keep_warm()


def _keep_warm() -> None:
    def follow() -> None:
        global _known  # noqa: PLW0603 (one a process)
        targets = programs.warm_targets()
        if targets != _known:
            active.backend().keep_warm(targets)
            _known = targets

    _try(follow, away="the languages cannot be read now", failed="following the languages failed and goes on")


def _try(work: Callable[[], None], *, away: str, failed: str) -> None:
    """Once, and whatever comes of it is logged: the thread goes on, and holds no connection until the next time."""
    try:
        work()
    except Error as error:
        logger.warning("%s: %s", away, error)
    except Exception:
        logger.exception(failed)
    finally:
        release_connection()
