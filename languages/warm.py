"""What this process has waiting: the one place where the languages look at the pool."""

from __future__ import annotations

from collections.abc import Collection

from dispatch import runtime
from sandbox.types import Profile


def warm_profiles() -> Collection[Profile]:
    """The profiles that a container is ready for."""
    profiles = runtime.pool().snapshot().profiles
    return {profile for profile, state in profiles.items() if state.fresh + state.kept}
