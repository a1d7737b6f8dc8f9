"""Charts as SVG, drawn from numbers: no script, no style of their own, and their numbers as a table below.

Colours are classes (`gexec-of-KIND`), which a style sheet fills in for each theme. A picture is told to those who do
not see it by its title, which says what it shows and how high it goes.

Whatever stands once for each place is put together from what is escaped already: a week has thousands of such pieces,
and format_html looks at each of them again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

WIDE, NARROW, HEIGHT = 900, 440, 180
"""A narrow one stands beside another."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 22
_PLOT_HEIGHT = HEIGHT - _TOP - _BOTTOM
_TICKS = 4
_LABELS = 6
_GAP = 0.2
"""Between bars, of a bar's place."""

Value = float | None
"""None: there is none, which is not the same as nought."""


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a value for each place."""

    name: str
    kind: str
    values: Sequence[Value]

    @property
    def is_empty(self) -> bool:
        return not any(self.values)


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: series over places that lie side by side, such as minutes."""

    name: str
    """Of its elements: unlike that of any other chart on the page."""
    title: str
    place: str
    """What stands over the first column of the table: `minute (UTC)`."""
    places: Sequence[str]
    """Whole, as the table and the tooltips have them."""
    labels: Sequence[str]
    """Short, as the axis has them."""
    series: Sequence[Series]
    shown: Callable[[float], str]
    """A value as people read it."""
    width: int = WIDE

    @property
    def plot_width(self) -> int:
        return self.width - _LEFT - _RIGHT

    @property
    def is_empty(self) -> bool:
        return all(one.is_empty for one in self.series)


def stacked_bars(chart: Chart) -> SafeString:
    """A bar for each place, of the values of all series one upon the other."""
    sums = [sum(value or 0 for value in values) for values in _by_place(chart)]
    top = top_of(max(sums, default=0))
    return _figure(chart, top, max(sums, default=0), _joined(_bars(chart, top)))


def lines(chart: Chart) -> SafeString:
    """A line for each series, which is broken where there is no value."""
    highest = max((value for one in chart.series for value in one.values if value is not None), default=0)
    top = top_of(highest)
    return _figure(chart, top, highest, _joined([*_lines(chart, top), *_tooltips(chart)]))


def top_of(highest: float) -> int:
    """The axis's end: the first round number from `highest` on that has round quarters."""
    step = max(1.0, highest / _TICKS)
    power = 10 ** math.floor(math.log10(step))
    return _TICKS * next(int(part * power) for part in (1, 2, 2.5, 5, 10) if int(part * power) >= step)


def _joined(parts: Iterable[str]) -> SafeString:
    """Of parts in which everything is escaped."""
    return SafeString("".join(parts))


def _by_place(chart: Chart) -> Iterator[tuple[Value, ...]]:
    return zip(*(one.values for one in chart.series), strict=True)


def _x(chart: Chart, place: float) -> float:
    return _LEFT + chart.plot_width * place / max(1, len(chart.places))


def _y(value: float, top: int) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - value / top)


def _bars(chart: Chart, top: int) -> Iterator[str]:
    width = chart.plot_width / max(1, len(chart.places))
    thick = f"{width * (1 - _GAP):.1f}"
    kinds = [escape(one.kind) for one in chart.series]
    for number, (values, told) in enumerate(zip(_by_place(chart), _told(chart), strict=True)):
        if not any(values):
            continue
        upto, parts, left = 0.0, [], f"{_x(chart, number + _GAP / 2):.1f}"
        for kind, value in zip(kinds, values, strict=True):
            if value:
                height, y = _PLOT_HEIGHT * value / top, _y(upto + value, top)
                parts.append(
                    f'<rect class="gexec-of-{kind}" x="{left}" y="{y:.1f}" width="{thick}" height="{height:.1f}"/>'
                )
                upto += value
        yield f"<g>{told}{''.join(parts)}</g>"


def _lines(chart: Chart, top: int) -> Iterator[str]:
    for one in chart.series:
        kind = escape(one.kind)
        for stretch in _stretches(one.values):
            points = [(f"{_x(chart, number + 0.5):.1f}", f"{_y(value, top):.1f}") for number, value in stretch]
            if len(points) == 1:
                ((x, y),) = points
                yield f'<circle class="gexec-of-{kind}" cx="{x}" cy="{y}" r="2.5"/>'
            else:
                path = " ".join(f"{x},{y}" for x, y in points)
                yield f'<polyline class="gexec-of-{kind}" points="{path}"/>'


