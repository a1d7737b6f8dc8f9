"""How hosts are named, and what each says of itself. Light to import, for servers that have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.types import Profile

_DIGEST_DIGITS = 64
_REPOSITORY = "gexec/languages"
"""Of a registry: each image under its own digest."""


def is_digest(image: str) -> bool:
    """Whether an image is named by what it consists of."""
    kind, _, digits = image.partition(":")
    return kind == "sha256" and len(digits) == _DIGEST_DIGITS and set(digits) <= set("0123456789abcdef")


def registry_name(registry: str, image: str) -> str:
    """By which the image of this digest is found in a registry."""
    return f"{registry}/{_REPOSITORY}:{image.removeprefix('sha256:')}"


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
class ImageState:
    """What a host has of an image that programs may need."""

    image: str
    """Its digest."""
    there: bool
    programs: int = 0
    """That have had a result in it, since the host began."""
    failures: int = 0
    """That the host could not carry out."""
    problem: str = ""
    """Why it could not be had."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The images of a host."""

    images: tuple[ImageState, ...] = ()


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
    images: bytes = b""
    """What it has of the images of enabled languages, as an Inventory's bytes: who asks for that takes them apart."""
