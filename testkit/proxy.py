"""A socket between two, where the one behind it can hang, be late, go away and come back."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Proxy(ABC):
    """Passes bytes on. A context manager."""

    def __init__(self) -> None:
        self._flowing = threading.Event()
        self._late_s = 0.0
        self._hang_after = b""
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def _listen(self) -> socket.socket:
        """Where the one in front connects to."""

    @abstractmethod
    def _reach(self) -> socket.socket:
        """A connection to the one behind."""

    def _asked(self, data: bytes) -> bytes:
        """What becomes of what the one in front sends."""
        return data

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_away()
        for thread in self._threads:
            thread.join(10)

    def come_back(self) -> None:
        """Listen and pass on."""
        self._flowing.set()
        self._listener = self._listen()
        self._start(self._accept, self._listener)

    def go_away(self) -> None:
        """Refuse connections and end those there are, as a daemon does that is stopped: its containers end too."""
        self._flowing.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop()

    def drop(self) -> None:
        """End the connections there are, with whatever is in them. New ones are taken."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def hang(self) -> None:
        """Take every byte and pass nothing on."""
        self._flowing.clear()

    def hang_after(self, call: bytes) -> None:
        """Hang once a call with this in its line has been passed on: it is done, and nobody hears of that."""
        self._hang_after = call

    @property
    def hangs(self) -> bool:
        """Whether nothing is passed on."""
        return not self._flowing.is_set()

    def go_on(self) -> None:
        """Pass on what was held back, and all that comes, at once."""
        self._late_s = 0.0
        self._hang_after = b""
        self._flowing.set()

    def be_late(self, seconds: float) -> None:
        """Pass each piece on so much later."""
        self._late_s = seconds

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            behind = self._reach()
            with self._lock:
                self._connections |= {client, behind}
            self._start(self._pump, client, behind, self._asked)
            self._start(self._pump, behind, client, bytes)

    def _pump(self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._flowing.wait()
                time.sleep(self._late_s)
                if self._hang_after and self._hang_after in data.partition(b"\r\n")[0]:
                    self.hang()
                target.sendall(change(data))
        # One that hangs does not notice either that somebody has hung up.
        self._flowing.wait()
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._connections -= {source}
        source.close()
