"""What clients and keys have used, as the admin shows it: of a whole page in one statement, beside the quotas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from clients import usage
from clients.models import Client, Key
from rest.display import badge, duration

_LITTLE = 0.2
"""Of a quota: from there on it is told in another colour."""


class ListedTogether(ChangeList):
    """A list whose rows know the whole page: what each has used is one question for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """Read once, whoever looks at them."""
        super().get_results(request)
        rows = list(self.result_list)
        for row in rows:
            row.gexec_page = rows
        self.result_list = rows


class RecentUse:
    """Of the clients and keys of one page, asked for at its first row."""

    def __init__(self, client_id: Callable[[Any], UUID]) -> None:
        self._client_id = client_id
        self._found: usage.RecentUse | None = None

    def of_client(self, client: Client) -> usage.Recent:
        return self._of_page(client).clients.get(client.pk, usage.Recent())

    def of_key(self, key: Key) -> usage.Recent:
        return self._of_page(key).keys.get(key.prefix, usage.Recent())

    def _of_page(self, row: Any) -> usage.RecentUse:
        if self._found is None:
            ids = {self._client_id(each) for each in getattr(row, "gexec_page", [row])}
            self._found = usage.recent(ids, today())
        return self._found


def recently(used: usage.Recent) -> tuple[str, str]:
    return f"{used.executions_today:,}", f"{used.executions_week:,}"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> SafeString:
    cells = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in head))
    lines = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    return format_html('<table class="gexec-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', cells, lines)


def left_of(used: float, limit: float | None) -> str:
    return "-" if limit is None else f"{max(0, limit - used):,.0f}"


def cpu_left(day_s: float, month_s: float, client: Client) -> str:
    """The nearer one of two ends."""
    each = ((client.cpu_s_day, day_s), (client.cpu_s_month, month_s))
    left = [max(0.0, limit - used) for limit, used in each if limit is not None]
    return duration(min(left) * 1000) if left else "-"


def nearest_end(client: Client, used: usage.Recent) -> SafeString:
    """How much is left of the quota of which the smallest part is; of what has ended."""
    each = (
        ("executions", client.executions_day, float(used.executions_today)),
        ("CPU today", client.cpu_s_day, used.cpu_ms_today / 1000),
        ("CPU this month", client.cpu_s_month, used.cpu_ms_month / 1000),
    )
    parts = [(max(0.0, 1 - spent / limit) if limit else 0.0, name) for name, limit, spent in each if limit is not None]
    if not parts:
        return format_html('<span class="gexec-nothing">{}</span>', "none")
    left, name = min(parts)
    return badge(f"{left:.0%} left: {name}", "bad" if left == 0 else "warn" if left < _LITTLE else "good")


def today() -> date:
    return timezone.now().date()


def of_quota(used: str, limit: int | None) -> str:
    return used if limit is None else f"{used} of {limit}"


def cpu_of_quota(used_s: float, limit_s: int | None) -> str:
    return of_quota(duration(used_s * 1000), limit_s) + ("" if limit_s is None else " s")
