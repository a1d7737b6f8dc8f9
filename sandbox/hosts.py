"""How hosts are named, and what each says of itself. Light to import, for servers that have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.types import Profile


def is_name(name: str) -> bool:
    """Whether it can stand in a subject or a key, as one part."""
    return 0 < len(name) <= 100 and all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in name)


def name_of(host: str) -> str:
    """The name of the host whose process has this id; empty where that is none."""
    name, _, process = host.rpartition("-")
    return name if process and is_name(name) else ""


@dataclass(frozen=True, slots=True)
class Warm:
    """So many containers of a profile wait."""

    profile: Profile
    count: int


@dataclass(frozen=True, slots=True)
class HostState:
    """How a host stands; it says so every second."""

    id: str
    """Of its process."""
    name: str
    slots: int
    in_use: int
    version: str
    draining: bool = False
    warm: tuple[Warm, ...] = ()
    started: int = 0
    """Containers, since it began."""
    failures: Mapping[str, int] | None = None
    """Starts that failed, by kind."""
