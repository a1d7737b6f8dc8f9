"""The waits of the tests end with what came, or say what they saw instead."""

from __future__ import annotations

import itertools

import pytest

from testkit.waiting import NotInTime, eventually, last_seen


def test_what_was_waited_for_is_returned() -> None:
    numbers = itertools.count()
    assert eventually(lambda: next(numbers), until=lambda number: number == 3, every_s=0) == 3


def test_what_was_seen_last_is_told_where_nothing_comes() -> None:
    with pytest.raises(NotInTime, match=r"after 0.05 s it was still \['left'\]"):
        eventually(lambda: ["left"], until=lambda left: not left, within_s=0.05)
    assert last_seen(lambda: ["left"], until=lambda left: not left, within_s=0.05) == ["left"]


def test_it_is_looked_once_where_there_is_no_time() -> None:
    assert eventually(lambda: "there", within_s=0) == "there"
