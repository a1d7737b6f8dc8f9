"""The threads that make containers: as many starts at once as there are of them, whatever is asked for."""

from __future__ import annotations

import logging
import threading
import time

from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.errors import ContainerLost, EngineUnavailable, ProtocolError, SandboxError
from sandbox.pool.config import PoolConfig
from sandbox.pool.inventory import ProfileInventory
from sandbox.pool.reaper import Reaper
from sandbox.pool.slots import Slots
from sandbox.pool.state import PoolState

logger = logging.getLogger(__name__)


class Builders:
    """What each builder thread does, and what they share."""

    def __init__(self, engine: Engine, config: PoolConfig, state: PoolState, slots: Slots, reaper: Reaper) -> None:
        self._engine = engine
        self._config = config
        self._state = state
        self._slots = slots
        self._reaper = reaper
        self._preparing = threading.Lock()
        self._prepared = threading.Event()

    def build_until_stopped(self) -> None:
        """Make one container after another, where one is needed. One thread's whole life."""
        while (entry := self._state.next_build(programs_run=self._programs_run)) is not None:
            began = time.monotonic()
            try:
                self._prepare()
                container = self._start_container(entry)
            except Exception as error:  # noqa: BLE001 - a builder outlives whatever a start meets with
                self._failed(entry, error)
            else:
                took_s = time.monotonic() - began
                self._reaper.evict(self._state.build_succeeded(entry, container, took_s=took_s))

    def _programs_run(self) -> bool:
        return self._slots.in_use > 0

    def _prepare(self) -> None:
        # One builder prepares while the others wait for it: nothing could be started without.
        with self._preparing:
            if not self._prepared.is_set():
                self._engine.prepare()
                self._prepared.set()

    def _start_container(self, entry: ProfileInventory) -> Container:
        stream = self._engine.start(entry.profile)
        container = Container(self._engine, stream, entry.profile)
        try:
            container.wait_ready(self._config.start_timeout_s)
            if container.in_cell or not self._state.is_waited_for(entry):
                # Otherwise it gets its job now, and a start ahead of it would only be in the way. Cells are told before
                # the first one's job, or never.
                container.start_ahead()
            if entry.profile.cells and not container.in_cell and entry.in_cells is not False:
                logger.warning("containers of %s have no cells: the host refuses what they take", entry.profile.image)
        except (ContainerLost, ProtocolError) as error:
            self._reaper.evict([container])
            raise EngineUnavailable(f"a container did not become ready: {error}") from error
        return container

    def _failed(self, entry: ProfileInventory, error: Exception) -> None:
        known = error if isinstance(error, SandboxError) else EngineUnavailable(f"unexpected: {error!r}")
        # What every container needs may be gone as well: an engine that was set up anew has no volume of ours.
        self._prepared.clear()
        self._state.build_failed(entry, known)
        logger.warning("no container of %s could be started: %s", entry.profile.image, str(known))
