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
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from executions.models import ArtifactFile, Execution
from files import services as stored_files
from files.digests import PREFIX, id_of
from files.store import FileMissing, FileTooLarge, NoRoom, store
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
    owner, digest = execution.client_id, hashlib.sha256(data).hexdigest()
    is_new = bool(store.missing(owner, [digest]))
    try:
        store.put(owner, io.BytesIO(data))
    except (NoRoom, FileTooLarge):
        return None
    left_before = ArtifactFile.objects.filter(client_id=owner, digest=digest, is_left=True)
    noted = ArtifactFile(execution=execution, client_id=owner, digest=digest, is_left=is_new or left_before.exists())
    ArtifactFile.objects.bulk_create([noted], ignore_conflicts=True)
    return id_of(digest)


def files_of(execution_ids: Collection[UUID]) -> set[tuple[UUID, str]]:
    """Client and digest of the files that these have left, without those that their client had by itself."""
    left = ArtifactFile.objects.filter(execution__in=execution_ids, is_left=True)
    return set(left.values_list("client_id", "digest"))


def delete_files(files: Collection[tuple[UUID, str]]) -> None:
    """Delete these, once the rows of the executions are gone: all but those that another execution has left as well."""
    for client_id, digest in files:
        if not ArtifactFile.objects.filter(client_id=client_id, digest=digest).exists():
            with suppress(FileMissing):
                store.delete(client_id, digest)
