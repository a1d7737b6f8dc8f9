"""A program that is talked to, from tasks of asyncio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import anyio
from anyio import to_thread

from gexec_client.events import Event, Finished
from gexec_client.interaction import Interaction
from gexec_client.results import Execution
from gexec_client.transport import CLEANING_UP_S

T = TypeVar("T")

_THREADS = 8
"""Of one interaction: who reads, who types, who closes. They are no other's."""
_LOOK_S = 0.25
"""For so long a task that was cancelled may be kept."""


class AsyncInteraction:
    """Events as they come, and what is typed. Iterate it within `async with`; write from any task."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._limiter: anyio.CapacityLimiter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        # It is taken out here, so that a task that is cancelled while it waits loses none.
        while not await self._in_thread(partial(self._interaction._wait_ready, _LOOK_S)):
            pass
        event = self._interaction._take()
        if event is None:
            raise StopAsyncIteration
        return event

    @property
    def execution_id(self) -> str:
        """Known from the first event on."""
        return self._interaction.execution_id

    @property
    def access_token(self) -> str | None:
        """Opens the execution for whoever has no key; known from the first event on."""
        return self._interaction.access_token

    @property
    def last_seq(self) -> int:
        """For `attach`, in another process perhaps."""
        return self._interaction.last_seq

    @property
    def has_finished(self) -> bool:
        """Whether its end is known."""
        return self._interaction.has_finished

    @property
    def resumed(self) -> int:
        """How often it went on after a cut."""
        return self._interaction.resumed

    async def write(self, data: str | bytes, *, timeout_s: float | None = None) -> None:
        """Type this. Waits while the program has not taken what was typed before; behind its end it goes nowhere.

        Raises TimedOut, and then some of it may have been typed; a task that is cancelled types it all the same.
        """
        await self._in_thread(partial(self._interaction.write, data, timeout_s=timeout_s), abandons=True)

    async def close_stdin(self) -> None:
        """The end of stdin; on a terminal it is ^D."""
        await self._in_thread(self._interaction.close_stdin, abandons=True)

    async def signal(self, name: str) -> None:
        """`SIGINT` and so on; on a terminal it is for whoever is in the foreground."""
        await self._in_thread(partial(self._interaction.signal, name), abandons=True)

    async def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        await self._in_thread(partial(self._interaction.resize, columns, rows))

    async def cancel(self) -> None:
        """Have it end. The events tell how."""
        await self._in_thread(self._interaction.cancel, abandons=True)

    async def result(self) -> Execution:
        """The execution at its end; events that were not read are passed over."""
        execution: Execution | None = None
        async for event in self:
            if isinstance(event, Finished):
                execution = event.execution
        if execution is None:
            execution = self._interaction.result()
        return execution

    async def detach(self) -> None:
        """Leave it running. `attach` comes back, within the time that the server allows."""
        await self._cleaning_up(self._interaction.detach)

    async def close(self) -> None:
        """Read no further. What was begun here is cancelled where it has not ended."""
        await self._cleaning_up(self._interaction.close)

    async def _cleaning_up(self, work: Callable[[], None]) -> None:
        with anyio.move_on_after(CLEANING_UP_S, shield=True):
            await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T], *, abandons: bool = False) -> T:
        self._limiter = self._limiter or anyio.CapacityLimiter(_THREADS)
        return await to_thread.run_sync(work, abandon_on_cancel=abandons, limiter=self._limiter)
