"""A unix socket between gexec and the Docker engine, where the engine can hang, be late, go away and come back."""

from __future__ import annotations

import socket
from pathlib import Path

from testkit.proxy import Proxy

ENGINE = "/var/run/docker.sock"


class DockerProxy(Proxy):
    """Without it there is no socket either."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.url = f"unix://{path}"
        self._path = path

    def go_away(self) -> None:
        super().go_away()
        self._path.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen(64)
        return listener

    def _reach(self) -> socket.socket:
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(ENGINE)
        return engine
