"""The admin's page of periodic work: when each task ran, what came of it, and a run at once."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from periodic import running
from periodic.models import PeriodicTask
from periodic.tasks import registered
from rest.display import badge, duration, moment


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Nothing is added, changed or deleted here; a task may be asked for."""

    list_display = ("name", "what", "state", "last_run", "took", "done", "every", "next_run", "last_error")
    list_display_links = None
    actions = ("run_now",)
    ordering = ("name",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        return False

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Who may see what is done may ask for it only where a change was granted."""
        return bool(request.user.has_perm("periodic.change_periodictask"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        """Those that there are: a row of one that an earlier version had says nothing."""
        rows: QuerySet[PeriodicTask] = super().get_queryset(request)
        return rows.filter(name__in=registered())

    @admin.action(description="Run now", permissions=["run"])
    def run_now(self, request: HttpRequest, rows: QuerySet[PeriodicTask]) -> None:
        """A server process that is free for it begins within a second or two."""
        asked = running.ask_for(list(rows.values_list("name", flat=True)))
        self.message_user(request, f"{asked} begin within two seconds; what runs now runs once more after that.")

    @admin.display(description="what it does")
    def what(self, row: PeriodicTask) -> str:
        return registered()[row.name].what

    @admin.display(description="state")
    def state(self, row: PeriodicTask) -> SafeString:
        if row.began_at is None:
            return badge("has not run", "busy")
        if row.ended_at is None:
            return badge("runs", "busy")
        return badge("failed", "bad") if row.has_failed else badge("ok", "good")

    @admin.display(description="last run", ordering="began_at")
    def last_run(self, row: PeriodicTask) -> SafeString | str:
        return format_html('<span title="{}">{}</span>', row.ran_in, moment(row.began_at)) if row.began_at else "-"

    @admin.display(description="took", ordering="took_ms")
    def took(self, row: PeriodicTask) -> str:
        return duration(row.took_ms)

    @admin.display(description="every")
    def every(self, row: PeriodicTask) -> str:
        return duration(registered()[row.name].every_s * 1000)

    @admin.display(description="next run", ordering="next_at")
    def next_run(self, row: PeriodicTask) -> str:
        return moment(row.next_at)

    @admin.display(description="last error", ordering="failed_at")
    def last_error(self, row: PeriodicTask) -> str:
        return f"{moment(row.failed_at)}: {row.error}" if row.failed_at else "-"
