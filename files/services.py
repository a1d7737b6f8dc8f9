"""What executions ask of files: to keep what they refer to, its bytes at hand, and other names for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from files.models import Alias, File
from files.store import TOUCHED_EVERY, FileMissing, NoRoom, store


def use(client_id: UUID, digests: Iterable[str]) -> None:
    """The client refers to these files now: they stay for another files.store.LIFE."""
    now = timezone.now()
    used = File.had.filter(client_id=client_id, digest__in=list(digests), last_used_at__lt=now - TOUCHED_EVERY)
    used.update(last_used_at=now)


def sizes(client_id: UUID, digests: Iterable[str]) -> dict[str, int]:
    """Bytes of those that the client has."""
    found = File.objects.filter(client_id=client_id, digest__in=list(digests))
    return dict(found.values_list("digest", "bytes"))


def content(client_id: UUID, digest: str) -> bytes:
    """All bytes of a client's file, from memory where they were asked for lately. Raises FileMissing."""
    if store.missing(client_id, [digest]):
        # Asked before the look into memory, which has files of all clients.
        raise FileMissing(digest)
    data = cache.get(digest)
    if data is None:
        data = store.content(client_id, digest)
        cache.put(digest, data, most=settings.GEXEC_FILE_CACHE_MB * (1 << 20))
    return data


class Cache:
    """Bytes by digest: those that were asked for longest ago go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self.bytes = 0
        """Of all that is kept."""

    def get(self, digest: str) -> bytes | None:
        """The bytes, which are at hand for longer then."""
        with self._lock:
            data = self._kept.get(digest)
            if data is not None:
                self._kept.move_to_end(digest)
            return data

    def put(self, digest: str, data: bytes, *, most: int) -> None:
        """Keep these, and of the others as many as fit into `most` bytes with them."""
        if len(data) > most:
            return
        with self._lock:
            self.bytes += len(data) - len(self._kept.pop(digest, b""))
            self._kept[digest] = data
            while self.bytes > most:
                self.bytes -= len(self._kept.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0


cache = Cache()
"""This process's."""


NAMES_AT_MOST = 20_000
"""Of one client in one namespace: its share bounds files alone, and each may have many names."""


def name(client_id: UUID, namespace: str, alias: str, digest: str) -> None:
    """Have the client's file known by another name too, which may have been another file's.

    Raises FileMissing, and NoRoom where the client has as many names as it may.
    """
    file = File.had.filter(client_id=client_id, digest=digest).first()
    if file is None:
        raise FileMissing(digest)
    names = Alias.objects.filter(client_id=client_id, namespace=namespace)
    if not names.filter(alias=alias).exists() and names[:NAMES_AT_MOST].count() >= NAMES_AT_MOST:
        raise NoRoom
    Alias.objects.update_or_create(client_id=client_id, namespace=namespace, alias=alias, defaults={"file": file})


def named(client_id: UUID, namespace: str, alias: str) -> str | None:
    """The digest of the client's file of this name."""
    names = Alias.objects.filter(client_id=client_id, namespace=namespace, alias=alias, file__deleted_at=None)
    return names.values_list("file__digest", flat=True).first()