def _stretches(values: Sequence[Value]) -> Iterator[list[tuple[int, float]]]:
    """Values that stand side by side, each with its place."""
    stretch: list[tuple[int, float]] = []
    for number, value in enumerate(values):
        if value is not None:
            stretch.append((number, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _tooltips(chart: Chart) -> Iterator[str]:
    """A field over each place that has something, which is seen only where a pointer is."""
    size = f'width="{chart.plot_width / max(1, len(chart.places)):.1f}" height="{_PLOT_HEIGHT}"'
    for number, (values, told) in enumerate(zip(_by_place(chart), _told(chart), strict=True)):
        if any(values):
            yield f'<rect class="gexec-field" x="{_x(chart, number):.1f}" y="{_TOP}" {size}>{told}</rect>'


def _told(chart: Chart) -> Iterator[str]:
    """What is said of each place where a pointer is over it."""
    names = [one.name for one in chart.series]
    for place, values in zip(chart.places, _by_place(chart), strict=True):
        told = ", ".join(f"{name} {chart.shown(value)}" for name, value in zip(names, values, strict=True) if value)
        yield f"<title>{escape(f'{place}: {told}')}</title>"


def _figure(chart: Chart, top: int, highest: float, drawn: SafeString) -> SafeString:
    told = f"{chart.title}: " + ("nothing yet" if chart.is_empty else f"up to {chart.shown(highest)}")
    return format_html(
        '<figure class="gexec-chart"><figcaption><h3>{}</h3>{}</figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{name}-title"><title id="{name}-title">{}</title>'
        "{}{}{}</svg>{}</figure>",
        chart.title, _legend(chart), chart.width, HEIGHT, told, _axes(chart, top), drawn, _empty(chart), _table(chart),
        name=chart.name,
    )  # fmt: skip


def _legend(chart: Chart) -> SafeString:
    names = ((one.kind, one.name) for one in chart.series)
    return format_html(
        '<ul class="gexec-legend">{}</ul>',
        format_html_join("", '<li><i class="gexec-of-{}" aria-hidden="true"></i>{}</li>', names),
    )


def _axes(chart: Chart, top: int) -> SafeString:
    heights = [top * tick // _TICKS for tick in range(_TICKS + 1)]
    rules = SafeString("")
    for height in heights:
        y = _y(height, top)
        rules += format_html(
            '<line x1="{}" x2="{}" y1="{y}" y2="{y}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
            _LEFT, chart.width - _RIGHT, _LEFT - 6, f"{y + 4:.1f}", chart.shown(height), y=f"{y:.1f}",
        )  # fmt: skip
    every = max(1, math.ceil(len(chart.labels) / _LABELS))
    below = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (f"{_x(chart, number + 0.5):.1f}", HEIGHT - 6, chart.labels[number])
            for number in range(every // 2, len(chart.labels), every)
        ),
    )
    return format_html('<g class="gexec-axes">{}{}</g>', rules, below)


def _empty(chart: Chart) -> SafeString:
    if not chart.is_empty:
        return SafeString("")
    return format_html(
        '<text class="gexec-empty" x="{}" y="{}" text-anchor="middle">nothing in this time</text>',
        _LEFT + chart.plot_width / 2, _TOP + _PLOT_HEIGHT / 2,
    )  # fmt: skip


def _table(chart: Chart) -> SafeString:
    """The numbers, the newest first; places without any are left out."""
    rows = [
        f'<tr><th scope="row">{escape(place)}</th>{_cells(chart, values)}</tr>'
        for place, values in zip(chart.places, _by_place(chart), strict=True)
        if any(values)
    ]
    return format_html(
        '<details id="{name}-numbers"><summary id="{name}-summary">Numbers</summary>'
        '<div class="gexec-scroll" tabindex="0" role="region" aria-label="{}"><table>'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></div></details>",
        f"Numbers: {chart.title}", chart.place,
        format_html_join("", '<th scope="col" class="gexec-number">{}</th>', ((one.name,) for one in chart.series)),
        _joined(reversed(rows)),
        name=chart.name,
    )  # fmt: skip


def _cells(chart: Chart, values: Sequence[Value]) -> str:
    shown = ("-" if value is None else escape(chart.shown(value)) for value in values)
    return "".join(f'<td class="gexec-number">{text}</td>' for text in shown)
