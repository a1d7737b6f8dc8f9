"""Times in answers are of one length, in UTC, with milliseconds always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rest.times import TimeField, rfc3339


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 11, 25, 9, tzinfo=UTC), "2026-11-25T09:00:00.000Z"),
        (datetime(2026, 11, 25, 9, 0, 0, 123_999, UTC), "2026-11-25T09:00:00.123Z"),
        (datetime(2026, 11, 25, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-11-24T20:00:00.000Z"),
    ],
)
def test_a_time_as_text(when: datetime, text: str) -> None:
    assert rfc3339(when) == TimeField().to_representation(when) == text


def test_no_time() -> None:
    assert rfc3339(None) is None


def test_a_time_of_a_request_may_have_any_offset() -> None:
    for text in ("2026-11-25T09:00:00Z", "2026-11-25T10:00:00+01:00", "2026-11-25T09:00:00"):
        assert rfc3339(TimeField().run_validation(text)) == "2026-11-25T09:00:00.000Z"
