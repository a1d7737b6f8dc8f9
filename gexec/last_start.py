"""What the last start was like: the version and the settings, so that the next one can tell what has changed.

It stands in the data directory. Of a secret only a digest is kept, made with the server's own key.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from gexec.process import env
from gexec.version import VERSION

FILE = "last-start.json"
_SECRET = re.compile(r"_KEY$|SECRET|PASSWORD|TOKEN|DATABASE_(DIRECT_)?URL$|^GEXEC_NATS_URL$")
"""What may be one. A number, and what is on or off, is none, whatever its name."""
_NONE = "none"


def changes() -> Iterator[str]:
    """What has changed since the last start that was remembered, a line each; the first start has no changes."""
    before, now = _read(), _now()
    if not before:
        return
    if before["version"] != VERSION:
        yield f"gexec {VERSION}; the last start was with {before['version']}"
    names = sorted(before["settings"].keys() | now["settings"].keys())
    for name in names:
        old, new = before["settings"].get(name, _NONE), now["settings"].get(name, _NONE)
        if old != new:
            yield f"{name} has changed" + ("" if _is_secret(name) else f": {old}, and now {new}")


def remember() -> None:
    """Keep what this start is like, for its owner alone. Raises OSError."""
    draft = _file().with_suffix(f".{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(_now(), out, indent=1)
        draft.replace(_file())
    finally:
        draft.unlink(missing_ok=True)


def _now() -> dict[str, Any]:
    """The settings as they hold, so that a changed default is told as well."""
    return {"version": VERSION, "settings": {name: _shown(name) for name in sorted(env.names)}}


def _shown(name: str) -> str:
    value = getattr(settings, name, os.environ.get(name))
    text = _NONE if value is None or value == "" else str(value)
    if text == _NONE or not _is_secret(name):
        return text
    return hmac.digest(settings.SECRET_KEY.encode(), f"{name}={text}".encode(), "sha256").hex()[:32]


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not isinstance(getattr(settings, name, None), bool | int | float)


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text())
        return found if isinstance(found["settings"], dict) and isinstance(found["version"], str) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _file() -> Path:
    directory: Path = settings.GEXEC_DATA_DIR
    return directory / FILE
