"""The admin's list of callers: what each has stored, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils import timezone

from clients.models import Client
from executions.models import CallerStorage
from executions.storage import KEPT_DAYS
from rest.display import size


class DayFilter(admin.SimpleListFilter):
    """One day, today unless another is chosen: what is sorted is the callers of that day."""

    title = "day (UTC)"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """As many as are kept."""
        today = timezone.now().date()
        return [(str(today - timedelta(days=back)), f"{today - timedelta(days=back)}") for back in range(KEPT_DAYS + 1)]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """The days, and no choice of all of them."""
        for day, display in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: day})
            yield {"selected": day == self._day(), "query_string": query, "display": display}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(day=self._day())

    def _day(self) -> str:
        known = [str(day) for day, _ in self.lookup_choices]
        return str(self.value()) if self.value() in known else known[0]


class CallerStorageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Who fills the disk. Nothing can be changed here."""

    list_display = ("caller_shown", "executions", "kept", "not_kept")
    list_display_links = None
    list_filter = (DayFilter,)
    ordering = ("-kept_bytes", "-unkept_bytes", "caller")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CallerStorage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallerStorage | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == DayFilter.parameter_name

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallerStorage]:
        """With the names of clients."""
        rows: QuerySet[CallerStorage] = super().get_queryset(request)
        named = Client.objects.annotate(caller=Concat(Value("client "), Cast("id", CharField())))
        return rows.annotate(client_name=Subquery(named.filter(caller=OuterRef("caller")).values("name")[:1]))

    @admin.display(description="caller", ordering="caller")
    def caller_shown(self, row: CallerStorage) -> str:
        name = getattr(row, "client_name", None)
        return f"{row.caller}{f' ({name})' if name else ''}"

    @admin.display(description="kept", ordering="kept_bytes")
    def kept(self, row: CallerStorage) -> str:
        return size(row.kept_bytes)

    @admin.display(description="not kept", ordering="unkept_bytes")
    def not_kept(self, row: CallerStorage) -> str:
        return size(row.unkept_bytes) if row.unkept_bytes else "-"
