"""The store of files: five methods, behind which another one could stand.

Theory of operation. Bytes are stored once, whoever sent them (Content); that a client has them is a row of its own
(File), and every question is asked of that row. So what others have uploaded is missing here, in every answer. Nor is
it told by how long an upload takes: a client's first upload of what another has is written like any other, and only
then found to be there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import IO, NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from clients.models import Client
from files import contents
from files.models import Content, File
from rest.connections import release_connection
from rest.ids import uuid7

LIFE = timedelta(days=30)
"""Since it was used last. No execution waits that long, so what one refers to never goes while it is queued."""
TOUCHED_EVERY = timedelta(days=1)
"""A file's last use is written at most so often."""
COUNTED_AT_LEAST = 4096
"""Of a client's share for one file: what the rows beside its bytes take, several times over."""


class FileTooLarge(Exception):
    """More bytes came than a file may have."""


class OtherDigest(Exception):
    """What came is not what its sender said that it is."""


class NoRoom(Exception):
    """The client has stored as much as it may."""


class FileMissing(LookupError):
    """The client has no such file; whether another one has is not told."""


class StoredFile(NamedTuple):
    """A file that a client has."""

    digest: str
    """Of SHA-256, 64 hexadecimal digits."""
    bytes: int
    expires_at: datetime
    """Unless it is used again."""
    is_new: bool = False
    """The client had it not before."""


class Store(Protocol):
    """What others may rely on. Digests are 64 hexadecimal digits; each call sees the client's own files alone."""

    def put(self, client_id: UUID, stream: IO[bytes], *, digest: str | None = None) -> StoredFile:
        """Store what the stream has, up to its end.

        Raises FileTooLarge, NoRoom, and OtherDigest where it is not `digest`.
        """

    def missing(self, client_id: UUID, digests: Iterable[str]) -> list[str]:
        """Those that the client has not, in their order, each once."""

    def content(self, client_id: UUID, digest: str) -> bytes:
        """All bytes of a file. Raises FileMissing."""

    def open(self, client_id: UUID, digest: str) -> tuple[StoredFile, Iterator[bytes]]:
        """A file and its bytes, piece by piece; they are read when they are asked for. Raises FileMissing."""

    def delete(self, client_id: UUID, digest: str) -> None:
        """The client has it no more; who reads it now may finish. Raises FileMissing."""


class DatabaseStore:
    """A Store in PostgreSQL."""

    def put(self, client_id: UUID, stream: IO[bytes], *, digest: str | None = None) -> StoredFile:
        """As of any Store. No transaction is open and no connection held while the stream is read."""
        if digest is not None and self._has(client_id, digest):
            # Its own: there is nothing to hide from it, and nothing to write.
            _read(stream, digest)
            return self._keep(client_id, None, digest, 0)
        _refuse_beyond_share(client_id, 1)
        content = Content.objects.create(id=uuid7()).pk
        try:
            found, size = _write(content, stream, digest)
            return self._keep(client_id, content, found, size)
        except BaseException:
            # At once: who is refused again and again would fill the disk between two sweeps.
            contents.remove(content)
            raise

    def missing(self, client_id: UUID, digests: Iterable[str]) -> list[str]:
        """As of any Store."""
        asked = list(dict.fromkeys(digests))
        found = File.had.filter(client_id=client_id, digest__in=asked)
        has = set(found.values_list("digest", flat=True)) if asked else set()
        return [digest for digest in asked if digest not in has]

    def content(self, client_id: UUID, digest: str) -> bytes:
        """As of any Store."""
        file = _file(client_id, digest)
        try:
            return contents.whole(file.content_id, file.bytes)
        except contents.Incomplete:
            raise FileMissing(digest) from None

    def open(self, client_id: UUID, digest: str) -> tuple[StoredFile, Iterator[bytes]]:
        """As of any Store."""
        file = _file(client_id, digest)
        return stored(file), contents.pieces(file.content_id, file.bytes)

    def delete(self, client_id: UUID, digest: str) -> None:
        """As of any Store. The row stays for as long as the bytes do, so that they are counted."""
        if not File.had.filter(client_id=client_id, digest=digest).update(deleted_at=timezone.now()):
            raise FileMissing(digest)

    def _has(self, client_id: UUID, digest: str) -> bool:
        return not self.missing(client_id, [digest])

    @transaction.atomic
    def _keep(self, client_id: UUID, content: UUID | None, digest: str, size: int) -> StoredFile:
        """Make it the client's. `content` is what was written, None where nothing was."""
        # All that a client stores goes through here one after another, so that its share is kept to the byte.
        if not Client.objects.select_for_update(no_key=True).filter(pk=client_id).exists():
            raise FileMissing(digest)
        now = timezone.now()
        file = File.objects.filter(client_id=client_id, digest=digest).first()
        if file is not None and file.deleted_at is None:
            if file.last_used_at < now - TOUCHED_EVERY:
                file.last_used_at = now
                file.save(update_fields=["last_used_at"])
            discard(content)
            return stored(file)
        if content is None:
            # It was deleted while its bytes came.
            raise FileMissing(digest)
        _refuse_beyond_share(client_id, size)
        shared = _shared(content, digest, size)
        file, _ = File.objects.update_or_create(
            client_id=client_id,
            digest=digest,
            defaults={"content_id": shared, "bytes": size, "last_used_at": now, "deleted_at": None},
        )
        return stored(file)._replace(is_new=True)


