"""Machines of a network of its own, on this one: network namespaces with an address each, joined by a switch.

Theory of operation. The switch is a bridge in a namespace of its own, so that no rule of this machine's firewall, nor
of Docker's, has a say in it. This machine's own end has the first address. A member is joined by a pair of veth
devices, or by a `Wire`: two TAP devices with a thread between that carries each frame from one to the other, late, or
not at all, as it is told. So a kernel needs neither netem nor any match of iptables for it.
"""

from __future__ import annotations

import fcntl
import heapq
import itertools
import os
import random
import selectors
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_TUN = Path("/dev/net/tun")
# linux/if_tun.h
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_FRAME_BYTES = 4096
_INSIDE = "eth0"


def why_not() -> str:
    """Why no network can be made here; empty where it can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    missing = [name for name in ("ip", "nsenter") if shutil.which(name) is None]
    if missing or not _TUN.exists():
        return f"there is no {', '.join(missing) or _TUN}"
    probe = f"gexec-{os.getpid()}-probe"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no network namespace can be made: {done.stderr.strip()}"
    _ip("netns", "del", probe)
    return ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How frames go one way."""

    passes: bool = True
    late_s: float = 0.0
    lost: float = 0.0
    """How many of them are lost, as a share of 1."""


FREE = Traffic()


class Wire:
    """Between a member and the switch. `speaks` and `hears` may be set at any time, from any thread."""

    def __init__(self, inside: int, outside: int, *, seed: int = 1) -> None:
        self.speaks = FREE
        """From the member to all others."""
        self.hears = FREE
        self._ends = (inside, outside)
        self._chance = random.Random(seed)  # noqa: S311 - which frames are lost is no secret
        self._late: list[tuple[float, int, int, bytes]] = []
        self._order = itertools.count()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="wire", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Carry no more."""
        self._over.set()
        self._thread.join()
        for end in self._ends:
            os.close(end)

    def _carry(self) -> None:
        inside, outside = self._ends
        with selectors.DefaultSelector() as readable:
            readable.register(inside, selectors.EVENT_READ, outside)
            readable.register(outside, selectors.EVENT_READ, inside)
            while not self._over.is_set():
                for key, _ in readable.select(self._wait_s()):
                    self._take(key.fd, key.data, self.speaks if key.fd == inside else self.hears)
                self._send_late()

    def _wait_s(self) -> float:
        return max(0.0, min(0.1, self._late[0][0] - time.monotonic())) if self._late else 0.1

    def _take(self, source: int, target: int, traffic: Traffic) -> None:
        try:
            frame = os.read(source, _FRAME_BYTES)
        except BlockingIOError:
            return
        if not traffic.passes or self._chance.random() < traffic.lost:
            return
        if traffic.late_s or self._late:
            # Behind those that are on their way already, once it is late no more.
            heapq.heappush(self._late, (time.monotonic() + traffic.late_s, next(self._order), target, frame))
        else:
            _write(target, frame)

    def _send_late(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic():
            *_, target, frame = heapq.heappop(self._late)
            _write(target, frame)


@dataclass
class Network:
    """The switch and its members."""

    name: str
    subnet: str
    """The first three parts of its addresses."""
    addresses: dict[str, str] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)

    @property
    def here(self) -> str:
        """The address of this machine's own end."""
        return f"{self.subnet}.1"

    def add(self, member: str, *, wired: bool = False) -> str:
        """Make one, on a wire of its own or on none; its address."""
        number = len(self.addresses) + 2
        address = self.addresses[member] = f"{self.subnet}.{number}"
        space, port = self._space(member), f"port{number}"
        _ip("netns", "add", space)
        if wired:
            inside, outside = _tap(f"{self.name}i"), _tap(f"{self.name}o")
            _ip("link", "set", f"{self.name}i", "netns", space, "name", _INSIDE)
            _ip("link", "set", f"{self.name}o", "netns", self._space("switch"), "name", port)
            self.wires[member] = Wire(inside, outside, seed=number)
        else:
            _ip("link", "add", _INSIDE, "netns", space, "type", "veth", "peer", port, "netns", self._space("switch"))
        _ip("-n", self._space("switch"), "link", "set", port, "master", "switch", "up")
        _ip("-n", space, "address", "add", f"{address}/24", "dev", _INSIDE)
        for device in ("lo", _INSIDE):
            _ip("-n", space, "link", "set", device, "up")
        return address

    def within(self, member: str) -> list[str]:
        """The command that executes the one that follows it there."""
        return ["nsenter", f"--net=/run/netns/{self._space(member)}", "--"]

    def plug(self, member: str, *, is_in: bool) -> None:
        """Join a member to the switch, or take it off: both ways."""
        port = f"port{self.addresses[member].rpartition('.')[2]}"
        _ip("-n", self._space("switch"), "link", "set", port, "up" if is_in else "down")

    def open(self) -> None:
        """Make the switch, and this machine's own end."""
        switch = self._space("switch")
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", switch, "link", "set", "switch", "up")
        _ip("link", "add", self.name, "type", "veth", "peer", "port1", "netns", switch)
        _ip("-n", switch, "link", "set", "port1", "master", "switch", "up")
        _ip("address", "add", f"{self.here}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")

    def close(self) -> None:
        """Take all of it away."""
        for wire in self.wires.values():
            wire.close()
        with suppress(subprocess.CalledProcessError):
            # At once: that of a namespace's end comes later.
            _ip("link", "del", self.name)
        for member in (*self.addresses, "switch"):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", self._space(member))

    def _space(self, member: str) -> str:
        return f"{self.name}-{member}"


@contextmanager
def network() -> Iterator[Network]:
    """One of this process's own, gone at the end."""
    # For tests of networks (RFC 2544): no route of a real one goes there.
    made = Network(f"gx{os.getpid()}", f"198.18.{os.getpid() % 250}")
    try:
        made.open()
        yield made
    finally:
        made.close()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _tap(name: str) -> int:
    end = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return end


def _write(target: int, frame: bytes) -> None:
    # A device that is down, or full, loses it.
    with suppress(OSError):
        os.write(target, frame)
