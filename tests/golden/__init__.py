"""Frames that were written down once, byte by byte, for both sides of the stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FRAMES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "frames.json").read_text())


def bytes_of(name: str) -> bytes:
    """The bytes of the golden frame of this name."""
    return next(bytes.fromhex(frame["hex"]) for side in FRAMES.values() for frame in side if frame["name"] == name)
