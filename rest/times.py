"""Times in answers: RFC 3339 in UTC, with milliseconds always: all are of one length and sort as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, overload

from rest_framework import serializers


@overload
def rfc3339(when: datetime) -> str: ...
@overload
def rfc3339(when: None) -> None: ...


def rfc3339(when: datetime | None) -> str | None:
    """`2026-11-25T09:00:00.123Z`; None for None."""
    if when is None:
        return None
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class TimeField(serializers.DateTimeField):
    """A moment. In a request it may have any offset; without one it is taken for UTC."""

    def to_representation(self, value: Any) -> Any:
        """As all times of answers are."""
        return rfc3339(value)
