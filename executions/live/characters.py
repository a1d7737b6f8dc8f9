"""Output cut between characters: what of a UTF-8 sequence has come too early waits for the rest of it.

What is told stands in the order in which it came, but for that: the first bytes of a sequence that the other stream
has interrupted stand where it goes on, so that the order follows from what came alone, and not from how it was cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from executions.printed import whole_characters

STREAMS = (1, 2)


class Characters:
    """Of one step."""

    def __init__(self) -> None:
        self._held = dict.fromkeys(STREAMS, b"")

    def whole(self, stream: int, data: bytes) -> bytes:
        """What of the stream can be told now: at most three bytes are held back."""
        data = self._held[stream] + data
        told = whole_characters(data)
        self._held[stream] = data[len(told) :]
        return told

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """At the step's end: what nothing has followed."""
        for stream, held in self._held.items():
            if held:
                yield stream, held
        self._held = dict.fromkeys(STREAMS, b"")
