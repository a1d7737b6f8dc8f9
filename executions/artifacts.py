"""Files that a program left, as its row holds them: small ones within it, others in the file store of its client.

An entry is as the API tells it:

    {"name": "out/plot.png", "bytes": 18233, "media_type": "image/png", "sha256": "…",
     "content": {"base64": "…"} or null, "file": "sha256:…" or null,
     "skipped": null, "too_large", "too_many" or "not_regular"}
"""

from __future__ import annotations

import base64
import hashlib
import io
import mimetypes
from collections.abc import Sequence
from typing import Any

from executions.models import Execution
from files import services as stored_files
from files.digests import PREFIX, id_of
from files.store import FileTooLarge, NoRoom, store
from rest.disk import Room, room
from sandbox.types import Artifact

INLINE_BYTES = 64 * 1024
"""Of all files of an execution that stand in its row; each may be read by whoever lists it."""
_TYPES = mimetypes.MimeTypes(filenames=())
"""The standard library's own table: what the host has in /etc would make answers differ between hosts."""
_UNKNOWN = "application/octet-stream"


def kept(execution: Execution, artifacts: Sequence[Artifact]) -> list[dict[str, Any]]:
    """The column for what was left; with more than INLINE_BYTES, bytes go to the client's files."""
    inline = sum(len(each.content or b"") for each in artifacts) <= INLINE_BYTES
    return [_entry(execution, each, inline=inline) for each in artifacts]


def content_of(execution: Execution, entry: dict[str, Any]) -> bytes | None:
    """The bytes of an entry of the row; None where they were never taken. Raises FileMissing."""
    if entry["content"] is not None:
        return base64.b64decode(entry["content"]["base64"])
    if entry["file"] is None or execution.client_id is None:
        return None
    return stored_files.content(execution.client_id, entry["file"].removeprefix(PREFIX))


def _entry(execution: Execution, artifact: Artifact, *, inline: bool) -> dict[str, Any]:
    data, skipped = artifact.content, artifact.skipped or None
    content = file = digest = None
    if data is not None:
        digest = hashlib.sha256(data).hexdigest()
        if inline:
            content = {"base64": base64.b64encode(data).decode()}
        elif not (file := _stored(execution, data)):
            skipped = "too_large"
    return {
        # NUL and what is no UTF-8 no name has: the sandbox leaves such files out.
        "name": artifact.name,
        "bytes": artifact.size_bytes,
        "media_type": _TYPES.guess_type(artifact.name)[0] or _UNKNOWN,
        "sha256": digest,
        "content": content,
        "file": file,
        "skipped": skipped,
    }


def _stored(execution: Execution, data: bytes) -> str | None:
    """The id in the store; None without a client, where its share is used up, and where the disk has no room."""
    if execution.client_id is None or execution.store != "all" or room() is not Room.OK:
        return None
    try:
        return id_of(store.put(execution.client_id, io.BytesIO(data)).digest)
    except (NoRoom, FileTooLarge):
        return None