store: Store = DatabaseStore()
"""The one that is used."""


def stored(file: File) -> StoredFile:
    """A row as others know it."""
    return StoredFile(file.digest, file.bytes, file.last_used_at + LIFE)


def stored_bytes(client_id: UUID, *, with_deleted: bool = False) -> int:
    """What a client's files count; with those whose bytes are still there, or without."""
    # Each counts COUNTED_AT_LEAST: a million empty ones would take place too.
    files = (File.objects if with_deleted else File.had).filter(client_id=client_id)
    large = files.filter(bytes__gt=COUNTED_AT_LEAST).aggregate(all=Sum("bytes"))["all"] or 0
    return int(large) + COUNTED_AT_LEAST * files.filter(bytes__lte=COUNTED_AT_LEAST).count()


def discard(content: UUID | None) -> None:
    """It is nobody's: the next sweep takes it, as it takes what is long past its time."""
    if content is not None:
        long_ago = timezone.now() - LIFE
        Content.objects.filter(pk=content, digest=None).update(touched_at=long_ago)


def _file(client_id: UUID, digest: str) -> File:
    file = File.had.filter(client_id=client_id, digest=digest).first()
    if file is None:
        raise FileMissing(digest)
    return file


def share_of(client_id: UUID) -> int | None:
    """What all files of a client may count; None: as much as it sends."""
    own = Client.objects.filter(pk=client_id).values_list("file_store_bytes", flat=True).first()
    return own if own is not None else settings.GEXEC_CLIENT_FILES_MB * (1 << 20) or None


def _refuse_beyond_share(client_id: UUID, size: int) -> None:
    share, more = share_of(client_id), max(size, COUNTED_AT_LEAST)
    if share is None:
        return
    # As much again for what was deleted a moment ago: else who sends and deletes in turn would fill the disk.
    if stored_bytes(client_id) + more > share or stored_bytes(client_id, with_deleted=True) + more > 2 * share:
        raise NoRoom


def _read(stream: IO[bytes], digest: str) -> None:
    for _ in _pieces(stream, hashed := hashlib.sha256()):
        pass
    if hashed.hexdigest() != digest:
        raise OtherDigest


def _write(content: UUID, stream: IO[bytes], digest: str | None) -> tuple[str, int]:
    """Write all pieces; digest and size."""
    hashed, size = hashlib.sha256(), 0
    for number, data in enumerate(_pieces(stream, hashed)):
        size += len(data)
        contents.write_piece(content, number, data)
    found = hashed.hexdigest()
    if digest not in (None, found):
        raise OtherDigest
    return found, size


def _pieces(stream: IO[bytes], hashed: hashlib._Hash) -> Iterator[bytes]:
    """Pieces of the stream up to its end. Raises FileTooLarge."""
    size = 0
    release_connection()
    while data := _full(stream, contents.PIECE_BYTES):
        size += len(data)
        if size > settings.GEXEC_MAX_FILE_BYTES:
            raise FileTooLarge
        hashed.update(data)
        yield data


def _full(stream: IO[bytes], count: int) -> bytes:
    """So many bytes, or what is left: a stream may give fewer at a time."""
    data = stream.read(count)
    if 0 < len(data) < count:
        parts = [data]
        while data and sum(map(len, parts)) < count:
            data = stream.read(count - sum(map(len, parts)))
            parts.append(data)
        data = b"".join(parts)
    return data


def _shared(content: UUID, digest: str, size: int) -> UUID:
    """The content of this digest: the one that there is already, else this one. It cannot be swept away any more."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE files_content SET touched_at = now() WHERE digest = %s RETURNING id", [digest])
            row = cursor.fetchone()
        if row:
            discard(content)
            return UUID(str(row[0]))
        try:
            with transaction.atomic():
                Content.objects.filter(pk=content).update(digest=digest, bytes=size, touched_at=timezone.now())
                return content
        except IntegrityError:
            # Another client has sent the same, and was first.
            continue
