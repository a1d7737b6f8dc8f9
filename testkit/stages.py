"""What a build of several stages leaves beside its image: the last image of each stage before, which has no name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

import docker
import docker.errors

_MADE = re.compile(r"^ ---> ([0-9a-f]{12})\n?$")
_STAGE = re.compile(r"^Step \d+/\d+ : FROM ")


def stages_before(log: Iterable[Mapping[str, str]]) -> list[str]:
    """The ids of those, from what the classic builder says of its steps."""
    found: list[str] = []
    newest = ""
    for line in (event.get("stream", "") for event in log):
        if _STAGE.match(line) and newest:
            found.append(newest)
        newest = made[1] if (made := _MADE.match(line)) else newest
    return found


def remove_stages(client: docker.DockerClient, log: Iterable[Mapping[str, str]]) -> None:
    """Remove them, down to the layers that the image itself stands on, while it is there."""
    for image in stages_before(log):
        with suppress(docker.errors.APIError):  # Another build stands on it, or it was the base itself.
            if not client.images.get(image).tags:
                client.images.remove(image)
