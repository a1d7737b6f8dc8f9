"""What the machine looks like: read before an attack and compared after it, where the attacked containers run here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.docker import connect
from sandbox.policy import SandboxPolicy
from testkit.containers import containers_of, left_after
from testkit.waiting import last_seen

_SETTINGS = (
    "kernel/core_pattern", "kernel/modprobe", "kernel/hostname", "kernel/domainname", "kernel/panic", "kernel/sysrq",
    "kernel/tainted", "kernel/randomize_va_space", "kernel/pid_max", "kernel/ngroups_max", "vm/overcommit_memory",
    "vm/panic_on_oom", "fs/suid_dumpable", "fs/file-max", "net/ipv4/ip_forward", "user/max_user_namespaces",
)  # fmt: skip
_MARKED_PLACES = ("/", "/tmp", "/var/tmp", "/dev/shm", "/root", "/etc", "/run", "/usr/bin", "/home")
_MARK = "gexec-attack-"
"""How the names of the files begin that guests leave wherever they can."""
_SYSTEM_PLACES = ("/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/sbin", "/sys", "/usr")
_MODULES = Path("/proc/modules")
_GONE_S = 10.0
"""How long what an attack used may take to go: containers are removed after the answer."""
_NAMELESS = 64
"""The length of the name of an anonymous volume."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that an attack on the host would change."""

    settings: tuple[tuple[str, str], ...] = ()
    modules: frozenset[str] = frozenset()
    mounts: frozenset[str] = frozenset()
    clock_offset_s: float = 0.0


class Host:
    """What can be seen of the attacked machine from elsewhere, which is nothing but the service's answers."""

    evidence = "the service's own answers"

    def look(self) -> Snapshot:
        """How it is now."""
        return Snapshot()

    def harm_since(self, before: Snapshot) -> list[str]:
        """What an attack did to the machine; empty where nothing is found."""
        return []

    def left_at_the_end(self) -> list[str]:
        """What should be gone once the attacked server has stopped."""
        return []

    def close(self) -> None:
        """Give back what looking at it needed."""


class LocalHost(Host):
    """The machine that runs the Docker engine is this one."""

    evidence = "settings, modules, mounts, clock, marks in the file system, escaped processes"

    def look(self) -> Snapshot:
        """How it is now."""
        return Snapshot(
            settings=tuple((name, _read(Path("/proc/sys") / name)) for name in _SETTINGS),
            modules=frozenset(line.split()[0] for line in _read(_MODULES).splitlines()),
            mounts=frozenset(_system_mounts()),
            clock_offset_s=time.time() - time.monotonic(),
        )

    def harm_since(self, before: Snapshot) -> list[str]:
        """What an attack did to the machine; empty where nothing is found."""
        now = self.look()
        pairs = zip(before.settings, now.settings, strict=True)
        found = [f"{name} was {old} and is {new}" for (name, old), (_, new) in pairs if old != new]
        found += [f"module {name} was loaded" for name in now.modules - before.modules]
        found += [f"mount {name}" for name in now.mounts - before.mounts]
        if abs(now.clock_offset_s - before.clock_offset_s) > 1.0:
            found.append("the clock was set")
        found += [f"mark {path}" for path in _marks()]
        return found + [f"process {pid} of a guest's user is outside every container" for pid in _escaped()]


class OwnHost(LocalHost):
    """This machine, and a server whose containers are told by its data directory."""

    evidence = f"{LocalHost.evidence}, processes in its containers; containers and volumes at the end"

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._client = connect(timeout_s=20.0)
        self._volumes = self._nameless_volumes()

    def harm_since(self, before: Snapshot) -> list[str]:
        """As for every local host, and what is left of the programs that were answered."""
        return super().harm_since(before) + self._left_in_containers()

    def left_at_the_end(self) -> list[str]:
        """Containers and volumes of the server, which has stopped."""
        containers = left_after(self._client, self._data_dir, within_s=_GONE_S)
        found = [f"container {container_id[:12]}" for container_id in containers]
        # Between a container and its volume there is a moment, also where somebody else removes both.
        left = last_seen(self._new_volumes, until=lambda names: not names, within_s=_GONE_S)
        return found + [f"volume {name}" for name in left]

    def close(self) -> None:
        """Let the connection to the Docker engine go."""
        self._client.close()

    def _new_volumes(self) -> frozenset[str]:
        return self._nameless_volumes() - self._volumes

    def _nameless_volumes(self) -> frozenset[str]:
        """Volumes that an image made for one container, and that no container uses."""
        listed = self._client.volumes(filters={"dangling": True}).get("Volumes") or ()
        return frozenset(volume["Name"] for volume in listed if len(volume["Name"]) == _NAMELESS)

    def _left_in_containers(self) -> list[str]:
        """Processes of guests that are still there a while after their program was answered."""
        left = last_seen(lambda: list(self._guests()), until=lambda pids: not pids, within_s=_GONE_S)
        return [f"process {pid} is left in a container" for pid in left]

    def _guests(self) -> Iterator[int]:
        """Guest processes in the server's containers: those of the idle ones hold a runner and nothing else."""
        ours = containers_of(self._client, self._data_dir)
        for pid in _guest_processes():
            group = _read(Path(f"/proc/{pid}/cgroup"))
            if any(container_id in group for container_id in ours):
                yield pid


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _system_mounts() -> Iterator[str]:
    """Mount points where nothing is mounted while a system runs; elsewhere Docker and others come and go."""
    for line in _read(Path("/proc/self/mountinfo")).splitlines():
        point = line.split()[4]
        if point == "/" or point.startswith(_SYSTEM_PLACES):
            yield point


def _marks() -> Iterator[str]:
    for place in map(Path, _MARKED_PLACES):
        if place.is_dir():
            yield from (str(path) for path in place.iterdir() if path.name.startswith(_MARK))


def _guest_processes() -> Iterator[int]:
    policy = SandboxPolicy()
    users = range(policy.first_uid, policy.first_uid + policy.uid_count)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                uid = entry.stat().st_uid
            except OSError:
                continue
            # An undumpable process shows root as its owner; its status tells.
            if uid in users or _status_uid(entry) in users:
                yield int(entry.name)


def _status_uid(process: Path) -> int:
    for line in _read(process / "status").splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[1])
    return -1


def _escaped() -> list[int]:
    """Processes with a guest's user in the host's own process namespace."""
    own = _link("/proc/self/ns/pid")
    return [pid for pid in _guest_processes() if _link(f"/proc/{pid}/ns/pid") == own]


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
