"""Names of files, as the other service takes them."""

from __future__ import annotations

import posixpath

MAX_LENGTH, MAX_DEPTH = 256, 10
_SEGMENTS = "must not contain empty, current, or parent path segments"


def why_no_name(name: str) -> str | None:
    """What is wrong with it, in the other service's words; None: nothing."""
    segments = name.split("/")
    faults = (
        (not name or name == ".", "must not be empty"),
        (len(name) > MAX_LENGTH, f"must not exceed {MAX_LENGTH} characters"),
        (any(each in "\x00\\" or "\ud800" <= each <= "\udfff" for each in name), "contains invalid path characters"),
        (name.startswith("/"), "must be a relative path"),
        (any(each in {"", ".", ".."} for each in segments), _SEGMENTS),
        (len(segments) > MAX_DEPTH, f"exceeds maximum nesting depth of {MAX_DEPTH}"),
    )
    return next((text for is_so, text in faults if is_so), None)


def extension_of(name: str) -> str:
    """With its dot; of a name that only begins with one, none."""
    return posixpath.splitext(posixpath.basename(name))[1]
