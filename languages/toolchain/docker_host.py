"""The one place where the languages reach Docker: the images of this installation."""

from __future__ import annotations

from dispatch import active
from sandbox.engine import Images

INSTALLING_S = 600.0
"""A step of a build may print nothing for minutes."""
PAGE_S = 3.0
"""A page is not held up longer than this by a Docker that does not answer."""


def images(*, timeout_s: float = INSTALLING_S) -> Images:
    """Images on the Docker host; a call that takes `timeout_s` without a word gives up. Raises EngineUnavailable."""
    return active.backend().images(timeout_s=timeout_s)
