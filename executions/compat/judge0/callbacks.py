"""What goes to a submission's callback_url once it has ended: the usual attributes, in base64."""

from __future__ import annotations

import json
from typing import Any

from executions.announcements import Callback
from executions.compat.judge0.fields import DEFAULT, Readable, written
from executions.compat.judge0.finding import attributes
from executions.models import CompatToken, Execution

MOST_BYTES = 1024 * 1024
"""Of each text: all that a program may print unless its submission says otherwise. What is sent is kept for days."""


class _Cut:
    """Attributes, of which a text is no longer than that."""

    def __init__(self, whole: Readable) -> None:
        self._whole = whole

    def __getitem__(self, name: str) -> Any:
        value = self._whole[name]
        return value[:MOST_BYTES] if isinstance(value, bytes) else value


def callback_of(execution: Execution) -> Callback | None:
    """By PUT; None where its token is gone."""
    submission = CompatToken.objects.filter(execution_id=execution.pk).first()
    if submission is None:
        return None
    submission.execution = execution
    told = written(_Cut(attributes(submission)), DEFAULT, in_base64=True)
    return Callback("PUT", json.dumps(told, separators=(",", ":")).encode())
