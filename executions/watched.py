"""Running an execution in a thread of its own, while the one that submitted it watches."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable

from executions.accept import accepted
from executions.idempotency import Claim
from executions.live.channels import all_channels
from executions.live.flow import Flow
from executions.live.teller import watch
from executions.models import OPEN, Execution
from executions.run import run
from executions.submission import Origin, Submission
from rest.connections import release_connection
from rest.disconnect import Client
from rest.exceptions import Unavailable
from sandbox.console import Console

logger = logging.getLogger(__name__)

REFUSED_AT_ONCE_S = 0.1
"""A full queue, or an engine that is gone, shows within milliseconds, and is in the row soon after: then the answer is
a plain error. What starts at once waits for nothing here."""
_LOOK_S = 0.005
_AGAIN_S = 0.1
"""Between two tries to cancel what is about to start and not known to dispatch yet."""


class WatchedRun:
    """One execution, from its submission to its end."""

    execution: Execution
    """Its row, once `begin` has returned; final once it is over and not open."""

    def __init__(
        self,
        submission: Submission,
        origin: Origin,
        *,
        arrived_at: float,
        claim: Claim | None = None,
        console: Console | None = None,
        flow: Flow | None = None,
        when_over: Callable[[], object] = lambda: None,
    ) -> None:
        """`console` is for its last step; with `flow` its reader is waited for. `when_over` is called in its thread."""
        self._submission, self._origin, self._claim = submission, origin, claim
        self._client = Client(arrived_at=arrived_at)
        self._console, self._flow, self._when_over = console, flow, when_over
        self._accepted = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Return once it is accepted and its channel is open. Raises what running it raises at once."""
        # What it logs, and its trace, are the request's.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=[self._run], name="gexec-watched", daemon=True).start()
        self._accepted.wait()
        give_up_at = time.monotonic() + REFUSED_AT_ONCE_S
        while self._is_queued() and time.monotonic() < give_up_at:
            self._over.wait(_LOOK_S)
        if self._error is not None:
            raise self._error

    def _is_queued(self) -> bool:
        return self._error is None and self.execution.started_at is None and not self._over.is_set()

    @property
    def ended(self) -> Execution | None:
        """Its row, where this run has ended it."""
        return self.execution if self.execution.status not in OPEN else None

    def wait_over(self, timeout_s: float) -> None:
        """Wait so long for its end."""
        self._over.wait(timeout_s)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is under way any more."""
        return self._over.is_set()

    @property
    def error(self) -> BaseException | None:
        """Why it could not be started; its row is rejected, or says so."""
        return self._error

    def leave(self, *, cancel: bool) -> None:
        """Nobody watches any more: wait for its end, which comes at once with `cancel`."""
        if cancel:
            self._client.gone = True
        while not self._over.wait(_AGAIN_S if cancel else None):
            self._client.cancel()

    def _run(self) -> None:
        try:
            with accepted(self._submission, self._origin, self._claim) as (execution, reservation):
                self.execution = execution
                channel = watch(execution.pk)
                channel.flow = self._flow
                self._accepted.set()
                try:
                    run(execution, reservation=reservation, client=self._client, console=self._console)
                finally:
                    # It is closed already, unless nothing was even tried.
                    all_channels().close(channel)
        except Exception as error:
            # Until it is accepted, and where it cannot be started, the one that submitted it is told.
            self._error = error
            if self._accepted.is_set() and not isinstance(error, Unavailable):
                logger.exception("an execution that is watched failed")
        finally:
            release_connection()
            self._when_over()
            self._over.set()
            self._accepted.set()
