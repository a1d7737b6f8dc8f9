"""Charts are SVG that says what it shows: to eyes, to those who cannot see it, and in numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from rest.charts import HEIGHT, WIDE, Chart, Series, lines, stacked_bars, top_of


def chart(*values: list[float | None], title: str = "Things, each minute") -> Chart:
    places = [f"08:0{number}" for number in range(len(values[0]))]
    series = [Series(f"s{number}", f"k{number}", each) for number, each in enumerate(values)]
    return Chart("things", title, "Minute (UTC)", places, places, series, lambda value: f"{value:g}")


def numbers(drawn: str, name: str, kind: str = "") -> list[float]:
    of = f'class="gexec-of-{kind}"' if kind else ""
    return [float(found) for found in re.findall(rf'<rect {of}[^>]* {name}="([\d.-]+)"', drawn)]


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (21, 40), (98, 100), (900, 1000), (4_000_001, 8_000_000)],
)  # fmt: skip
def test_the_axis_ends_at_a_round_number(highest: float, top: int) -> None:
    assert top_of(highest) == top


def test_bars_are_as_high_as_their_values_and_stand_on_each_other() -> None:
    drawn = stacked_bars(chart([1, 0, 2], [3, 0, None]))
    assert numbers(drawn, "height", "k0")[1] == 2 * numbers(drawn, "height", "k0")[0]
    (low, _), (high, *_) = numbers(drawn, "y", "k0"), numbers(drawn, "y", "k1")
    assert high + numbers(drawn, "height", "k1")[0] == pytest.approx(low, abs=0.15)
    # What is nothing is not drawn: two places, three parts.
    assert (drawn.count("<g><title>"), drawn.count("<rect")) == (2, 3)
    assert "<title>08:00: s0 1, s1 3</title>" in drawn
    assert "<title>08:02: s0 2</title>" in drawn


def test_a_line_is_broken_where_there_is_no_value() -> None:
    drawn = lines(chart([1, 2, None, 4, None], [None, None, None, None, 8]))
    assert drawn.count("<polyline") == 1
    assert drawn.count("<circle") == 2


@pytest.mark.parametrize("draw", [stacked_bars, lines])
def test_a_chart_is_well_formed_and_stays_within_itself(draw: object) -> None:
    assert callable(draw)
    drawn = draw(chart([1, 900, None, 17], [0, 99, 3, None]))
    picture = ElementTree.fromstring(re.search("<svg.*</svg>", drawn, re.DOTALL)[0])  # type: ignore[index]  # it is there
    for part in picture.iter():
        for name, most in (("x", WIDE), ("x1", WIDE), ("x2", WIDE), ("cx", WIDE), ("y", HEIGHT), ("cy", HEIGHT)):
            assert 0 <= float(part.get(name, 0)) <= most
    # Nothing that a strict policy would refuse.
    assert not re.search(r"style|script| on\w+=", drawn)


def test_it_is_told_to_those_who_do_not_see_it() -> None:
    drawn = stacked_bars(chart([1, 0, 2], [3, 0, 4]))
    assert 'role="img" aria-labelledby="things-title"><title id="things-title">Things, each minute: up to 6<' in drawn
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', drawn)
    # The newest first; an empty minute is left out.
    assert [(place, re.findall(r">([^<]+)</td>", cells)) for place, cells in rows] == [
        ("08:02", ["2", "4"]),
        ("08:00", ["1", "3"]),
    ]


@pytest.mark.parametrize("draw", [stacked_bars, lines])
@pytest.mark.parametrize("values", [[], [None, None], [0, 0]])
def test_an_empty_one_says_so(draw: object, values: list[float | None]) -> None:
    assert callable(draw)
    drawn = draw(chart(values))
    assert "Things, each minute: nothing yet" in drawn
    assert "nothing in this time" in drawn


def test_names_are_text() -> None:
    drawn = lines(chart([1, 2], title="<b>&"))
    assert "<b>" not in drawn
    assert "&lt;b&gt;&amp;" in drawn
