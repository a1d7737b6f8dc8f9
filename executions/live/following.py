"""Following one execution: from its channel where it runs in this process, else by its row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from executions.live.channel import Channel, last_place
from executions.live.channels import Channels, all_channels
from executions.live.events import Event, Gap
from executions.live.story import story
from executions.models import OPEN, Execution, Store
from rest.connections import release_connection

POLL_S = 0.5
"""How often the row of one is read that runs in another process, or waits in none."""
_AT_ONCE = 64
"""Events of a row that are told at once."""
_BEGINNING = ("id", "status", "attempt", "started_at", "queue_ms")
"""Columns of an open row; what it has to run may be large."""

Told = list[Event | Gap]


class Follower:
    """Reads what stands behind a place, of one execution, for one reader."""

    def __init__(self, execution_id: UUID, *, after: int = -1, channels: Channels | None = None) -> None:
        self.after = after
        self._id = execution_id
        self._channels = channels or all_channels()
        self._of_row: Iterator[Event | Gap] | None = None

    @property
    def execution_id(self) -> UUID:
        """Of which one."""
        return self._id

    @property
    def reads_row(self) -> bool:
        """Whether the rest comes from a finished row, which is in memory until it is read."""
        return self._of_row is not None

    def is_at_end(self, execution: Execution) -> bool:
        """Whether one who has read so far has read the end of this execution."""
        if execution.status in OPEN or self.after < 0:
            return False
        channel = self._channels.find(self._id)
        return (channel is not None and channel.has_ended_by(self.after)) or self.after == _end_of(execution)

    def read(self, wait_s: float) -> Told | None:
        """What comes next, an empty list where nothing does within `wait_s`; None where nothing comes any more.

        Nothing does behind Ended, nor of an execution whose row is gone, nor in a process that is about to end where
        another one has to go on.
        """
        if self._of_row is not None:
            return self._noted(list(islice(self._of_row, _AT_ONCE))) or None
        channel = self._channels.find(self._id)
        if channel is not None and self._is_ahead(channel):
            told, is_over = channel.read(self.after, wait_s=wait_s)
            if told or not is_over:
                return self._noted(told)
        return self._read_row(wait_s)

    def _is_ahead(self, channel: Channel) -> bool:
        """Whether it has, or will have, what the row has not; what it has lost of one that has ended, the row has."""
        return not channel.is_over or not channel.has_lost(self.after)

    def _read_row(self, wait_s: float) -> Told | None:
        execution = self._row(*_BEGINNING)
        if execution is None:
            return None
        if execution.status not in OPEN:
            return self._begin_row()
        if told := list(story(execution, after=self.after)):
            return self._noted(told)
        if self._channels.closing:
            return None
        self._channels.wait(self._id, min(wait_s, POLL_S))
        return []

    def _begin_row(self) -> Told | None:
        execution = self._row()
        if execution is None:
            return None
        # The ring may have more than the row, though not all.
        channel = None if _is_whole(execution) else self._channels.find(self._id)
        if channel is not None and (told := channel.read(self.after, wait_s=0).events):
            return self._noted(told)
        if self.after >= 0 and self.after > (end := _end_of(execution)):
            # It was told more than the row has kept.
            self.after = end - 1
        self._of_row = story(execution, after=self.after)
        return self._noted(list(islice(self._of_row, _AT_ONCE))) or None

    def _row(self, *columns: str) -> Execution | None:
        try:
            return Execution.objects.filter(pk=self._id).only(*columns).first()
        finally:
            release_connection()

    def _noted(self, told: Told) -> Told:
        self.after = max(self.after, last_place(told, self.after))
        return told


def _is_whole(execution: Execution) -> bool:
    """Whether its row has kept what it printed."""
    return execution.store == Store.ALL and execution.unkept_bytes is None


def _end_of(execution: Execution) -> int:
    """The place of a finished execution's end."""
    return max(event.seq for event in story(execution) if isinstance(event, Event))
