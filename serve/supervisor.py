"""What keeps a running gexec together: gunicorn as a child, PostgreSQL beside it, and an end that leaves nothing."""

from __future__ import annotations

import contextlib
import logging
import logging.config
import os
import signal
import time

from gexec import logs
from gexec.process import Process
from serve.arbiter import Gunicorn
from serve.groups import signal_group
from serve.postgres import PostgresError, Server
from serve.stops import Stops

POLL_S = 0.05
FIRST_RESTART_DELAY_S = 0.25
LAST_RESTART_DELAY_S = 10.0
"""Between starts of a PostgreSQL that ends again: the first is at once, the second after FIRST, then twice as long."""
STEADY_S = 60.0
"""A server that ran this long is started again without delay."""

logger = logging.getLogger("gexec.serve")


class Supervisor:
    """Runs gunicorn until it ends or a signal stops it; starts PostgreSQL again whenever it dies meanwhile.

    Single-threaded: the kernel ends its children with the thread that started them, see serve.groups.
    """

    def __init__(self, settings: Process, postgres: Server | None, stops: Stops) -> None:
        self._settings = settings
        self._postgres = postgres
        self._stops = stops
        self._signals_sent = 0
        self._stop_by = float("inf")
        self._postgres_since = time.monotonic()
        self._delay_s = 0.0
        self._restart_at = 0.0

    def run(self, gunicorn: Gunicorn) -> int:
        """Serve, and return the exit code to end with."""
        logging.config.dictConfig(logs.configuration(as_json=self._settings.log_json))
        self._stops.graceful = True
        gunicorn.serve()
        while gunicorn.exit_code is None:
            self._pass_signals_on(gunicorn)
            self._restart_dead_postgres()
            if time.monotonic() > self._stop_by:
                logger.error("gunicorn did not end in time and is killed")
                gunicorn.kill()
            time.sleep(POLL_S)
        asked = self._signals_sent > 0
        if not asked:
            logger.error("gunicorn ended by itself", extra={"exit_code": gunicorn.exit_code})
        self._wait_for_workers(gunicorn.group)
        # It ends by the signal where it has come before gunicorn looked for signals, and before it listened.
        return 0 if asked and gunicorn.exit_code in {0, -signal.SIGTERM} else 1

    def _pass_signals_on(self, gunicorn: Gunicorn) -> None:
        for number in self._stops.asked[self._signals_sent :]:
            # The first signal is graceful; SIGINT at an arbiter that stops already makes it quick.
            gunicorn.stop(at_once=self._signals_sent > 0)
            if not self._signals_sent:
                self._stop_by = time.monotonic() + self._settings.gunicorn_stop_s
                logger.info("stopping", extra={"signal": number.name})
            self._signals_sent += 1

    def _restart_dead_postgres(self) -> None:
        if self._postgres is None or not self._postgres.ended():
            return
        now = time.monotonic()
        if self._restart_at == 0.0:
            if now - self._postgres_since > STEADY_S:
                self._delay_s = 0.0
            self._restart_at = now + self._delay_s
            logger.error("PostgreSQL ended by itself", extra={"restart_in_s": self._delay_s})
        if now >= self._restart_at:
            try:
                self._postgres.spawn()
            except (OSError, PostgresError) as error:
                # No room for another process, or on the disk: there may be some later.
                logger.error("PostgreSQL cannot be started now: %s", error)
            self._postgres_since, self._restart_at = now, 0.0
            self._delay_s = min(max(self._delay_s * 2, FIRST_RESTART_DELAY_S), LAST_RESTART_DELAY_S)

    def _wait_for_workers(self, group: int) -> None:
        """After an arbiter that was killed, its workers end gracefully by themselves; the database waits for them."""
        deadline = min(self._stop_by, time.monotonic() + self._settings.gunicorn_stop_s)
        while True:
            with contextlib.suppress(ChildProcessError):
                # Where this is PID 1, orphaned workers are ours to reap.
                os.waitpid(-group, os.WNOHANG)
            if not signal_group(group, 0):
                return
            if time.monotonic() > deadline:
                signal_group(group, signal.SIGKILL)
                return
            time.sleep(POLL_S)
