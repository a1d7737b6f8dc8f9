"""The body of POST /exec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from executions.compat.languages import Entry, table_of
from executions.compat.librechat import owners, sessions
from executions.compat.librechat.models import SessionFile
from executions.compat.librechat.names import why_no_name
from executions.compat.librechat.sessions import Owner
from executions.compat.librechat.words import error
from executions.compat.problems import Reply
from executions.doors import Door
from languages.models import Language

_ECHOED = ("resource_id", "kind", "version")


@dataclass(frozen=True, slots=True)
class Input:
    """A file of a session that the program finds beside it."""

    row: SessionFile
    name: str
    echoed: Mapping[str, Any] = field(default_factory=dict)
    """Of the reference to it, what comes back with it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read; its files are the caller's."""

    language: Language
    entry: Entry
    code: str
    args: tuple[str, ...]
    timeout_ms: float | None
    inputs: tuple[Input, ...]


def asked_in(data: Mapping[str, Any], owner: Owner, person: str) -> Asked:
    """What it asks for. Raises Reply: 400 for what is wrong, 403 for a file that is not the caller's."""
    name = data.get("lang")
    entry = table_of(Door.LIBRECHAT).find("names", name.lower()) if isinstance(name, str) else None
    language = entry.language if entry is not None else None
    if entry is None or language is None:
        raise _bad(f"Unsupported language: {name if isinstance(name, str) else 'undefined'}")
    code, args, timeout = data.get("code"), data.get("args"), data.get("timeout")
    if not isinstance(code, str):
        raise _bad("code must be a string")
    if not (args is None or (isinstance(args, list) and all(isinstance(each, str) for each in args))):
        raise _bad("args must be an array of strings")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0):
        raise _bad("timeout must be a positive number")
    inputs = _inputs(data.get("files"), owner, person)
    return Asked(language, entry, code, tuple(args or ()), timeout, inputs)


def _inputs(files: Any, owner: Owner, person: str) -> tuple[Input, ...]:
    if files is None:
        return ()
    if not isinstance(files, list):
        raise _bad("files must be an array")
    found: dict[tuple[str, str, str], Input] = {}
    for index, each in enumerate(files):
        made = _input(each, index, owner, person)
        found.setdefault((made.row.session, made.row.file, made.name), made)
    # Of a person's files that would lie in one place the last one does.
    last = {made.name: made for made in found.values() if made.row.scope.startswith("user:")}
    return tuple(made for made in found.values() if not made.row.scope.startswith("user:") or last[made.name] is made)


def _input(reference: Any, index: int, owner: Owner, person: str) -> Input:
    if not isinstance(reference, dict):
        raise _bad(f"files[{index}] must be an object")
    # Clients from before storage sessions have but one word for a session.
    session = reference.get("storage_session_id", reference.get("session_id"))
    file, name = reference.get("id"), reference.get("name")
    if not sessions.is_id(file):
        raise _bad(f"files[{index}].id is invalid")
    if not sessions.is_id(session):
        raise _bad(f"files[{index}].storage_session_id is invalid")
    if not isinstance(name, str):
        raise _bad(f"files[{index}].name must be a string")
    if (why := why_no_name(name)) is not None:
        raise _bad(f"files[].name {why}")
    row = _authorized(reference, index, owner, person, str(session), str(file))
    return Input(row, name, {key: reference[key] for key in _ECHOED if reference.get(key) is not None})


def _authorized(
    reference: Mapping[str, Any], index: int, owner: Owner, person: str, session: str, file: str
) -> SessionFile:
    kind, resource, version = (reference.get(key) for key in ("kind", "resource_id", "version"))
    try:
        scope = owners.scope_of(kind, resource, version, person=person)
    except owners.BadOwner as bad:
        text = f"files[{index}].{bad}".replace(f"files[{index}].id", f"files[{index}].resource_id")
        raise _bad(text) from None
    row = sessions.file_in(Owner(owner.client_id, scope), session, file)
    if row is None:
        raise Reply(error(403, "Unauthorized file reference"))
    return row


def _bad(text: str) -> Reply:
    return Reply(error(400, text))
