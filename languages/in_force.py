"""What keeps executions apart on this host: what an operator has asked for, or what holds where the host refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from dispatch import active
from sandbox.types import Profile

Told = Mapping[Profile, bool]
"""Whether containers of these profiles have cells, as far as this process has started some."""


class InForce(StrEnum):
    """What is made anew for each execution, as clients are told."""

    CONTAINER = "container"
    CELL = "cell"
    SHARED_CELL = "shared_cell"


class Summary(StrEnum):
    """The same of all languages, as probes and operators are told."""

    CONTAINER = "container"
    CELL = "cell"
    REFUSED = "refused"
    NOT_KNOWN = "not_known"


def told() -> Told:
    """Raises what the pool does where it is closed."""
    return active.backend().capacity().in_cells


def in_force(profile: Profile, told: Told) -> InForce | None:
    """None where cells are asked for, and no container has been started yet that would tell.

    The kernel lets a runner make cells or not; what else a container is made of changes nothing in that.
    """
    if not profile.cells:
        return InForce.CONTAINER
    found = [has for each, has in told.items() if each.cells and each.runtime == profile.runtime]
    if not found:
        return None
    if not all(found):
        return InForce.CONTAINER
    return InForce.SHARED_CELL if profile.share else InForce.CELL


def summary() -> Summary:
    """Raises what the pool does where it is closed."""
    capacity = active.backend().capacity()
    asked = {profile for profile in (*capacity.warm, *capacity.in_cells) if profile.cells}
    found = {capacity.in_cells[profile] for profile in asked if profile in capacity.in_cells}
    if not asked:
        return Summary.CONTAINER
    if not found:
        return Summary.NOT_KNOWN
    return Summary.CELL if all(found) else Summary.REFUSED
