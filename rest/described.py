"""What fields of our own say of themselves to the schema of the API."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

Schema = dict[str, Any]
"""A JSON schema, of OpenAPI 3.1."""


@runtime_checkable
class Described(Protocol):
    """A field that knows its schema."""

    def described(self) -> Schema:
        """Without title and description, which come from the field's help."""
        ...
