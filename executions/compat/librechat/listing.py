"""What a session has, in the detail that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from types import MappingProxyType
from typing import Any

from executions.compat.librechat.models import SessionFile
from executions.compat.librechat.names import extension_of


def listed(rows: Iterable[SessionFile], detail: str) -> list[Any]:
    """One entry for each; an unknown detail is `simple`."""
    tell = _DETAILS.get(detail, _simple)
    return [tell(row) for row in rows]


def described(row: SessionFile) -> dict[str, Any]:
    """All that is known of one."""
    return {
        "name": _key(row),
        "originalFilename": row.name,
        "size": row.bytes,
        "lastModified": _moment(row),
        "etag": _etag(row),
        "contentType": row.media_type,
        "readOnly": row.read_only,
    }


def _simple(row: SessionFile) -> str:
    return _key(row)


def _summary(row: SessionFile) -> dict[str, Any]:
    return {"name": _key(row), "size": row.bytes, "lastModified": _moment(row), "etag": _etag(row)}


def _full(row: SessionFile) -> dict[str, Any]:
    metadata = {
        "content-type": row.media_type,
        "original-filename": row.name,
        "original-filename-encoded": "none",
        **({"read-only": "true"} if row.read_only else {}),
    }
    return _summary(row) | {"metadata": metadata, "versionId": None, "contentType": row.media_type}


def _normalized(row: SessionFile) -> dict[str, Any]:
    told = {
        "id": row.file,
        "name": row.name,
        "storage_session_id": row.session,
        "size": row.bytes,
        "contentType": row.media_type,
        "lastModified": _moment(row),
    }
    return told | ({"read_only": True} if row.read_only else {})


_DETAILS: Mapping[str, Callable[[SessionFile], Any]] = MappingProxyType(
    {"simple": _simple, "summary": _summary, "full": _full, "normalized": _normalized}
)


def _key(row: SessionFile) -> str:
    return f"{row.session}/{row.file}{extension_of(row.name)}"


def _etag(row: SessionFile) -> str:
    return row.digest[:32]


def _moment(row: SessionFile) -> str:
    return row.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
