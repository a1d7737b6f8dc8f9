"""The one place where the languages connect to Docker: the images of this installation."""

from __future__ import annotations

from functools import cache

from sandbox.docker import DockerImages, connect

INSTALLING_S = 600.0
"""A step of a build may print nothing for minutes."""
PAGE_S = 3.0
"""A page is not held up longer than this by a Docker that does not answer."""


@cache
def images(*, timeout_s: float = INSTALLING_S) -> DockerImages:
    """Images on the Docker host, each answer awaited for `timeout_s`. Raises EngineUnavailable.

    One client for each time-out, kept for the life of the process: a client has connections of its own.
    """
    return DockerImages(connect(timeout_s=timeout_s))
