"""The admin's front page: how the service does, as tiles, charts and tables, for those who may see executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from dispatch import active
from executions import backlog
from executions.models import Period
from executions.outcomes import Outcome
from executions.overview import (
    GROUPS,
    LAST_REFUSALS,
    SPANS,
    Overview,
    Span,
    busiest_clients,
    last_failures,
    overview,
    refusals,
    together,
)
from executions.totals import Histogram
from rest import charts, disk
from rest.display import duration, moment, size, visible
from sandbox.errors import SandboxError

SEEN_BY = "executions.view_execution"
_USUAL = "1h"
_WHOLE = {Period.MINUTE: "%Y-%m-%d %H:%M UTC", Period.HOUR: "%Y-%m-%d %H:%M UTC", Period.DAY: "%Y-%m-%d (UTC)"}
_STATES = {"ok": ("ok", "good"), "low": ("nearly full", "warn"), "full": ("full", "bad"), "down": ("down", "bad")}
_LONGEST_ERROR = 160


class Tile(NamedTuple):
    """A number that is read from afar."""

    title: str
    value: str
    note: str = ""
    kind: str = ""
    """`good`, `warn` or `bad`, where it is one of these."""


_ISOLATIONS = {
    "cell": Tile("Isolation", "cells", "one for each execution", "good"),
    "refused": Tile("Isolation", "containers", "the host refuses cells", "warn"),
    "not_known": Tile("Isolation", "not known yet", "cells are asked for"),
}
"""By what /readyz tells."""


class Line(NamedTuple):
    """A row of a table; the first cell may lead somewhere."""

    cells: Sequence[str]
    url: str = ""


def span_of(request: HttpRequest) -> Span:
    """The one that the address asks for, or an hour."""
    return SPANS.get(request.GET.get("range", ""), SPANS[_USUAL])


def context_for(request: HttpRequest, parts: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows of a span; `parts` are the states that /readyz tells. For those who may see executions."""
    span, now = span_of(request), timezone.now()
    found = overview(span, now)
    wall, queue = together(found.wall), together(found.queue)
    return {
        "span": span,
        "spans": SPANS.values(),
        "told_at": moment(now),
        "tiles": [*_counted(found, wall, queue), *_capacity(), *_parts(parts)],
        "charts": _charts(found),
        "failures": [
            Line(
                (moment(row.finished_at), row.language_slug or "-", visible(row.error[:_LONGEST_ERROR].encode())),
                reverse("admin:executions_execution_change", args=[row.pk]),
            )
            for row in last_failures()
        ],
        "refusals": [(visible(reason.encode()), f"{count:,}") for reason, count in refusals(found.places[0])],
        "most_refusals": LAST_REFUSALS,
        "languages": [
            Line((each.slug, f"{each.executions:,}", _share(each.failed, each.executions), f"{each.ours:,}"), url)
            for each in found.languages
            for url in [_list(language_slug=each.slug)]
        ],
        "list_of_failures": _list(outcome__exact=Outcome.SANDBOX_ERROR),
        **_clients(request, found),
    }


def _clients(request: HttpRequest, found: Overview) -> dict[str, Any]:
    """Names of clients are for those who may see clients."""
    if not request.user.has_perm("clients.view_client"):
        return {}
    first = found.places[0]
    return {
        "clients_since": f"{first:%Y-%m-%d}",
        "clients": [
            Line(
                (visible(each.name.encode()), f"{each.executions:,}", f"{each.cpu_ms / 1000:,.1f} s"),
                _list(client_id=each.id),
            )
            for each in busiest_clients(first)
        ],
    }


def _list(**chosen: object) -> str:
    return f"{reverse('admin:executions_execution_changelist')}?{urlencode(chosen)}"


def _counted(found: Overview, wall: Histogram, queue: Histogram) -> list[Tile]:
    run, ours = found.run_today, found.ours_today
    within = f"in the last {found.span.title}"
    return [
        Tile("Executions today", f"{run:,}", "since 00:00 UTC"),
        Tile("Errors of ours today", _share(ours, run), f"{ours:,} of {run:,}", "bad" if ours else ""),
        Tile("Wall time p50 / p95", _quantiles(wall), within),
        Tile("Waited p50 / p95", _quantiles(queue), f"for a slot, {within}"),
    ]


