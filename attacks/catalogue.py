"""All attacks, family by family."""

from __future__ import annotations

from typing import Protocol

from attacks.attack import Report
from attacks.client import Client
from attacks.families import (
    cells,
    connections,
    direct,
    endings,
    escape,
    grading,
    leftovers,
    neighbours,
    protocol,
    requests,
    resources,
    terminals,
)


class AnyAttack(Protocol):
    """What the suite needs of an attack."""

    @property
    def name(self) -> str:
        """A few words, unique."""

    @property
    def tries(self) -> str:
        """One line for the table."""

    def perform(self, client: Client) -> Report:
        """Do it, and judge the answers."""


FAMILIES: dict[str, tuple[AnyAttack, ...]] = {
    "resources": resources.ATTACKS,
    "escape": escape.ATTACKS,
    "protocol": protocol.ATTACKS,
    "neighbours": neighbours.ATTACKS,
    "cells": cells.ATTACKS,
    "requests": requests.ATTACKS,
    "connections": connections.ATTACKS,
    "endings": endings.ATTACKS,
    "direct": direct.ATTACKS,
    "leftovers": leftovers.ATTACKS,
    "grading": grading.ATTACKS,
    "terminals": terminals.ATTACKS,
}
