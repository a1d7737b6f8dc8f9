"""Fields of JSON bodies that take their own type alone: DRF's take what looks like it, which a schema forbids."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rest.described import Schema


class Text(serializers.CharField):
    """A string; a number is none."""

    default_error_messages = {"invalid": "must be a string"}

    def to_internal_value(self, data: Any) -> str:
        """DRF's, of a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.Field[Any, Any, Any, Any]):
    """true or false, and nothing that looks like it."""

    default_error_messages = {"invalid": "must be true or false"}

    def described(self) -> Schema:
        """Nothing else."""
        return {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data
