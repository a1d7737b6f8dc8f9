"""What keeps a running gexec together: gunicorn as a child, PostgreSQL beside it, and an end that leaves nothing.

At SIGHUP a second gunicorn is prepared beside the one that serves, of the code that is there by then. Once it serves,
on the same listening socket, the first is told to leave: it takes nothing new, and ends with the last that it has
begun. Where the second does not come to serve, the first goes on as if nothing had been asked.
"""

from __future__ import annotations

import contextlib
import logging
import logging.config
import os
import signal
import socket
import time
from dataclasses import dataclass

from gexec import logs
from gexec.embedded import MAX_PROCESSES
from gexec.process import Process
from serve.arbiter import Gunicorn
from serve.groups import signal_group
from serve.postgres import PostgresError, Server
from serve.stops import Stops
from serve.successor import State, Successor
from serve.systemd import Notifier

POLL_S = 0.05
FIRST_RESTART_DELAY_S = 0.25
LAST_RESTART_DELAY_S = 10.0
"""Between starts of a PostgreSQL that ends again: the first is at once, the second after FIRST, then twice as long."""
STEADY_S = 60.0
"""A server that ran this long is started again without delay."""

logger = logging.getLogger("gexec.serve")


@dataclass(frozen=True)
class _Leaving:
    """One that another has taken over from."""

    gunicorn: Gunicorn
    until: float


class Supervisor:
    """Runs gunicorn until it ends or a signal stops it; starts PostgreSQL again whenever it dies meanwhile.

    Single-threaded: the kernel ends its children with the thread that started them, see serve.groups.
    """

    def __init__(
        self,
        settings: Process,
        postgres: Server | None,
        stops: Stops,
        *,
        listener: socket.socket,
        gunicorn: Gunicorn,
        notifier: Notifier,
    ) -> None:
        """`gunicorn` is to serve on the listener, as will those that follow it. The listener is closed at the stop."""
        self._settings = settings
        self._postgres = postgres
        self._stops = stops
        self._listener = listener
        self._gunicorn = gunicorn
        self._notifier = notifier
        self._told_ready = False
        self._successor: Successor | None = None
        self._leaving: list[_Leaving] = []
        self._signals_sent = 0
        self._stop_by = float("inf")
        self._postgres_since = time.monotonic()
        self._delay_s = 0.0
        self._restart_at = 0.0

    def run(self) -> int:
        """Serve, and return the exit code to end with."""
        logging.config.dictConfig(logs.configuration(as_json=self._settings.log_json))
        self._stops.graceful = True
        self._gunicorn.serve()
        while self._gunicorn.exit_code is None:
            self._pass_signals_on()
            self._hand_over()
            self._see_off()
            self._tell_ready()
            self._restart_dead_postgres()
            if time.monotonic() > self._stop_by:
                logger.error("gunicorn did not end in time and is killed")
                self._gunicorn.kill()
            time.sleep(POLL_S)
        asked = self._signals_sent > 0
        if not asked:
            logger.error("gunicorn ended by itself", extra={"exit_code": self._gunicorn.exit_code})
            self._listener.close()
            self._give_up_successor()
            for each in self._leaving:
                each.gunicorn.stop(at_once=False)
        for group in (self._gunicorn.group, *(each.gunicorn.group for each in self._leaving)):
            self._wait_for_workers(group)
        # It ends by the signal where it has come before gunicorn looked for signals, and before it listened.
        return 0 if asked and self._gunicorn.exit_code in {0, -signal.SIGTERM} else 1

    def _pass_signals_on(self) -> None:
        for number in self._stops.asked[self._signals_sent :]:
            first = not self._signals_sent
            if first:
                self._stop_by = time.monotonic() + self._settings.gunicorn_stop_s
                logger.info("stopping", extra={"signal": number.name})
                self._notifier.stopping()
                self._listener.close()
            # The first signal is graceful; SIGINT at an arbiter that stops already makes it quick.
            for gunicorn in (self._gunicorn, *(each.gunicorn for each in self._leaving)):
                gunicorn.stop(at_once=not first)
            self._signals_sent += 1
            self._give_up_successor()

    def _give_up_successor(self) -> None:
        if self._successor is not None:
            self._successor.end()
            self._successor = None

    def _tell_ready(self) -> None:
        if not self._told_ready and self._gunicorn.serving:
            self._told_ready = True
            self._notifier.ready()

    def _hand_over(self) -> None:
        if self._signals_sent:
            return
        if self._successor is None:
            if self._stops.take_reload():
                self._begin_reload()
            return
        state = self._successor.state()
        if state is State.FAILED:
            logger.error("the reload failed, and what served before goes on", extra={"reason": self._successor.why})
            self._successor.end()
        elif state is State.SERVING:
            self._gunicorn.leave()
            self._leaving.append(_Leaving(self._gunicorn, time.monotonic() + self._settings.leave_s))
            self._gunicorn = self._successor.gunicorn
            logger.info("reloaded: those of before end with what they have begun")
        else:
            return
        self._successor = None
        self._notifier.ready()

    def _begin_reload(self) -> None:
        if self._postgres is not None and 2 * self._settings.workers > MAX_PROCESSES:
            logger.error(
                "no reload: the embedded database has no connections for twice as many workers",
                extra={"workers": self._settings.workers, "most": MAX_PROCESSES // 2},
            )
            return
        logger.info("reloading")
        self._notifier.reloading()
        try:
            self._successor = Successor(self._listener, workers=self._settings.workers)
        except OSError as error:
            # No room for another process.
            logger.error("the reload failed, and what served before goes on", extra={"reason": str(error)})
            self._notifier.ready()

    def _see_off(self) -> None:
        """Of those that leave: who is gone is forgotten, and who takes too long is killed."""
        for each in list(self._leaving):
            if time.monotonic() > min(each.until, self._stop_by):
                logger.error("gunicorn of before a reload did not end in time and is killed")
                each.gunicorn.kill()
            if each.gunicorn.exit_code is not None:
                self._leaving.remove(each)
                # Workers that outlive their arbiter end by themselves; none is left beyond the time of a stop.
                signal_group(each.gunicorn.group, signal.SIGTERM)
                logger.info("gunicorn of before a reload has ended", extra={"exit_code": each.gunicorn.exit_code})

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
