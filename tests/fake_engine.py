"""An engine without containers: a runner of a few programs, in memory, behind the real frames.

It passes the same contract tests as Docker (test_engine_contract.py), and lets a test say what goes wrong.
"""

from __future__ import annotations

import itertools
import struct
import threading
import time
from dataclasses import dataclass, field

from sandbox.errors import ContainerLost, EngineUnavailable, ImageMissing
from sandbox.types import Profile

_HEADER = struct.Struct(">cI")
_STEP = struct.Struct(">IIQQIBHH")


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame as the runner would send it."""
    return _HEADER.pack(kind, len(payload)) + payload


def result(reason: int = 0, exit_code: int = 0, signal: int = 0) -> bytes:
    """An X frame."""
    return frame(b"X", struct.pack(">BBBBQQQI", reason, exit_code, signal, 0, 1000, 1000, 1 << 20, 0))


def output(data: bytes, stream: int = 1) -> bytes:
    """An O frame."""
    return frame(b"O", bytes([stream]) + data)


class FakeStream:
    """One fake container: knows true, false, echo, yes, cat, sleep SECONDS and die, which takes it along."""

    def __init__(self, engine: FakeEngine, container_id: str) -> None:
        self._engine = engine
        self._id = container_id
        self._changed = threading.Condition()
        self._incoming = bytearray()
        self._outgoing: list[tuple[float, bytes]] = []
        self._running: list[str] | None = None
        self._stdin = bytearray()
        self._ended = False
        self.jobs_done = 0
        self.started_ahead = False
        self.memory_bytes = 0
        self.say(self._ready(), after_s=engine.ready_after_s)

    @property
    def container_id(self) -> str:
        return self._id

    def say(self, data: bytes, *, after_s: float = 0.0) -> None:
        """Send bytes to the pool's side after a while."""
        with self._changed:
            self._outgoing.append((time.monotonic() + after_s, data))
            self._changed.notify_all()

    def end(self) -> None:
        """The container ends, as if it had been killed."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._engine.forget(self._id)

    def send(self, data: bytes) -> None:
        with self._changed:
            if self._ended:
                raise ContainerLost("the fake container has ended")
            self._incoming += data
        while (parsed := self._parse()) is not None:
            self._obey(*parsed)

    def receive(self, timeout_s: float) -> bytes | None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now = time.monotonic()
                due = [data for at, data in self._outgoing if at <= now]
                if due:
                    self._outgoing = [(at, data) for at, data in self._outgoing if at > now]
                    return b"".join(due)
                if self._ended:
                    raise ContainerLost("the fake container has ended")
                if now >= deadline:
                    return None
                nearest = min((at for at, _ in self._outgoing), default=deadline)
                self._changed.wait(max(0.0, min(deadline, nearest) - now))

    def quiet(self) -> bool:
        with self._changed:
            return not self._ended and not any(at <= time.monotonic() for at, _ in self._outgoing)

    def close(self) -> None:
        if self._engine.linger_after_close:
            with self._changed:
                self._ended = True
            return
        self.end()

    def _ready(self) -> bytes:
        return frame(b"R", struct.pack(">HI", 1, self.jobs_done))

    def _parse(self) -> tuple[bytes, bytes] | None:
        if len(self._incoming) < _HEADER.size:
            return None
        kind, length = _HEADER.unpack_from(self._incoming)
        if len(self._incoming) < _HEADER.size + length:
            return None
        payload = bytes(self._incoming[_HEADER.size : _HEADER.size + length])
        del self._incoming[: _HEADER.size + length]
        return kind, payload

    def _obey(self, kind: bytes, payload: bytes) -> None:
        if kind == b"A":
            assert not self.started_ahead
            self.started_ahead = True
        elif kind == b"S":
            self._start(payload)
        elif kind == b"I" and self._running == ["cat"]:
            self._cat(payload)
        elif kind == b"K" and self._running is not None:
            self._finish(result(reason=6, signal=9), replace=True)
        elif kind == b"E":
            self.jobs_done += 1
            if self._engine.wipe_fails:
                self.end()
            else:
                self.say(self._ready(), after_s=self._engine.wipe_s)

    def _start(self, payload: bytes) -> None:
        argc = _STEP.unpack_from(payload)[6]
        words, at = [], _STEP.size
        for _ in range(argc):
            (length,) = struct.unpack_from(">I", payload, at)
            words.append(payload[at + 4 : at + 4 + length].decode())
            at += 4 + length
        self._running = words
        self._stdin.clear()
        if words[0] == "true":
            self._finish(result())
        elif words[0] == "false":
            self._finish(result(exit_code=1))
        elif words[0] == "echo":
            self._finish(output(" ".join(words[1:]).encode() + b"\n") + result())
        elif words[0] == "yes":
            self.say(output(b"y\n"))
        elif words[0] == "sleep":
            self._finish(result(), after_s=float(words[1]), running=True)
        elif words[0] == "die":
            self.end()
        elif words[0] != "cat":
            self._finish(result(reason=7, exit_code=127))

    def _cat(self, data: bytes) -> None:
        self._stdin += data
        if data:
            self.say(frame(b"W", struct.pack(">I", len(data))))
            return
        content = bytes(self._stdin)
        chunks = (content[start : start + 65_536] for start in range(0, len(content), 65_536))
        self._finish(b"".join(output(chunk) for chunk in chunks) + result())

    def _finish(self, data: bytes, *, after_s: float = 0.0, running: bool = False, replace: bool = False) -> None:
        if replace:
            with self._changed:
                self._outgoing.clear()
        if not running:
            self._running = None
        self.say(data, after_s=after_s)


@dataclass
class FakeEngine:
    """Set the fields to make things slow or broken."""

    owner: str = "me"
    start_s: float = 0.0
    ready_after_s: float = 0.0
    wipe_s: float = 0.0
    wipe_fails: bool = False
    linger_after_close: bool = False
    failing: Exception | None = None
    """What `start`, `prepare` and `owned` raise while it is set: a daemon that is down."""
    images: set[str] = field(default_factory=lambda: {"python"})
    streams: dict[str, FakeStream] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    """Containers of other owners: id → owner."""
    removed: list[str] = field(default_factory=list)
    started: int = 0
    starting: int = 0
    most_starting: int = 0
    _ids: itertools.count[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self) -> None:
        if self.failing:
            raise self.failing

    def start(self, profile: Profile) -> FakeStream:
        with self._lock:
            self.starting += 1
            self.most_starting = max(self.most_starting, self.starting)
        try:
            time.sleep(self.start_s)
            if self.failing:
                raise self.failing
            if profile.image not in self.images:
                raise ImageMissing(f"the image {profile.image} is not on the Docker host")
            stream = FakeStream(self, f"fake-{next(self._ids)}")
            stream.memory_bytes = profile.memory_bytes
            with self._lock:
                self.streams[stream.container_id] = stream
                self.started += 1
            return stream
        finally:
            with self._lock:
                self.starting -= 1

    def resize(self, container_id: str, memory_bytes: int) -> None:
        if container_id not in self.streams:
            raise EngineUnavailable("no such container")
        self.streams[container_id].memory_bytes = memory_bytes

    def remove(self, container_id: str) -> None:
        self.removed.append(container_id)
        self.others.pop(container_id, None)
        stream = self.streams.get(container_id)
        if stream is not None:
            stream.end()

    def owned(self) -> dict[str, str]:
        if self.failing:
            raise self.failing
        with self._lock:
            return {**dict.fromkeys(self.streams, self.owner), **self.others}

    def close(self) -> None:
        pass

    def forget(self, container_id: str) -> None:
        """A container has ended and is gone."""
        with self._lock:
            self.streams.pop(container_id, None)
