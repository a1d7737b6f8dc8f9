"""The gunicorn that takes over from one that serves: the code and the database are prepared for it meanwhile."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from enum import Enum

from gexec.process import BASE_DIR
from serve.arbiter import Gunicorn
from serve.groups import end_group, start_group

PREPARE_STOP_S = 10.0
"""A preparation that is told to end ends a build or an installation first."""
SERVING_WITHIN_S = 120.0
"""From the end of the preparation: loading Django takes seconds on a busy machine."""


class State(Enum):
    """How far it has come."""

    PREPARING = "preparing"
    STARTING = "starting"
    SERVING = "serving"
    FAILED = "failed"


def start_preparation() -> subprocess.Popen[bytes]:
    """manage.py prepare, of the code that is there now. It reports itself what is wrong."""
    return start_group([sys.executable, "manage.py", "prepare"], cwd=BASE_DIR)


class Successor:
    """It never waits: `state` is to be asked now and then."""

    def __init__(self, listener: socket.socket, *, workers: int) -> None:
        """It serves on the same listening socket, beside the one that does so now, once all its workers do.

        Raises OSError where there is no room for another process.
        """
        self.gunicorn = Gunicorn(listener)
        try:
            self._preparation = start_preparation()
        except OSError:
            self.gunicorn.end()
            raise
        self._workers = workers
        self._until: float | None = None
        self.why = ""
        """Where it failed."""

    def state(self) -> State:
        """How far it has come. One that is FAILED is to be ended."""
        if self.gunicorn.exit_code is not None:
            return self._failed("it ended by itself")
        if self._until is None:
            return self._prepared()
        if self.gunicorn.serving >= self._workers:
            return State.SERVING
        if time.monotonic() > self._until:
            return self._failed("it did not serve in time")
        return State.STARTING

    def end(self) -> None:
        """Have nothing left of it."""
        end_group(self._preparation, wait_s=PREPARE_STOP_S)
        self.gunicorn.end()

    def _prepared(self) -> State:
        exit_code = self._preparation.poll()
        if exit_code is None:
            return State.PREPARING
        if exit_code:
            return self._failed("the preparation failed")
        self._until = time.monotonic() + SERVING_WITHIN_S
        self.gunicorn.serve()
        return State.STARTING

    def _failed(self, why: str) -> State:
        self.why = why
        return State.FAILED
