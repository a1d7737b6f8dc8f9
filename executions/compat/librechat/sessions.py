"""Sessions: files that were uploaded together, or that one run has left. They live for a day, and are one owner's only.

Theory of operation. A session is its files: it has no row of its own, and one whose files are gone never was. Bytes lie
in the client's file store. Those that the store did not have before leave it with the last session that has them; what
the client has uploaded to /api/v1/files stays, whoever has it besides.
"""

from __future__ import annotations

import io
import secrets
import string
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import IO
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from executions.compat.librechat.models import ID_LENGTH, SessionFile
from files.store import FileMissing, store
from periodic.tasks import Stop
from rest.connections import release_connection

LIFE = timedelta(hours=24)
_LETTERS = string.ascii_letters + string.digits + "_-"
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose sessions: a client's, and within it a scope of executions.compat.librechat.owners."""

    client_id: UUID
    scope: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that a session is to have. Its bytes are in the client's store."""

    name: str
    digest: str
    bytes: int
    media_type: str
    brought: bool
    read_only: bool = False


def new_id() -> str:
    """Of 126 random bits: nobody guesses it."""
    return "".join(secrets.choice(_LETTERS) for _ in range(ID_LENGTH))


def is_id(text: object) -> bool:
    """Whether it could be one."""
    return isinstance(text, str) and len(text) == ID_LENGTH and set(text) <= set(_LETTERS)


def put(client_id: UUID, stream: IO[bytes] | bytes) -> tuple[str, int, bool]:
    """Store bytes: their digest and size, and whether they are new there. Raises what files.store does."""
    stored = store.put(client_id, io.BytesIO(stream) if isinstance(stream, bytes) else stream)
    return stored.digest, stored.bytes, stored.is_new


def add(owner: Owner, session: str, files: Iterable[NewFile]) -> list[SessionFile]:
    """Have the session have these too."""
    now = timezone.now()
    rows = [
        SessionFile(
            client_id=owner.client_id,
            session=session,
            file=new_id(),
            scope=owner.scope,
            name=each.name,
            digest=each.digest,
            bytes=each.bytes,
            media_type=each.media_type,
            read_only=each.read_only,
            brought=each.brought,
            created_at=now,
            expires_at=now + LIFE,
        )
        for each in files
    ]
    return SessionFile.objects.bulk_create(rows)


def files_of(owner: Owner, session: str) -> list[SessionFile]:
    """Those that the owner's session has now, in the order in which they came; none where it is another's."""
    return list(_alive(owner.client_id).filter(session=session, scope=owner.scope).order_by("id"))


def file_in(owner: Owner, session: str, file: str) -> SessionFile | None:
    """The one of this id."""
    return _alive(owner.client_id).filter(session=session, scope=owner.scope, file=file).first()


def delete(row: SessionFile) -> None:
    """The session has it no more, nor the store, unless it is needed there for something else."""
    row.delete()
    forget(row.client_id, [row.digest] if row.brought else [])


def expire(stop: Stop) -> int:
    """Delete what has lived for a day until nothing is left or `stop` is set; how many files that were."""
    deleted = 0
    while rows := _expired():
        deleted += len(rows)
        for row in rows:
            if row.brought:
                forget(row.client_id, [row.digest])
        release_connection()
        if stop.wait(0.05):
            break
    return deleted


def _expired() -> list[SessionFile]:
    with transaction.atomic():
        chosen = SessionFile.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")
        rows = list(chosen.select_for_update(skip_locked=True)[:_AT_ONCE])
        SessionFile.objects.filter(pk__in=[row.pk for row in rows]).delete()
        return rows


def forget(client_id: UUID, digests: Collection[str]) -> None:
    """Take these, which it has from here, out of the client's store, but for those that another session has."""
    needed = _alive(client_id).filter(digest__in=digests)
    # What another session has is its to take along, now that the first one is gone.
    needed.update(brought=True)
    for digest in set(digests) - set(needed.values_list("digest", flat=True)):
        try:
            store.delete(client_id, digest)
        except FileMissing:
            continue


def _alive(client_id: UUID) -> QuerySet[SessionFile]:
    return SessionFile.objects.filter(client_id=client_id, expires_at__gt=timezone.now())
