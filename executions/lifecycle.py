"""One line in the log for each step in the life of an execution: what it is, how long it took, and nothing of its text.

Neither source nor output, arguments, tags, errors or reasons: whatever a client or its program has written stays out.
"""

from __future__ import annotations

import logging
from typing import Any

from executions.models import Execution, Status
from rest import correlation

logger = logging.getLogger(__name__)

TRACEPARENT = "traceparent"
"""In a job: of what submitted it, for the trace."""
REQUEST_ID = "request_id"
"""In a job: that of the request, for the lines of whichever process takes it up."""
OF_A_REQUEST = frozenset({TRACEPARENT, REQUEST_ID})
"""What a row that runs the same once more does not take over."""


def accepted(execution: Execution) -> None:
    """Its row is committed; it waits for its turn, or has its slot already."""
    about = {"door": execution.door, "lane": execution.lane, "batch": execution.batch_id}
    _tell("accepted", execution, about)
    if execution.status == Status.QUEUED:
        queued(execution)


def queued(execution: Execution) -> None:
    """It waits for its turn, for the first time or again."""
    _tell("queued", execution, {"attempt": execution.attempt, "background": execution.background or None})


def started(execution: Execution, *, queue_ms: float, container_ms: float) -> None:
    """It has a slot and a container, for which it has waited so long."""
    waited = {"queue_ms": round(queue_ms, 3), "container_ms": round(container_ms, 3)}
    _tell("started", execution, {"attempt": execution.attempt, **waited})


def ended(execution: Execution, *, reason: str = "") -> None:
    """Its row is final. `reason` is a sentence of ours, of one that never got its turn."""
    known = vars(execution)
    about: dict[str, Any] = {
        name: known.get(name) for name in ("outcome", "exit_code", "signal", "verdict", "queue_ms", "wall_ms", "cpu_ms")
    }
    about["total_ms"] = _total_ms(known)
    if execution.status == Status.REJECTED:
        _tell("refused", execution, {"reason": reason, **about})
    else:
        _tell("finished", execution, about)


def _total_ms(known: dict[str, Any]) -> float | None:
    created_at, finished_at = known.get("created_at"), known.get("finished_at")
    if created_at is None or finished_at is None:
        return None
    return round(float((finished_at - created_at).total_seconds()) * 1000, 3)


def _tell(what: str, execution: Execution, about: dict[str, Any]) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    # A row of which only some columns were read is not read again for this.
    known = vars(execution)
    given = {
        "execution": execution.pk,
        "client": known.get("client_id"),
        "language": known.get("language_slug"),
        REQUEST_ID: correlation.current() or (known.get("job") or {}).get(REQUEST_ID),
        **about,
    }
    logger.info(
        "execution %s", what, extra={name: _plain(value) for name, value in given.items() if value not in _NOTHING}
    )


_NOTHING = (None, "")


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float)) else str(value)
