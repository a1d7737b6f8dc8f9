"""Through which door an execution comes: our own four, and those of other services, whose clients we answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Door(StrEnum):
    """What a row says of its door. The names after the first four are those of GEXEC_COMPAT."""

    EXECUTE = "execute"
    API = "api"
    INTERACTIVE = "interactive"
    ADMIN = "admin"
    PISTON = "piston"
    JUDGE0 = "judge0"
    JOBE = "jobe"
    DIFY = "dify"
    SANDBOXFUSION = "sandboxfusion"
    LIBRECHAT = "librechat"


@dataclass(frozen=True, slots=True)
class Place:
    """A door, for people, and the paths at and below which it answers, without a slash at their end."""

    title: str
    paths: tuple[str, ...]
    root_paths: tuple[str, ...] = ()
    """Those besides where it is the one at the root of the server (GEXEC_COMPAT_ROOT)."""


PLACES: Mapping[Door, Place] = MappingProxyType(
    {
        Door.EXECUTE: Place("POST /execute", ("/execute",)),
        Door.API: Place("/api/v1", ("/api/v1",)),
        Door.INTERACTIVE: Place("/api/v1, interactive", ()),
        Door.ADMIN: Place("the admin, run again", ()),
        Door.PISTON: Place("Piston", ("/api/v2",)),
        Door.JUDGE0: Place(
            "Judge0",
            ("/judge0",),
            (
                "/about", "/authenticate", "/authorize", "/config_info", "/isolate", "/languages", "/license",
                "/statistics", "/statuses", "/submissions", "/system_info", "/version", "/workers",
            ),
        ),
        Door.JOBE: Place("jobe", ("/jobe/index.php/restapi",)),
        Door.DIFY: Place("Dify", ("/v1/sandbox", "/health")),
        Door.SANDBOXFUSION: Place("SandboxFusion", ("/run_code", "/run_jupyter", "/v1/ping")),
        Door.LIBRECHAT: Place(
            "LibreChat", ("/v1/exec", "/v1/upload", "/v1/download", "/v1/files", "/v1/sessions", "/v1/health")
        ),
    }
)  # fmt: skip
OWN = (Door.EXECUTE, Door.API, Door.INTERACTIVE, Door.ADMIN)
COMPAT = tuple(door for door in Door if door not in OWN)
"""Those of other services."""
WITH_ROOT = tuple(door for door, place in PLACES.items() if place.root_paths)


def paths_of(names: Iterable[str], root: str = "") -> Iterator[tuple[str, Door]]:
    """Each path with its door, of the other services' doors that are named; a name that there is not is left aside."""
    for door in COMPAT:
        if door in names:
            place = PLACES[door]
            yield from ((path, door) for path in (*place.paths, *(place.root_paths if door == root else ())))


def title_of(name: str) -> str:
    """What people call the door that a row names; of one that is no more, the name."""
    return next((place.title for door, place in PLACES.items() if door.value == name), name)
