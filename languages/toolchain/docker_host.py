"""The images that programs run in: the one place where the languages ask for them."""

from __future__ import annotations

from dispatch import active
from sandbox.engine import Images

INSTALLING_S = 600.0
"""A step of a build may print nothing for minutes."""
PAGE_S = 3.0
"""A page is not held up longer than this by a Docker that does not answer."""


def images(*, timeout_s: float = INSTALLING_S) -> Images:
    """The images, each answer awaited for `timeout_s`. Raises EngineUnavailable."""
    return active.backend().images(timeout_s=timeout_s)
