"""The resource of an execution: its row, as /api/v1 tells it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from executions.api.steps import mean_json, step_json
from executions.api.tests import tests_json
from executions.models import Execution, Status
from executions.results import StepRecord, steps_in
from languages.programs import COMPILE, RUN
from rest.times import rfc3339

INCLUDES = ("source", "output", "timeline")
"""What `include` may name."""
_PATH = "/api/v1/executions"


def resource(execution: Execution, *, include: Collection[str] = (), sees_hidden: bool = False) -> dict[str, Any]:
    """All of it; `include` adds what is left out otherwise. Who `sees_hidden` tests is for the caller to say."""
    steps = steps_in(execution)
    with_output = "output" in include
    runs = [step for step in steps if step.name == RUN or step.name.startswith(f"{RUN}/")]
    told = summary(execution) | {
        "limits": execution.job.get("limits"),
        "compile": _first(steps, with_output=with_output),
        "run": _run(runs, with_output=with_output),
        "tests": tests_json(execution, steps, sees_hidden=sees_hidden, with_output=with_output),
        "score": execution.score,
        "artifacts": execution.artifacts or [],
    }
    if len(runs) > 1:
        told["runs"] = [step_json(step, with_output=with_output) for step in runs]
    if "source" in include:
        told |= _source(execution)
    if "timeline" in include:
        told["timeline"] = _timeline(execution)
    return told


def summary(execution: Execution) -> dict[str, Any]:
    """What a list has of it: no limits, no steps, nothing that it printed."""
    path = f"{_PATH}/{execution.pk}"
    return {
        "object": "execution",
        "id": str(execution.pk),
        "status": execution.status,
        "outcome": execution.outcome or None,
        "verdict": execution.verdict or None,
        "error": execution.error,
        "language": {
            "slug": execution.language_slug,
            "version": execution.language_version,
            "image_digest": execution.image_digest,
        },
        "created_at": rfc3339(execution.created_at),
        "started_at": rfc3339(execution.started_at),
        "finished_at": rfc3339(execution.finished_at),
        "queue_ms": execution.queue_ms,
        "tags": execution.tags or {},
        "batch": str(execution.batch_id) if execution.batch_id else None,
        "attempt": execution.attempt,
        "stored": execution.store,
        "links": {"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel"},
    }


def _first(steps: list[StepRecord], *, with_output: bool) -> dict[str, Any] | None:
    return next((step_json(step, with_output=with_output) for step in steps if step.name == COMPILE), None)


def _run(runs: list[StepRecord], *, with_output: bool) -> dict[str, Any] | None:
    if len(runs) > 1:
        return mean_json(runs)
    return step_json(runs[0], with_output=with_output) if runs else None


def _source(execution: Execution) -> dict[str, Any]:
    """The files as a request would bring them, and stdin."""
    columns = {"source": execution.source, "stdin": bytes(execution.stdin).decode(errors="replace")}
    files = [
        {"name": file["name"], "content": _told(file["content"], columns), "executable": file["executable"]}
        for file in execution.job.get("files", ())
    ]
    return {"files": files, "entrypoint": execution.job.get("entrypoint"), "stdin": columns["stdin"]}


def _told(content: dict[str, Any], columns: dict[str, str]) -> Any:
    """CONTENT of a job as the API's type of contents."""
    if "column" in content:
        return columns[content["column"]]
    return content.get("text", content)


def _timeline(execution: Execution) -> list[dict[str, Any]]:
    ended = "rejected" if execution.status == Status.REJECTED else "finished"
    named = {"created": execution.created_at, "started": execution.started_at, ended: execution.finished_at}
    return [{"event": name, "at": rfc3339(at)} for name, at in named.items() if at is not None]
