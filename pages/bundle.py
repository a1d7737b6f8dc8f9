"""What esbuild made of frontend/: the names of its files, which have a hash of what is in them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

BUILT = Path(__file__).parent / "static" / "pages" / "built"
MANIFEST = BUILT / "manifest.json"


@cache
def names() -> dict[str, Any]:
    """`play`: the module that the page loads, `style`: its style sheet, `first`: the modules that it needs at once.

    `embed`: the module of the page that others frame.
    """
    found: dict[str, Any] = json.loads(MANIFEST.read_text())
    return found
