"""Which server the command asks, and with which key: from options, the environment, or a file of the user's own.

The file has a key for each server. A key from it goes to the very server that it stands below, and to no other.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gexec_client.transport import DEFAULT_SERVER, KEY_VARIABLE, SERVER_VARIABLE, Place

FILE_VARIABLE = "GEXEC_CONFIG"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class BadSettings(Exception):
    """They cannot be used; the text says why, and never has a key."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What the file has."""

    server: str | None
    keys: Mapping[str, str] = field(repr=False)


def path() -> Path:
    """Where the file is."""
    if named := os.environ.get(FILE_VARIABLE):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "gexec" / "config.toml"


def place(server: str | None, key: str | None) -> Place:
    """What holds: an option before the environment before the file. Raises BadSettings."""
    saved = read()
    server = server or os.environ.get(SERVER_VARIABLE) or saved.server or DEFAULT_SERVER
    given = key or os.environ.get(KEY_VARIABLE)
    try:
        found = Place.given(server, given or "")
        return found if given else Place.given(server, saved.keys.get(found.server, ""))
    except ValueError as error:
        raise BadSettings(str(error)) from None


def read() -> Saved:
    """The file, or nothing where there is none. Raises BadSettings where others may read it."""
    try:
        with path().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            told = tomllib.load(file)
    except FileNotFoundError:
        return Saved(None, {})
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path()} cannot be read: {type(error).__name__}") from None
    keys = {str(name): str(each.get("key", "")) for name, each in _tables(told.get("servers"))}
    if os.name == "posix" and mode & _OTHERS and any(keys.values()):
        raise BadSettings(f"others may read {path()}, which has keys: chmod 600 {path()}")
    server = told.get("server")
    return Saved(server if isinstance(server, str) else None, keys)


def save(saved: Saved) -> Path:
    """Write the file, whole or not at all, for the user alone. Raises BadSettings."""
    target = path()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes it 0600 from its first moment on.
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".config-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_toml(saved))
            Path(name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise BadSettings(f"{target} cannot be written: {error.strerror}") from None
    return target


def _tables(servers: Any) -> list[tuple[str, Mapping[str, Any]]]:
    known = servers.items() if isinstance(servers, dict) else ()
    return [(name, each) for name, each in known if isinstance(each, dict)]


def _toml(saved: Saved) -> str:
    # A string of JSON in ASCII is one of TOML.
    lines = [f"server = {json.dumps(saved.server)}\n"] if saved.server else []
    lines += [f"\n[servers.{json.dumps(name)}]\nkey = {json.dumps(key)}\n" for name, key in saved.keys.items() if key]
    return "".join(lines)
