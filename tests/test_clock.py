"""A clock that goes back, or leaps, disturbs no order and no limit."""

from __future__ import annotations

import re
import time

import pytest

from rest.ids import moment_of, uuid7
from testkit.servers import PROJECT

HOUR_NS = 3_600 * 10**9


def test_ids_go_on_growing_where_the_clock_goes_back_and_forth(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    made = [uuid7()]
    for wrong_by in (-HOUR_NS, -24 * HOUR_NS, 0, HOUR_NS, -HOUR_NS):
        monkeypatch.setattr(time, "time_ns", lambda wrong_by=wrong_by: now + wrong_by)
        made += [uuid7(), uuid7()]
    assert made == sorted(set(made))
    # A leap forward stays in what came after it, until the clock has come there itself.
    assert moment_of(made[-1]) >= moment_of(made[-3])


@pytest.mark.parametrize("room", ["sandbox", "dispatch"])
def test_nothing_that_is_limited_asks_a_clock_that_can_leap(room: str) -> None:
    leaping = re.compile(r"time\.time(_ns)?\(|datetime\.now\(|timezone\.now\(")
    files = [file for file in (PROJECT / room).rglob("*.py") if "migrations" not in file.parts]
    assert [file.name for file in files if leaping.search(file.read_text())] == []
