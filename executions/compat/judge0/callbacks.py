"""What goes to a submission's callback_url once it has ended: the usual attributes, in base64."""

from __future__ import annotations

import json

from executions.announcements import Callback
from executions.compat.judge0.fields import DEFAULT, written
from executions.compat.judge0.finding import attributes
from executions.models import CompatToken, Execution


def callback_of(execution: Execution) -> Callback | None:
    """By PUT; None where its token is gone."""
    submission = CompatToken.objects.filter(execution_id=execution.pk).first()
    if submission is None:
        return None
    submission.execution = execution
    told = written(attributes(submission), DEFAULT, in_base64=True)
    return Callback("PUT", json.dumps(told, separators=(",", ":")).encode())
