"""A container engine and its images without Docker, for the tests of what uses them.

`FakeEngine` has a runner of a few programs, in memory, behind the real frames; `FakeImages` reads Dockerfiles as far as
their COPY. Both pass the same contract tests as Docker (tests/test_engine_contract.py, tests/test_images_contract.py),
and let a test say what goes wrong.
"""

from __future__ import annotations

import io
import itertools
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import BinaryIO

from sandbox.errors import ContainerLost, EngineUnavailable, ImageBuildFailed, ImageMissing
from sandbox.types import ImageInfo, Profile

_HEADER = struct.Struct(">cI")
_STEP = struct.Struct(">IIQQQIBHH")


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame as the runner would send it."""
    return _HEADER.pack(kind, len(payload)) + payload


def result(reason: int = 0, exit_code: int = 0, signal: int = 0, detail: bytes = b"") -> bytes:
    """An X frame."""
    numbers = struct.pack(">BBBBQQQI", reason, exit_code, signal, 0, 1000, 1000, 1 << 20, len(detail))
    return frame(b"X", numbers + detail)


def output(data: bytes, stream: int = 1) -> bytes:
    """An O frame."""
    return frame(b"O", bytes([stream]) + data)


class FakeStream:
    """One fake container: knows true, false, echo, yes, cat, sleep SECONDS, crash and die, which takes it along."""

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
        return frame(b"R", struct.pack(">HIB", 1, self.jobs_done, self._engine.makes_cells))

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
        if (kind == b"A" and self.started_ahead) or (kind == b"E" and self._running is not None):
            self.say(frame(b"!", b"a frame at the wrong time"))
            self.end()
        elif kind == b"A":
            self.started_ahead = True
        elif kind == b"S":
            self._start(payload)
        elif kind == b"I" and self._running == ["cat"]:
            self._cat(payload)
        elif kind == b"K" and self._running is not None and not self._engine.when_unthrottled:
            self._finish(result(reason=6, signal=9), replace=True)
        elif kind == b"P":
            self._tell_artifacts()
        elif kind == b"E":
            self.jobs_done += 1
            if self._engine.wipe_fails:
                self.end()
            else:
                self.say(self._ready(), after_s=self._engine.wipe_s)

    def _start(self, payload: bytes) -> None:
        argc = _STEP.unpack_from(payload)[7]
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
        elif words[0] == "crash":
            self._finish(result(reason=1, signal=11))
        elif words[0] == "die":
            self.end()
        elif words[0] != "cat":
            detail = f"{words[0]}: No such file or directory".encode()
            self._finish(result(reason=7, exit_code=127, detail=detail))

    def _tell_artifacts(self) -> None:
        for name, content in self._engine.artifacts.items():
            self.say(frame(b"N", struct.pack(">BQ", 0, len(content)) + name.encode()))
            if content:
                self.say(frame(b"D", content))
        if not self._engine.stuck_while_collecting:
            self.say(frame(b"C", b""))

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
    makes_cells: bool = False
    wipe_fails: bool = False
    linger_after_close: bool = False
    failing: Exception | None = None
    """What `start`, `prepare` and `owned` raise while it is set: a daemon that is down."""
    images: set[str] = field(default_factory=lambda: {"python"})
    streams: dict[str, FakeStream] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    """Containers of other owners: id → owner."""
    removed: list[str] = field(default_factory=list)
    unthrottled: list[str] = field(default_factory=list)
    when_unthrottled: bytes = b""
    """What a runner says that gets to run again; until then it reads no K."""
    failing_unthrottle: bool = False
    used_cpu_ms: float = 0.0
    artifacts: dict[str, bytes] = field(default_factory=dict)
    """What every job leaves behind, by name, at most a frame each."""
    stuck_while_collecting: bool = False
    failing_removals: int = 0
    """How many are still to fail."""
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

    def unthrottle(self, container_id: str) -> None:
        if self.failing_unthrottle:
            raise EngineUnavailable("read timed out")
        if container_id not in self.streams:
            raise EngineUnavailable("no such container")
        self.unthrottled.append(container_id)
        if self.when_unthrottled:
            self.streams[container_id].say(self.when_unthrottled)

    def cpu_ms(self, container_id: str) -> float:
        if container_id not in self.streams:
            raise EngineUnavailable("no such container")
        return self.used_cpu_ms

    def remove(self, container_id: str) -> None:
        if self.failing_removals:
            self.failing_removals -= 1
            raise EngineUnavailable("no descriptors are left")
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


@dataclass
class FakeImages:
    """Images of a host that is a dictionary. Set `failing` to make the host unreachable."""

    failing: Exception | None = None
    """What every call raises while it is set."""
    registry: dict[str, ImageInfo] = field(default_factory=dict)
    """What can be pulled, by its name."""
    pulled: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    """Tags, in order."""
    removed: list[str] = field(default_factory=list)
    labelled: set[str] = field(default_factory=set)
    """Ids of images that were built here."""
    in_use: set[str] = field(default_factory=set)
    """Ids of images that containers run in: the last name of one is refused to go."""
    left: list[float] = field(default_factory=list)
    """How old the containers are that nothing is at work on, in seconds."""
    _images: dict[str, ImageInfo] = field(default_factory=dict)
    """By id."""

    def add(self, *names: str, image_id: str | None = None, size_bytes: int = 1_000_000) -> ImageInfo:
        """Put an image on the host; it takes its names from whatever had them."""
        image = ImageInfo(image_id or _digest(*names), (), size_bytes, "2026-01-02T03:04:05Z")
        self._images.setdefault(image.id, image)
        for name in names:
            self._give_name(image.id, name)
        return self._images[image.id]

    def clear(self) -> None:
        """Take every image off the host."""
        self._images.clear()

    def close(self) -> None:
        """There is nothing to let go of."""

    def runtimes(self) -> frozenset[str]:
        self._answer()
        return frozenset({"runc"})

    def ping(self) -> None:
        self._answer()

    def find(self, name: str) -> ImageInfo | None:
        self._answer()
        if name in self._images:
            return self._images[name]
        return next((image for image in self._images.values() if _full(name) in image.tags), None)

    def build(
        self,
        *,
        tag: str,
        context: bytes,
        buildargs: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        no_cache: bool = False,
        memory_bytes: int | None = None,
    ) -> ImageInfo:
        self._answer()
        log: list[str] = []
        with tarfile.open(fileobj=io.BytesIO(context)) as archive:
            names = {name.removeprefix("./") for name in archive.getnames()}
            recipe = archive.extractfile("Dockerfile" if "Dockerfile" in archive.getnames() else "./Dockerfile")
            lines = recipe.read().decode().splitlines() if recipe else []
        for number, line in enumerate(lines, 1):
            log.append(f"Step {number}/{len(lines)} : {line}")
            on_line(log[-1])
            words = line.split()
            if words[0] == "COPY" and words[1] != "." and words[1] not in names:
                raise ImageBuildFailed(f"building {tag} failed: {words[1]} is not there", log_end="\n".join(log))
        self.built.append(tag)
        made = self.add(tag, image_id=_digest(context, *buildargs.values(), *labels.values()))
        if "gexec.kind" in labels:
            self.labelled.add(made.id)
        return made

    def pull(self, name: str, on_line: Callable[[str], None]) -> ImageInfo:
        self._answer()
        if name not in self.registry:
            raise ImageMissing(f"pulling {name} failed: no such image")
        on_line(f"Pulling {name}")
        self.pulled.append(name)
        return self.add(name, image_id=self.registry[name].id, size_bytes=self.registry[name].size_bytes)

    def push(self, name: str, on_line: Callable[[str], None]) -> None:
        found = self.find(name)
        if found is None:
            raise ImageMissing(f"the image {name} is not on the Docker host")
        on_line(f"Pushing {name}")
        self.registry[name] = found

    def import_tar(self, source: BinaryIO, tag: str) -> ImageInfo:
        self._answer()
        content = source.read()
        return self.add(tag, image_id=_digest(content), size_bytes=len(content))

    def tag(self, name: str, new_name: str) -> None:
        found = self.find(name)
        if found is None:
            raise ImageMissing(f"the image {name} is not on the Docker host")
        self._give_name(found.id, new_name)

    def made_here(self) -> list[ImageInfo]:
        self._answer()
        return [image for image in self._images.values() if image.id in self.labelled]

    def used(self) -> set[str]:
        self._answer()
        return set(self.in_use)

    def remove_left(self, *, older_than_s: float) -> int:
        self._answer()
        old = [age_s for age_s in self.left if age_s > older_than_s]
        self.left = [age_s for age_s in self.left if age_s <= older_than_s]
        return len(old)

    def remove(self, name: str) -> None:
        found = self.find(name)
        left = () if found is None or name == found.id else tuple(tag for tag in found.tags if tag != _full(name))
        if found is not None and not left and found.id in self.in_use:
            raise EngineUnavailable(f"removing {name}: a container uses it")
        self.removed.append(name)
        if found is None:
            return
        if left:
            self._images[found.id] = replace(found, tags=left)
        else:
            del self._images[found.id]

    def _answer(self) -> None:
        if self.failing:
            raise self.failing

    def _give_name(self, image_id: str, name: str) -> None:
        full = _full(name)
        for other in list(self._images.values()):
            tags = tuple(tag for tag in other.tags if tag != full)
            self._images[other.id] = replace(other, tags=(*tags, full) if other.id == image_id else tags)


def _full(name: str) -> str:
    """A name with its tag, as the host keeps it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _digest(*parts: str | bytes) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return f"sha256:{digest.hexdigest()}"
