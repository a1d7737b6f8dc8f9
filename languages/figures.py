"""What is known of a folder's image before it is built: version, size, about how long it takes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from languages import folders

FILE = "figures.toml"
_SHARED_MB = 80
"""The base, which is there."""
_BEGIN_S = 15
_PER_MB_S = 0.3
"""Fetched, unpacked, compiled and tested, over builds of images from 120 to 1100 MB on two busy cores near a mirror."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one image."""

    version: str = ""
    image_mb: int | None = None
    """With all shared layers. None: not known, as of a folder that is new."""

    @property
    def build_s(self) -> float | None:
        """About how long it takes until the language can be used."""
        if self.image_mb is None:
            return None
        return _BEGIN_S + _PER_MB_S * max(self.image_mb - _SHARED_MB, 0)


def all_figures() -> Mapping[str, Figures]:
    """By slug."""
    file = folders.IMAGES / FILE
    listed = tomllib.loads(file.read_text()) if file.exists() else {}
    return {slug: Figures(**values) for slug, values in listed.items()}
