"""What the benchmark says of two working copies, from figures that are known."""

from __future__ import annotations

from functools import partial

import pytest

from benchmarks import compare, turns
from benchmarks.measure import Figures
from benchmarks.programs import PYTHON
from benchmarks.turns import Subject


def subject(name: str, latencies_ms: list[float], slice_rates: list[float]) -> Subject:
    figures = Figures(latencies_ms, runs=int(sum(slice_rates)), seconds=len(slice_rates), slice_rates=slice_rates)
    return Subject(name, PYTHON, lambda: lambda: None, figures=figures)


def test_ratios_are_of_all_rounds_and_of_each_block() -> None:
    before = subject("before", [10.0, 10, 10, 10, 20, 20, 20, 20], [100.0, 50])
    after = subject("after", [11.0, 11, 10, 10, 20, 20, 30, 30], [90.0, 60])
    row = compare._row("fresh", before, after)
    assert (row["p50_ms"], row["p50_ratio"]) == ([15.0, 15.5], pytest.approx(15.5 / 15))
    assert row["p50_ratios"] == pytest.approx([1.1, 1.0, 1.0, 1.5])
    assert (row["runs_ratio"], row["runs_ratios"]) == (1.0, pytest.approx([0.9, 1.2]))
    line = compare.shown({"before": "there", "rows": [row]}).splitlines()[1]
    assert " ".join(line.split()) == "python fresh 15.00 15.50 1.03 1.00 to 1.50 75.0 75.0 1.00 0.90 to 1.20"


def test_who_comes_first_changes_from_block_to_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_AFTER_FIRST_S", 0)
    turn: list[str] = []
    subjects = [
        Subject(name, PYTHON, lambda: lambda: None, before=partial(turn.append, name)) for name in ("before", "after")
    ]
    turns.run_all(subjects, rounds=8, slices=2, slice_s=0)
    blocks = ["before", "after", "after", "before"] * 2
    assert turn == [*blocks, *blocks[:4]]
    assert [len(one.figures.latencies_ms) for one in subjects] == [8, 8]
