"""Names of images, resolved to what a registry will give again: name@sha256:…"""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_PULL_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Pin:
    """What a name stands for at the moment."""

    name: str
    digest: str = ""
    """sha256:… of its manifest, as a registry has it; empty where none has said it."""
    image_id: str = ""
    """sha256:… of the image on this machine; empty where it is not here."""

    @property
    def reference(self) -> str:
        """What gives this very image, wherever there is a registry; without a digest the name alone."""
        return f"{repository(self.name)}@{self.digest}" if self.digest else self.name

    @property
    def told(self) -> str:
        """What a reader has to know of it."""
        if self.digest:
            return f"{self.name}, which is {self.digest}"
        if self.image_id:
            return f"{self.name} of this machine alone, {self.image_id}: no registry has it"
        return f"{self.name}, not resolved: no registry has answered"


def resolve(name: str) -> Pin:
    """Ask the registry that the name is of, or else the Docker engine, what it has under that name.

    What was made on this machine is not asked for elsewhere: a stranger may have that name there.
    """
    here = _inspected(name)
    if here is None or here["RepoDigests"]:
        _pull(name)
        here = _inspected(name)
    if here is None:
        return Pin(name)
    digests = dict(each.split("@") for each in here["RepoDigests"] or [])
    return Pin(name, digests.get(repository(name), ""), here["Id"])


def repository(name: str) -> str:
    """The name without tag and digest: a colon before the last slash is a port."""
    before = name.partition("@")[0]
    return before if ":" not in before.rsplit("/", 1)[-1] else before.rpartition(":")[0]


def layers(image: str) -> list[str]:
    """The digests of its layers, the lowest first: an image begins with those of what it stands on."""
    found = _inspected(image)
    return list(found["RootFS"]["Layers"]) if found else []


def _pull(name: str) -> None:
    # Where it fails, what is here counts.
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(["docker", "pull", "--quiet", name], capture_output=True, timeout=_PULL_TIMEOUT_S, check=False)


def _inspected(name: str) -> dict[str, Any] | None:
    done = subprocess.run(["docker", "image", "inspect", name], capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
    return found[0] if found else None
