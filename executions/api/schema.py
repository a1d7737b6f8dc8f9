"""The schemas of what /api/v1 answers about executions, and what each of its operations takes beside the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from executions.api.meanings import EXAMPLE, explained
from executions.api.requests import ExecutionRequestSerializer, TokenRequestSerializer
from executions.api.resource import INCLUDES
from executions.batches import DELETED, MAX_ITEMS
from executions.grading.verdicts import Verdict
from executions.models import Status, Store
from executions.outcomes import Outcome
from rest.openapi import COMPONENTS, LIST_PARAMETERS, component, header, list_of, parameter

_TIME = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
_ID = {"type": "string", "format": "uuid"}
_NUMBER, _WHOLE, _TEXT, _FLAG = ({"type": kind} for kind in ("number", "integer", "string", "boolean"))


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return (
        {"oneOf": [schema, {"type": "null"}]} if "type" not in schema else schema | {"type": [schema["type"], "null"]}
    )


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": explained(properties), "required": required, **more}


_OUTCOME = {"type": "string", "enum": [outcome.value for outcome in Outcome], "description": "More may come."}
_STREAM = {"type": "string", "description": "As text; what is no UTF-8 is U+FFFD."}
_BASE64 = {"type": ["string", "null"], "contentEncoding": "base64", "description": "All bytes, where they are no text."}

STEP = component(
    "Step",
    _object(
        {
            "outcome": _OUTCOME,
            "exit_code": _or_null(_WHOLE),
            "signal": _or_null(_WHOLE),
            "signal_name": {"type": ["string", "null"], "description": "SIGSEGV and so on."},
            "message": {"type": "string", "description": "What can be said of its ending."},
            "stdout": _STREAM,
            "stdout_base64": _BASE64,
            "stdout_bytes": _WHOLE,
            "stdout_truncated": _FLAG,
            "stderr": _STREAM,
            "stderr_base64": _BASE64,
            "stderr_bytes": _WHOLE,
            "stderr_truncated": _FLAG,
            "wall_ms": _NUMBER,
            "cpu_ms": _or_null(_NUMBER),
            "peak_memory_bytes": _or_null(_WHOLE),
            "output": {
                "type": "array",
                "description": "Both streams in the order in which they came; with `include=output`.",
                "items": _object({"stream": {"type": "string", "enum": ["stdout", "stderr"]}, "text": _TEXT}),
            },
        },
        optional=("output",),
        description="One program that was run: the compiler, or the program itself.",
    ),
)

LIMITS = component(
    "EffectiveLimits",
    _object(
        {
            "wall_ms": _WHOLE,
            "cpu_ms": _or_null(_WHOLE),
            "memory_mb": _WHOLE,
            "output_bytes": _WHOLE,
            "processes": _WHOLE,
            "file_bytes": _WHOLE,
            "compile_wall_ms": _or_null(_WHOLE),
            "capped": {
                "type": "array",
                "items": _TEXT,
                "description": "What is below the language's own, as the caller may not have more.",
            },
        },
        description="What held: of the request, or else of the language.",
    ),
)

ARTIFACT = component(
    "Artifact",
    _object(
        {
            "name": _TEXT,
            "bytes": _WHOLE,
            "media_type": _TEXT,
            "sha256": _or_null(_TEXT),
            "content": _or_null({"$ref": "#/components/schemas/Base64"}),
            "file": {"type": ["string", "null"], "description": "Where it is large: a file of the client."},
            "skipped": {"type": ["string", "null"], "enum": ["too_large", "too_many", "not_regular", None]},
        },
        description="A file that the program left.",
    ),
)
component(
    "Base64",
    _object({"base64": {"type": "string", "contentEncoding": "base64"}}, description="Bytes that are no text."),
)

_PLACE = {"type": "integer", "minimum": 1}
DIFFERENCE = component(
    "Difference",
    _object(
        {"line": _PLACE, "column": _PLACE, "expected": _or_null(_TEXT), "actual": _or_null(_TEXT)},
        description="Where an output leaves the expected one; null where there is no more of one.",
    ),
)
_VERDICT = {"type": "string", "enum": [verdict.value for verdict in Verdict], "description": "More may come."}
_OF_A_TEST = {
    "name": _TEXT,
    "verdict": _VERDICT,
    "hidden": _FLAG,
    "group": _TEXT,
    "points": _NUMBER,
    "max_points": _NUMBER,
    "first_difference": _or_null(DIFFERENCE),
    "checker_message": _TEXT,
    **COMPONENTS["Step"]["properties"],
}
TEST = component(
    "Test",
    _object(
        _OF_A_TEST,
        optional=tuple(name for name in _OF_A_TEST if name not in {"name", "verdict"}),
        description="One test, with the fields of its `Step` where it was run; of a hidden one no more than its name "
        "and its verdict, for who may not see it.",
    ),
)
_POINTS = {"points": _NUMBER, "max_points": _NUMBER}
SCORE = component(
    "Score",
    _object(
        {"passed": _WHOLE, "total": _WHOLE, **_POINTS}
        | {"groups": {"type": "object", "additionalProperties": _object(_POINTS)}},
        description="All tests together.",
    ),
)

_SUMMARY: dict[str, Any] = {
    "object": {"const": "execution"},
    "id": _ID,
    "status": {"type": "string", "enum": Status.values},
    "outcome": _OUTCOME | {"type": ["string", "null"], "enum": [*(outcome.value for outcome in Outcome), None]},
    "verdict": {"type": ["string", "null"], "description": "Of all its tests: the first that is not `passed`."},
    "error": {"type": "string", "description": "Which limit it met, or what went wrong on our side; else empty."},
    "language": _object({"slug": _TEXT, "version": _TEXT, "image_digest": _TEXT}),
    "created_at": _TIME,
    "started_at": _or_null(_TIME),
    "finished_at": _or_null(_TIME),
    "queue_ms": _or_null(_NUMBER),
    "tags": {"type": "object", "additionalProperties": _TEXT},
    "batch": _or_null(_ID),
    "attempt": {"type": "integer", "minimum": 1, "maximum": 2},
    "stored": {"type": "string", "enum": Store.values},
    "links": _object({"self": _TEXT, "events": _TEXT, "cancel": _TEXT}),
}
SUMMARY = component("ExecutionSummary", _object(_SUMMARY, description="An execution, as a list has it."))
EXECUTION = component(
    "Execution",
    _object(
        _SUMMARY
        | {
            "limits": _or_null(LIMITS),
            "compile": _or_null(STEP),
            "run": _or_null(STEP),
            "runs": {"type": "array", "items": STEP, "description": "With `repeat`: each; `run` has the mean."},
            "tests": {"type": ["array", "null"], "items": TEST},
            "score": _or_null(SCORE),
            "artifacts": {"type": "array", "items": ARTIFACT},
            "access_token": {"type": "string", "description": "Opens it, for who has no key; told once."},
            "files": {"type": "array", "items": {"type": "object"}, "description": "With `include=source`."},
            "entrypoint": _or_null(_TEXT),
            "stdin": _TEXT,
            "timeline": {"type": "array", "items": _object({"event": _TEXT, "at": _TIME})},
            "queue": _or_null(_object({"position": _WHOLE, "estimate_ms": _NUMBER})),
        },
        optional=("runs", "access_token", "files", "entrypoint", "stdin", "timeline", "queue"),
        description="A program that was submitted, and what came of it.",
        example=EXAMPLE,
    ),
)
EVENT = component(
    "Event",
    _object(
        {
            "event": {
                "type": "string",
                "enum": [
                    "execution.queued", "execution.started", "step.started", "output", "step.finished",
                    "test.finished", "artifact", "execution.finished", "restarted", "gap", "ping",
                ],
                "description": "What has happened. More may come.",
            },
            "seq": {"type": "integer", "minimum": 0, "description": "Its place, by which a client goes on behind it."},
            "id": _ID,
            "access_token": _TEXT,
            "position": _or_null(_WHOLE),
            "estimate_ms": _or_null(_NUMBER),
            "attempt": _WHOLE,
            "queue_ms": _or_null(_NUMBER),
            "step": _TEXT,
            "stream": {"type": "string", "enum": ["stdout", "stderr"]},
            "t_ms": _or_null(_NUMBER),
            "text": _TEXT,
            "base64": {"type": "string", "contentEncoding": "base64"},
            "index": _WHOLE,
            "name": _TEXT,
            "verdict": _TEXT,
            "from": _WHOLE,
            "to": _WHOLE,
            "execution": EXECUTION,
        },
        optional=(
            "seq", "id", "access_token", "position", "estimate_ms", "attempt", "queue_ms", "step", "stream", "t_ms",
            "text", "base64", "index", "name", "verdict", "from", "to", "execution",
        ),
        description="Something that happened in an execution. Which fields there are depends on what that is.",
    ),
)  # fmt: skip
SENT = component(
    "ServerSentEvent",
    _object(
        {
            "event": {"type": "string", "description": "What has happened, as in `Event`."},
            "id": {"type": "string", "description": "Its place, by which a client goes on behind it."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "description": "The rest of an `Event`.",
            },
            "retry": {"type": "string", "description": "Milliseconds after which a browser comes again."},
        },
        optional=("event", "id", "data", "retry"),
        description="An event as the HTML standard has it: its fields a line each, and an empty line behind them.",
    ),
)
TOKEN = component(
    "Token",
    _object({"object": {"const": "token"}, "access_token": _TEXT, "expires_at": _TIME}),
)


def has_field(path: Sequence[str]) -> bool:
    """Whether an execution can have this field, as its schema says: a name, one in what that has, and so on."""
    return _has({"$ref": "#/components/schemas/Execution"}, path)


def _has(schema: dict[str, Any], path: Sequence[str]) -> bool:
    if not path:
        return True
    if "$ref" in schema:
        return _has(COMPONENTS[schema["$ref"].rpartition("/")[2]], path)
    inner = [*schema.get("oneOf", ()), *([schema["items"]] if "items" in schema else ())]
    first, *rest = path
    if first in schema.get("properties", ()):
        inner, path = [schema["properties"][first]], rest
    elif "additionalProperties" in schema:
        inner, path = [schema["additionalProperties"]], rest
    return any(_has(each, path) for each in inner)


ERASURE = component(
    "Erasure",
    _object(
        {
            "object": {"const": "erasure"},
            "id": _ID,
            "status": {"type": "string", "enum": ["running", "finished"]},
            "what": {"type": "object"},
            "erased": _WHOLE,
            "key": _TEXT,
            "created_at": _TIME,
            "finished_at": _or_null(_TIME),
        },
        description="What is left of executions that were erased.",
    ),
)

_HEADER = OpenApiParameter.HEADER
_ANSWERED = [
    header("X-Execution-Id", "The execution's id.", (200, 202), _ID),
    header("Idempotency-Replayed", "The execution was there before.", (200, 202), {"const": "true"}),
    header("Preference-Applied", "What of Prefer was done.", (200, 202)),
    header("Location", "Where to ask for it.", (202,)),
    header("Retry-After", "Seconds after which to ask.", (202,), {"type": "integer", "minimum": 0}),
]
_SHAPED = [
    parameter("fields", "Only these, dotted: `status,run.stdout`. At most 32.", {"type": "string", "maxLength": 2048}),
    parameter(
        "include",
        "These besides, between commas.",
        {"type": "array", "items": {"enum": list(INCLUDES)}},
        style="form",
        explode=False,
    ),
]
_TOKEN = [parameter("access_token", "Opens one execution, in place of a key.")]
_EVENTS = {
    (200, "text/event-stream"): OpenApiResponse(SENT, "Events as they come: see docs/streaming.md."),
    (200, "application/x-ndjson"): OpenApiResponse(EVENT, "The same, a line each."),
}
_WAITS = [parameter("wait", "For so many seconds, until it has ended.", {"type": "integer", "maximum": 300})]
_TAGGED = [parameter("tag.NAME", "Those with the tag NAME of this value; any name may stand there.")]
_FILTERS = [
    parameter("language", "A language's slug.", {"type": "string", "maxLength": 64}),
    parameter("status", "Where it is.", {"type": "string", "enum": Status.values}),
    parameter("outcome", "How it ended.", {"type": "string", "enum": [outcome.value for outcome in Outcome]}),
    parameter("verdict", "Of all its tests.", {"type": "string", "pattern": "^[a-z_]{1,20}$"}),
    parameter("batch", "Those of one batch.", _ID),
    parameter("created_after", "From this moment on.", {"type": "string", "format": "date-time"}),
    parameter("created_before", "Before this moment.", {"type": "string", "format": "date-time"}),
]
_EXAMPLE = OpenApiExample(
    "A program that reads its input",
    {
        "language": "python",
        "source_code": "print(int(input()) * 2)",
        "stdin": "21\n",
        "limits": {"wall_ms": 5000},
        "tags": {"interview": "42"},
    },
    request_only=True,
)

runs = extend_schema(
    summary="Run a program",
    request=ExecutionRequestSerializer,
    examples=[_EXAMPLE],
    parameters=[
        *_SHAPED,
        *_ANSWERED,
        parameter(
            "Idempotency-Key",
            "The same key and body give the same execution.",
            {"type": "string", "pattern": "^[!-~]{1,255}$"},
            location=_HEADER,
        ),
        parameter("Prefer", "respond-async, or wait=SECONDS.", location=_HEADER),
        parameter("X-Request-Id", "By which the request is found again.", location=_HEADER),
    ],
    responses={
        200: OpenApiResponse(EXECUTION, "It has ended, whatever the program did."),
        202: OpenApiResponse(EXECUTION, "It was accepted; Location says where to ask for it."),
        **_EVENTS,
    },
)
watches = extend_schema(
    summary="Watch an execution",
    parameters=[
        *_SHAPED,
        *_TOKEN,
        parameter("after", "Go on behind the event with this id.", {"type": "integer", "minimum": 0}),
        parameter("Last-Event-ID", "The same, as browsers send it.", location=_HEADER),
    ],
    responses={**_EVENTS, 204: OpenApiResponse(description="The client has all of them.")},
)
watches_batch = extend_schema(
    summary="Watch a batch",
    parameters=[
        *_TOKEN,
        parameter("after", "Go on behind the event with this id.", {"type": "integer", "minimum": 0}),
        parameter("Last-Event-ID", "The same, as browsers send it.", location=_HEADER),
    ],
    responses={**_EVENTS, 204: OpenApiResponse(description="The client has all of them.")},
)
makes_token = extend_schema(
    summary="Make a token for a browser",
    request=TokenRequestSerializer,
    parameters=_TOKEN,
    responses={201: OpenApiResponse(TOKEN, "It opens this execution until it ends.")},
)
lists = extend_schema(
    summary="List executions, newest first",
    parameters=[*_FILTERS, *_TAGGED, *LIST_PARAMETERS],
    responses={200: OpenApiResponse(list_of(SUMMARY), "A page.")},
)
exports = extend_schema(
    summary="Export executions",
    parameters=[
        *_FILTERS,
        *_TAGGED,
        parameter("format", "A line each.", {"type": "string", "enum": ["ndjson", "csv"]}),
    ],
    responses={(200, "application/x-ndjson"): SUMMARY, (200, "text/csv"): {"type": "string"}},
)
shows = extend_schema(
    summary="One execution",
    parameters=[*_SHAPED, *_TOKEN, *_WAITS],
    responses={200: OpenApiResponse(EXECUTION, "As it is now.")},
)
deletes = extend_schema(
    summary="Delete an execution for good", responses={200: OpenApiResponse(ERASURE, "What is left of it.")}
)
erases = extend_schema(
    summary="Erase all executions with a tag",
    request={
        "application/json": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "patternProperties": {"^tag\\.[A-Za-z0-9_.:-]{1,64}$": {"type": "string", "maxLength": 256}},
            "additionalProperties": False,
            "example": {"tag.candidate": "4711"},
        }
    },
    responses={202: OpenApiResponse(ERASURE, "It goes on by itself.")},
)
shows_erasure = extend_schema(
    summary="How far an erasure is", responses={200: OpenApiResponse(ERASURE, "As it is now.")}
)
shows_artifact = extend_schema(
    summary="A file that a program left",
    parameters=[
        *_TOKEN,
        header("Content-Disposition", "A browser saves it, unless it is plain text or a picture.", (200,)),
    ],
    responses={(200, "application/octet-stream"): {"type": "string", "format": "binary"}},
)

_REASON = {"type": "string", "maxLength": 200}
_ENDING = {
    200: OpenApiResponse(EXECUTION, "It has ended."),
    202: OpenApiResponse(EXECUTION, "It ends; Location says where to ask for it."),
}
cancels = extend_schema(
    summary="Cancel an execution",
    parameters=[*_SHAPED, *_TOKEN],
    request={"application/json": _object({"reason": _REASON}, optional=("reason",), additionalProperties=False)},
    responses=_ENDING,
)
cancels_tagged = extend_schema(
    summary="Cancel all executions with a tag",
    request={
        "application/json": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 2,
            "properties": {"reason": _REASON},
            "patternProperties": {"^tag\\.[A-Za-z0-9_.:-]{1,64}$": {"type": "string", "maxLength": 256}},
            "additionalProperties": False,
            "example": {"tag.interview": "42"},
        }
    },
    responses={202: OpenApiResponse(component("Cancelled", _object({"cancelled": _WHOLE})), "How many are to end.")},
)

BATCH = component(
    "Batch",
    _object(
        {
            "object": {"const": "batch"},
            "id": _ID,
            "status": {"type": "string", "enum": ["running", "finished"]},
            "counts": _object(
                {name: _WHOLE | {"description": f"Items that are {name}."} for name in Status.values},
                description="How far it is.",
            ),
            "items": {
                "type": "array",
                "items": _object(
                    {
                        "index": _WHOLE,
                        "id": _ID,
                        "status": {"type": "string", "enum": [*Status.values, DELETED]},
                        "error": {"type": "object", "description": "The problem of one that was refused."},
                        "execution": {"type": ["object", "null"], "description": "With `include=executions`."},
                    },
                    optional=("id", "status", "error", "execution"),
                ),
            },
            "created_at": _TIME,
            "cancelled_at": _or_null(_TIME) | {"description": "When it was cancelled as a whole."},
            "access_token": {"type": "string", "description": "Opens it, for who has no key; told once."},
            "links": _object({"self": _TEXT, "events": _TEXT, "cancel": _TEXT}),
        },
        optional=("access_token",),
        description="Executions that were submitted together.",
    ),
)
_BATCH_PARAMETERS = [
    parameter("fields", "Only these, dotted: status,counts.finished. At most 32."),
    parameter("include", "executions: with what came of each."),
    *_TOKEN,
    *_WAITS,
]
_BATCH_ANSWERS = {
    200: OpenApiResponse(BATCH, "All of it has ended."),
    202: OpenApiResponse(BATCH, "Some of it has not; Location says where to ask for it."),
}
runs_batch = extend_schema(
    summary="Submit many executions at once",
    request={
        "application/json": _object(
            {
                "defaults": {"type": "object", "description": "What each item has that does not say otherwise."},
                "items": {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": {"type": "object"}},
                "atomic": _FLAG | {"default": False},
                "webhook_url": {"type": ["string", "null"], "maxLength": 2048},
            },
            optional=("defaults", "atomic", "webhook_url"),
            additionalProperties=False,
        )
    },
    parameters=[
        *_BATCH_PARAMETERS,
        parameter("Idempotency-Key", "The same key and body give the same batch.", location=_HEADER),
        parameter("Prefer", "respond-async, or wait=SECONDS.", location=_HEADER),
    ],
    responses=_BATCH_ANSWERS,
)
shows_batch = extend_schema(
    summary="One batch", parameters=_BATCH_PARAMETERS, responses={200: OpenApiResponse(BATCH, "As it is now.")}
)
cancels_batch = extend_schema(
    summary="Cancel a batch",
    parameters=_BATCH_PARAMETERS,
    request={"application/json": _object({"reason": _REASON}, optional=("reason",), additionalProperties=False)},
    responses=_BATCH_ANSWERS,
)
