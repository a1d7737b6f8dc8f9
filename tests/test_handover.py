"""What a gunicorn knows of another one that serves in its place."""

from __future__ import annotations

import os

import pytest

from serve import handover
from serve.handover import Line, may_take_long


def test_what_has_begun_may_take_long_from_the_word_to_leave_to_the_word_to_hurry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Line()
    with line.child_end as end:
        monkeypatch.setattr(handover, "_STDIN", end.fileno())
        assert not may_take_long()
        line.leave()
        # It stays said, for every worker and for every request.
        assert may_take_long()
        assert may_take_long()
        line.hurry()
        assert not may_take_long()
    line.close()


def test_nothing_may_take_long_without_a_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    with line.child_end as end:
        monkeypatch.setattr(handover, "_STDIN", end.fileno())
        line.close()
        assert not may_take_long()
    nothing = os.dup(0)
    os.close(nothing)
    monkeypatch.setattr(handover, "_STDIN", nothing)
    assert not may_take_long()
