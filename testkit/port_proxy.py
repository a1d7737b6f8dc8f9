"""A port of this machine before the server's, as a proxy: its connections are cut, or it passes less on."""

from __future__ import annotations

import socket

from testkit.proxy import Proxy


class PortProxy(Proxy):
    """The same port after it has come back."""

    def __init__(self, port: int, *, passes_upgrades: bool = True) -> None:
        super().__init__()
        self._to, self._passes_upgrades = port, passes_upgrades
        self._port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _listen(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        return listener

    def _reach(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._to))

    def _asked(self, data: bytes) -> bytes:
        return data if self._passes_upgrades else data.replace(b"Upgrade: websocket", b"X-Upgraded: no-one")
