"""What waits for a program: the one place where the languages ask for that."""

from __future__ import annotations

from collections.abc import Collection

from dispatch import active
from sandbox.types import Profile


def warm_profiles() -> Collection[Profile]:
    """The profiles that a container is ready for."""
    return {profile for profile, count in active.backend().capacity().warm.items() if count}
