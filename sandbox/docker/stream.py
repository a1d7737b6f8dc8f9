"""A container's attached stdin and stdout: one socket, with Docker's framing of the output taken off."""

from __future__ import annotations

import logging
import select
import socket
import ssl
import struct
import time
from typing import Any

from sandbox.errors import ContainerLost

logger = logging.getLogger(__name__)

_STREAM_HEADER = struct.Struct(">BxxxL")
"""What Docker's attach puts before each piece of output of a container without a terminal: stream and length."""
_STDOUT = 1
_SEND_S = 10.0
"""The runner reads at any time and buffers what a program does not take: bytes that are not taken for so long have no
runner at the other end."""
_RECEIVE_BYTES = 262_144
"""One call empties the kernel's buffer of a Unix socket (net.core.wmem_default, 212,992)."""
_NOTES_BYTES = 1000
"""Of the runner's stderr, for an error's text: its last words fit."""


class AttachedStream:
    """A started container's stdin and stdout over one attached socket.

    Docker prefixes what comes out with 8 bytes: which stream, and how much. The runner's stderr is for operators and
    only the last of it is kept.
    """

    def __init__(self, container_id: str, sock: Any) -> None:
        self.container_id = container_id
        self._holder = sock  # The SDK closes the connection when its response object is collected.
        self._socket: socket.socket = getattr(sock, "_sock", sock)
        self._socket.settimeout(_SEND_S)
        self._buffer = bytearray()
        self._closed = False
        self.notes = b""
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def send(self, data: bytes) -> None:
        """Write everything. Raises ContainerLost where the stream is broken or stuck for 10 seconds."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ContainerLost(f"the container's stdin is gone: {error}") from error

    def receive(self, timeout_s: float) -> bytes | None:
        """What the runner sent next; None after `timeout_s` without a word. Raises ContainerLost at the end."""
        deadline = time.monotonic() + timeout_s
        while True:
            payload = self._take()
            if payload is not None:
                return payload
            left = deadline - time.monotonic()
            if not self._readable(max(0.0, left)):
                return None
            self._fill()

    def quiet(self) -> bool:
        """Whether the stream is open and has nothing to say, as a waiting container's must be."""
        return not self._closed and not self._buffer and not self._readable(0.0)

    def close(self) -> None:
        """End the container's stdin, upon which the runner ends everything and exits."""
        if self._closed:
            return
        self._closed = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            logger.debug("stream already shut down", extra={"container": self.container_id})
        # The HTTP response holds the same socket. Collected with that closed under it, it fails to flush (Python 3.13).
        if (response := getattr(self._holder, "_response", None)) is not None:
            response.raw.close()
        self._holder.close()
        self._socket.close()

    def _readable(self, timeout_s: float) -> bool:
        # Over TLS, bytes may have been decrypted already and wait where poll does not see them.
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(self._poller.poll(timeout_s * 1000.0))

    def _fill(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise ContainerLost(f"the container's stdout is gone: {error}") from error
        if not data:
            notes = self.notes.decode(errors="replace")
            raise ContainerLost(f"the container has ended: {notes}" if notes else "the container has ended")
        self._buffer += data

    def _take(self) -> bytes | None:
        """All whole chunks of stdout that have arrived, joined; None where there is none."""
        out = bytearray()
        while len(self._buffer) >= _STREAM_HEADER.size:
            stream, size = _STREAM_HEADER.unpack_from(self._buffer)
            end = _STREAM_HEADER.size + size
            if len(self._buffer) < end:
                break
            chunk = self._buffer[_STREAM_HEADER.size : end]
            del self._buffer[:end]
            if stream == _STDOUT:
                out += chunk
            else:
                self.notes = (self.notes + bytes(chunk))[-_NOTES_BYTES:]
        return bytes(out) or None
