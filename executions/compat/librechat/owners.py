"""Whose a session is among all that one key of LibreChat's asks for: a person's, or a thing's that several share.

A session that was made for one is opened for no other, whoever has its id: kind, id and version have to be those of the
upload. A person is who the token names; a plain key names nobody, and all that it brings is one person's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

KINDS = ("skill", "agent", "user")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class BadOwner(ValueError):
    """Kind, id and version do not go together; the text says why."""


def scope_of(kind: object, resource: object, version: object, *, person: str) -> str:
    """As rows have it. Clients from before kinds send none, and mean the person. Raises BadOwner."""
    if kind is None or kind == "":
        kind = "user"
    if kind not in KINDS:
        raise BadOwner(f"kind must be one of: {', '.join(KINDS)}")
    if kind == "user":
        if version not in (None, ""):
            raise BadOwner("version is only valid for kind: 'skill'")
        return f"user:{person}"
    if not isinstance(resource, str) or not resource:
        raise BadOwner(f"id is required for kind: '{kind}'")
    if not _ID.fullmatch(resource):
        raise BadOwner("id is invalid")
    if kind == "agent":
        if version not in (None, ""):
            raise BadOwner("version is only valid for kind: 'skill'")
        return f"agent:{resource}"
    return f"skill:{resource}:v:{_version(version)}"


def scope_in(fields: Mapping[str, Any], *, person: str) -> str:
    """Of a form or a query. Raises BadOwner."""
    return scope_of(fields.get("kind"), fields.get("id"), fields.get("version"), person=person)


def _version(version: object) -> str:
    if version in (None, ""):
        raise BadOwner("version is required for kind: 'skill'")
    try:
        number = math.nan if isinstance(version, bool) else float(str(version))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadOwner("version must be a number for kind: 'skill'")
    return f"{number:.17g}"