def _quantiles(histogram: Histogram) -> str:
    half, most = histogram.quantile(0.5), histogram.quantile(0.95)
    if half is None:
        return "-"
    # One unit is enough where both have the same.
    (number, unit), high = duration(half).split(" "), duration(most)
    return f"{number if high.endswith(f' {unit}') else f'{number} {unit}'} / {high}"


def _capacity() -> list[Tile]:
    """Of this server process, but for the backlog."""
    try:
        now = active.backend().capacity()
    except SandboxError:
        return [Tile("Slots in use", "-", "the pool does not answer", "bad")]
    waiting, rows = now.waiting, backlog.waiting()
    return [
        Tile("Slots in use", f"{now.in_use} of {now.slots}", "", "warn" if now.in_use >= now.slots else ""),
        Tile("Queue", f"{waiting + rows:,}", f"{waiting:,} for a slot, {rows:,} in the backlog"),
        Tile("Warm containers", f"{sum(now.warm.values()):,}", _warm_note(now.warm)),
    ]


def _warm_note(warm: Mapping[Any, int]) -> str:
    kinds = sum(1 for count in warm.values() if count)
    return f"of {kinds} kind{'' if kinds == 1 else 's'}" if kinds else "none is ready"


def _parts(parts: Mapping[str, str]) -> list[Tile]:
    def state(title: str, name: str, note: str = "") -> Tile:
        word, kind = _STATES.get(parts.get(name, "down"), ("down", "bad"))
        return Tile(title, word, note, kind)

    free = "" if settings.DATABASE_URL else f"{size(disk.free_bytes())} free"
    return [state("Docker", "engine"), state("Database", "database"), state("Disk", "disk", free), *_isolation(parts)]


def _isolation(parts: Mapping[str, str]) -> list[Tile]:
    """Nothing where every execution has a container of its own, as ever."""
    return [_ISOLATIONS[parts["isolation"]]] if parts.get("isolation") in _ISOLATIONS else []


def _share(part: int, whole: int) -> str:
    if not whole or not part:
        return "0 %" if whole else "-"
    share = 100 * part / whole
    return "< 0.1 %" if share < 0.1 else f"{share:.1f} %"


def _charts(found: Overview) -> list[str]:
    ended = charts.Chart(
        "ended",
        f"Executions by outcome, each {found.span.period.label.lower()}",
        *_axis(found),
        [charts.Series(group.name, group.kind, found.groups[group.kind]) for group in GROUPS],
        lambda value: f"{value:,.0f}",
    )
    return [
        charts.stacked_bars(ended),
        charts.lines(_times(found, "wall", "Wall time of programs", found.wall)),
        charts.lines(_times(found, "queue", "Time waited for a slot", found.queue)),
        charts.lines(_slots(found)),
    ]


def _times(found: Overview, name: str, title: str, histograms: Sequence[Histogram]) -> charts.Chart:
    return charts.Chart(
        name,
        title,
        *_axis(found),
        [
            charts.Series("p50", "half", [one.quantile(0.5) for one in histograms]),
            charts.Series("p95", "most", [one.quantile(0.95) for one in histograms]),
        ],
        duration,
        charts.NARROW,
    )


def _slots(found: Overview) -> charts.Chart:
    """From what ran: no process needs to note how many of its slots are in use."""
    return charts.Chart(
        "slots",
        "Slots in use, on average",
        *_axis(found),
        [charts.Series("slots", "half", found.in_use)],
        lambda value: f"{value:.2f}" if 0 < value < 10 and value != int(value) else f"{value:,.0f}",
    )


def _axis(found: Overview) -> tuple[str, list[str], list[str]]:
    period, places = found.span.period, found.places
    short = "%H:%M" if places[-1] - places[0] < timedelta(days=1) else "%d %b"
    return (
        f"{period.label} (UTC)",
        [place.strftime(_WHOLE[period]) for place in places],
        [place.strftime(short) for place in places],
    )
