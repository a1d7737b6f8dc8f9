"""Codes of problems: one line for each, with its status and what it means. A code never changes; more may come."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "bad_request": (400, "No request that can be served: one to a host that is not ours, for example."),
        "invalid_json": (400, "The body is no JSON object in UTF-8, ended early, or is nested too deeply."),
        "duplicate_key": (400, "A key stands twice in an object of the body."),
        "invalid_field": (400, "A field or parameter has a wrong type or value."),
        "unknown_field": (400, "There is no such field or parameter."),
        "missing_field": (400, "A field that is needed is not there."),
        "limit_exceeded": (400, "A limit above what the language, the server or the client's key allows."),
        "unsupported_language": (400, "There is no such language, or it is not enabled."),
        "invalid_file_name": (400, "A name that leads out of the work directory, or clashes with another."),
        "nul_character": (400, "A NUL character where none can be."),
        "lone_surrogate": (400, "Half of a surrogate pair, which is no character."),
        "unauthorized": (401, "No key where one is needed, or one that is not valid."),
        "forbidden": (403, "Sent by a page of an origin that is not allowed."),
        "forbidden_right": (403, "The key has not the right that this needs."),
        "forbidden_language": (403, "The client may not run programs in this language."),
        "forbidden_origin": (403, "The key may not be used from this address or page."),
        "not_found": (404, "There is no such thing, or it is another client's."),
        "method_not_allowed": (405, "This path has no such method."),
        "not_acceptable": (406, "No answer of this kind can be made."),
        "request_timeout": (408, "The body, or the first message, did not arrive in time."),
        "idempotency_in_progress": (409, "The first request with this Idempotency-Key has no answer yet."),
        "not_ended": (409, "The execution has not ended."),
        "expired": (410, "What an Idempotency-Key had was deleted."),
        "body_too_large": (413, "The body is larger than any may be."),
        "stdin_overflow": (413, "More was typed than the window let through."),
        "unsupported_media_type": (415, "A form, or a body with a Content-Encoding."),
        "already_started": (409, "A connection is for one interactive execution."),
        "idempotency_mismatch": (422, "This Idempotency-Key was sent with another request."),
        "file_missing": (422, "The client has not uploaded files that the request names: `missing` lists them."),
        "checker_compile_error": (422, "The checker or interactor does not compile; `detail` says why."),
        "upgrade_required": (426, "This path is for WebSockets alone."),
        "rate_limited": (429, "Too many requests: `policy` names the limit."),
        "quota_exceeded": (429, "What the client may use in a day or month is used up."),
        "too_many_concurrent": (429, "As many executions of the client are open as may be."),
        "queue_full": (429, "As many executions of the caller wait as may."),
        "internal_error": (500, "A fault of ours."),
        "no_slot": (503, "No slot became free in time. Nothing has run."),
        "engine_unavailable": (503, "The Docker engine, or every host, is out of reach. Nothing has run."),
        "image_missing": (503, "The language's image is not there. Nothing has run."),
        "not_carried": (503, "Programs run on hosts, to which what this needs cannot be passed on. Nothing has run."),
        "database_unavailable": (503, "The database is away."),
        "disk_full": (503, "The server's disk has no room: nothing is taken in."),
        "shutting_down": (503, "The server is shutting down."),
        "too_many_uploads": (503, "Too many files are uploaded at once."),
        "upload_lost": (503, "The file was deleted while it was sent: send it again."),
        "too_many_watchers": (503, "As many streams of events are open as may be: ask with `?wait=`."),
    }
)

FIELD_CODES: Mapping[str, str] = MappingProxyType(
    {
        "too_large": "Longer, or more, than it may be.",
        "too_small": "Shorter, or less, than it may be.",
    }
)
"""What the `code` of one of a problem's `errors` may be besides; more may come."""
