"""Exit 0 when the Docker engine answers (and has the images that are named), else say why not."""

from __future__ import annotations

import os
import socket
import sys
from http.client import HTTPConnection, HTTPException

SOCKET = "/var/run/docker.sock"
ANSWER_S = 10


class _SocketConnection(HTTPConnection):
    """HTTP over the engine's socket on this machine."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(SOCKET)


def ask_local() -> None:
    """Without the SDK, which takes a good part of a second to load at every `make run`."""
    connection = _SocketConnection("localhost")
    try:
        connection.request("GET", "/_ping")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != 200:
        raise HTTPException(f"the engine answers with status {status}")


def ask_named(images: list[str]) -> None:
    """The engine that DOCKER_HOST and its companions name."""
    import docker  # noqa: PLC0415 (see ask_local)

    client = docker.from_env(timeout=ANSWER_S)
    try:
        client.ping()
        for image in images:
            client.images.get(image)
    finally:
        client.close()


def main() -> int:
    """Ask, and turn what went wrong into one line."""
    try:
        if os.environ.get("DOCKER_HOST") or sys.argv[1:]:
            ask_named(sys.argv[1:])
        else:
            ask_local()
    except Exception as error:  # noqa: BLE001 (whatever it is, the engine does not answer)
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
