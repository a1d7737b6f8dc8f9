"""What a program has left in its work directory, as files of a session."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from executions import artifacts
from executions.compat.librechat import sessions
from executions.compat.librechat.asked import Asked, Input
from executions.compat.librechat.names import why_no_name
from executions.compat.librechat.program import MAX_FILES, entrypoint_of
from executions.compat.librechat.sessions import NewFile, Owner
from executions.models import Execution
from files.digests import PREFIX
from files.models import File
from files.store import FileMissing, FileTooLarge, NoRoom

_NO_FILE = "not_regular"


@dataclass(slots=True)
class Left:
    """Files that are new or changed come first, then inputs that are as they were."""

    files: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0
    """Of those, how many are new or changed."""
    lost: int = 0
    """How many could not be kept: too large, too many, or no room for them."""


def left_by(execution: Execution, asked: Asked, owner: Owner, session: str) -> Left:
    """Keep what there is in a session of the owner's."""
    inputs = {each.name: each for each in asked.inputs}
    source = hashlib.sha256(asked.code.encode(errors="replace")).hexdigest()
    known = {entrypoint_of(asked): source} | {each.name: each.row.digest for each in asked.inputs}
    left = Left()
    made: list[tuple[NewFile, Input | None]] = []
    inherited: list[Input] = []
    for entry in getattr(execution, "artifacts", None) or ():
        name = entry["name"]
        if _is_hidden(name, inputs) or entry["skipped"] == _NO_FILE or why_no_name(name):
            continue
        given = inputs.get(name)
        if entry["sha256"] == known.get(name) and entry["sha256"] is not None:
            inherited += [given] if given else []
        elif given is not None and given.row.read_only:
            inherited.append(given)
        elif len(made) == MAX_FILES or (file := _kept(execution, entry)) is None:
            left.lost += 1
        else:
            made.append((file, given))
    rows = sessions.add(owner, session, [file for file, _ in made])
    left.files = [_generated(row.file, row.name, session, given) for row, (_, given) in zip(rows, made, strict=True)]
    left.made = len(rows)
    left.files += [_inherited(each) for each in inherited[: MAX_FILES - len(rows)]]
    return left


def _is_hidden(name: str, inputs: Mapping[str, Input]) -> bool:
    """In a folder that begins with a dot: caches and settings of runtimes, unless the caller put something there."""
    folders = name.split("/")[:-1]
    for depth, folder in enumerate(folders, 1):
        if folder.startswith("."):
            above = "/".join(folders[:depth]) + "/"
            return not any(each.startswith(above) for each in inputs)
    return False


def _kept(execution: Execution, entry: Mapping[str, Any]) -> NewFile | None:
    """The file, in the client's store; None where it is not there, or has no room."""
    if execution.client_id is None or entry["skipped"]:
        return None
    try:
        if entry["file"] is not None:
            digest = entry["file"].removeprefix(PREFIX)
            brought = _came_with(execution.client_id, execution.created_at, digest)
        else:
            data = artifacts.content_of(execution, dict(entry))
            if data is None:
                return None
            digest, _, brought = sessions.put(execution.client_id, data)
    except (FileMissing, FileTooLarge, NoRoom):
        return None
    return NewFile(entry["name"], digest, entry["bytes"], entry["media_type"], brought)


def _came_with(client_id: UUID, begun_at: datetime, digest: str) -> bool:
    """Whether the client had these bytes not before this execution."""
    return File.had.filter(client_id=client_id, digest=digest, created_at__gte=begun_at).exists()


def _generated(file: str, name: str, session: str, given: Input | None) -> dict[str, Any]:
    told: dict[str, Any] = {"id": file, "name": name, "storage_session_id": session, "session_id": session}
    if given is not None:
        told["modified_from"] = {"id": given.row.file, "storage_session_id": given.row.session}
    return told


def _inherited(given: Input) -> dict[str, Any]:
    told = {"id": given.row.file, "name": given.name, "storage_session_id": given.row.session}
    return told | {"session_id": given.row.session, "inherited": True, **given.echoed}
