"""From a form's files to a session's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from executions.compat.librechat import sessions
from executions.compat.librechat.names import why_no_name
from executions.compat.librechat.sessions import NewFile, Owner
from executions.compat.librechat.uploads import Form, Part
from files.store import FileMissing, FileTooLarge, NoRoom

TOO_LARGE = "File size limit exceeded"
_NO_ROOM = "The files of this client take all that they may"
_LOST = "The file was deleted while it was sent: send it again"


@dataclass(slots=True)
class Stored:
    """What became of one file."""

    name: str
    file: str = ""
    """Its id; empty where it was not kept."""
    error: str = ""
    status: int = 200

    def told(self) -> dict[str, Any]:
        """As a batch tells it."""
        if self.error:
            return {"status": "error", "filename": self.name, "error": self.error}
        return {"status": "success", "filename": self.name, "fileId": self.file}


def stored(form: Form, owner: Owner, *, all_or_none: bool) -> tuple[str, list[Stored]]:
    """Keep the form's files in a new session; its id, and what became of each."""
    session, read_only = sessions.new_id(), form.fields.get("read_only", "").lower() == "true"
    results = [_checked(part) for part in form.parts]
    if all_or_none and any(each.error for each in results):
        return session, results
    kept: list[tuple[Stored, NewFile]] = []
    for part, found in zip(form.parts, results, strict=True):
        if not found.error and (made := _put(part, found, owner, read_only=read_only)) is not None:
            kept.append((found, made))
    if all_or_none and len(kept) < len(results):
        sessions.forget(owner.client_id, [made.digest for _, made in kept if made.brought])
        return session, results
    for (found, _), row in zip(kept, sessions.add(owner, session, [made for _, made in kept]), strict=True):
        found.file = row.file
    return session, results


def _checked(part: Part) -> Stored:
    if (why := why_no_name(part.name)) is not None:
        return Stored(part.name, error=f"filename {why}", status=400)
    return Stored(part.name, error=TOO_LARGE, status=413) if part.too_large else Stored(part.name)


def _put(part: Part, found: Stored, owner: Owner, *, read_only: bool) -> NewFile | None:
    try:
        digest, size, brought = sessions.put(owner.client_id, part.stream)
    except FileTooLarge:
        found.error, found.status = TOO_LARGE, 413
    except NoRoom:
        found.error, found.status = _NO_ROOM, 413
    except FileMissing:
        found.error, found.status = _LOST, 503
    else:
        return NewFile(part.name, digest, size, part.media_type, brought, read_only)
    return None
