"""How much room the disk of the data directory has, on which the embedded PostgreSQL writes too.

Below one mark, sources and outputs are kept no more; below a lower one, nothing is taken in: a PostgreSQL that finds no
room for its log ends, and every request would fail until somebody makes room.
"""

from __future__ import annotations

import logging
import shutil
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from rest.exceptions import Unavailable
from rest.snapshot import Snapshot

logger = logging.getLogger(__name__)

MIB = 1 << 20
_UNKNOWN = 1 << 62
RETRY_AFTER_S = 60
MESSAGE = "the server's disk is full: nothing is taken in until somebody has made room"


class Room(StrEnum):
    """What may be written."""

    OK = "ok"
    LOW = "low"
    """Rows, without what is large in them."""
    FULL = "full"


class Disk(NamedTuple):
    """Of how many bytes, how many are free."""

    total: int
    free: int


def disk_bytes() -> Disk:
    """Of the disk that the data directory is on, or will be."""
    directory = Path(settings.GEXEC_DATA_DIR)
    try:
        there = next(path for path in (directory, *directory.parents) if path.exists())
        usage = shutil.disk_usage(there)
    except OSError as error:
        logger.warning("how much of the disk is free cannot be seen: %s", error)
        return Disk(_UNKNOWN, _UNKNOWN)
    return Disk(usage.total, usage.free)


def free_bytes() -> int:
    """What of it is free."""
    return disk_bytes().free


def room() -> Room:
    """As of a second ago at the most. A database elsewhere has a disk of its own, which is not seen from here."""
    if settings.DATABASE_URL:
        return Room.OK
    free = _free.current()
    if free < settings.GEXEC_DISK_FULL_MB * MIB:
        return Room.FULL
    return Room.LOW if free < settings.GEXEC_DISK_LOW_MB * MIB else Room.OK


def require_room() -> None:
    """Raises Unavailable (disk_full) where nothing may be taken in."""
    if room() is Room.FULL:
        raise Unavailable(MESSAGE, retry_after_s=RETRY_AFTER_S, code="disk_full")


_free = Snapshot(free_bytes)
forget = _free.forget
