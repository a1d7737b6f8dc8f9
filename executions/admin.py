"""The admin's view of executions: read-only, quick at millions of rows."""

from __future__ import annotations

import shlex
from functools import cached_property
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from clients.models import Client
from executions import services
from executions.admin_filters import (
    LOOKUPS,
    ClientFilter,
    CreatedFilter,
    DoorFilter,
    EndingFilter,
    ExecutionList,
    LanguageFilter,
)
from executions.admin_parts import (
    artifacts_shown,
    content_shown,
    ending_badge,
    files_shown,
    grading_shown,
    runs_in,
    runs_shown,
    tests_shown,
    verdict_badge,
)
from executions.admin_storage import CallerStorageAdmin
from executions.doors import title_of
from executions.grading.asked import Grading
from executions.jobs import grading_in, limits_in
from executions.limits_met import limit_met
from executions.models import OPEN, CallerStorage, Execution, Status, Store
from executions.outcomes import Outcome
from executions.results import StepRecord, step_in, steps_in
from executions.signals import described
from languages.options import MIB
from languages.programs import COMPILE, RUN
from rest import disk
from rest.display import badge, code_block, duration, facts, moment, nothing, output_block, size

COUNTED_ROWS = 10_000
"""200 pages of the list, and few enough to be counted at each of them."""
_HEAVY = ("source", "stdin", "job", "steps", "output", "tests", "artifacts")


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Counts no further than COUNTED_ROWS: older rows are found by filters or by their id."""

    @cached_property
    def count(self) -> int:
        """Rows, or COUNTED_ROWS where there are more."""
        rows = cast("QuerySet[Any]", self.object_list)
        # In the list's order: without one, the planner may look for rows of a filter all over the table.
        return rows[:COUNTED_ROWS].count()


@admin.register(Execution)
class ExecutionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Nothing can be added, changed or deleted here: a row tells what happened."""

    list_display = ("short_id", "created", "language_shown", "ending", "who", "times", "memory", "exit_code")
    list_filter = (("outcome", EndingFilter), LanguageFilter, ClientFilter, DoorFilter, ("created_at", CreatedFilter))
    list_per_page = 50
    actions = ("cancel",)
    show_full_result_count = False
    sortable_by = ("short_id", "created")
    show_facets = admin.ShowFacets.NEVER  # They count every row for every choice.
    paginator = CappedPaginator
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "The whole id of an execution, as in the X-Execution-Id header."

    class Media:
        css: ClassVar = {"all": ("rest/admin.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Who may see programs that run may end them only where a change was granted."""
        return bool(request.user.has_perm("executions.change_execution"))

    @admin.action(description="Cancel those that wait or run", permissions=["cancel"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Execution]) -> None:
        """They have ended within a second, whichever server process has them."""
        asked = services.cancel_all(rows=Execution.objects.filter(pk__in=list(rows.values_list("pk", flat=True))))
        self.message_user(request, f"{asked} are cancelled; the others had ended." if asked else "All had ended.")

    def has_change_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """The list leaves the large columns in the database."""
        rows: QuerySet[Execution] = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer(*_HEAVY) if match and match.url_name == "executions_execution_changelist" else rows

    def get_fieldsets(self, request: HttpRequest, obj: Execution | None = None) -> Any:
        """Only what this execution has."""
        if obj is None:
            return ()
        graded, compiled = _grading(obj) is not None, step_in(obj, COMPILE) is not None
        several = len(runs_in(steps_in(obj))) > 1
        sections = (
            (None, ("ending", "error_shown", "summary"), True),
            ("Program", ("source_shown",), True),
            ("Tests", ("grading_shown", "tests_shown"), graded),
            ("Output", (*(("runs_shown",) if several else ()), "stdout_shown", "stderr_shown"), not graded),
            ("Artifacts", ("artifacts_shown",), bool(obj.artifacts)),
            ("Compiler", ("compiler_shown",), compiled),
            ("Input", ("stdin_shown", "arguments_shown", "environment_shown"), True),
            ("Origin", ("origin",), True),
        )
        return tuple(
            (title, {"fields": names, "classes": ("collapse",) if title == "Input" else ()})
            for title, names, there in sections
            if there
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ExecutionList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if (room := disk.room()) is not disk.Room.OK:
            self.message_user(request, _DISK[room], "warning")
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """What the filters ask for: any other look-up in the address would read every row."""
        return lookup in LOOKUPS

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By id alone: any other search would read every row."""
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            self.message_user(request, "That is no execution id.", "warning")
            return queryset.none(), False

    @admin.display(description="id", ordering="id")
    def short_id(self, row: Execution) -> SafeString:
        return format_html("<code>{}</code>", f"{str(row.pk)[:8]}…{str(row.pk)[-6:]}")

    @admin.display(description="created", ordering="id")
    def created(self, row: Execution) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="language")
    def language_shown(self, row: Execution) -> str:
        return row.language_slug or "-"

    @admin.display(description="ended")
    def ending(self, row: Execution) -> SafeString:
        if row.status == Status.FINISHED:
            ended = ending_badge(Outcome(row.outcome), row.signal)
            if row.verdict in ("", row.outcome):
                return ended
            judged = verdict_badge(row.verdict)
            return judged if row.outcome == Outcome.OK else format_html("{} {}", ended, judged)
        return badge(row.get_status_display().lower(), "bad" if row.status == Status.REJECTED else "busy")

    @admin.display(description="wall / CPU")
    def times(self, row: Execution) -> str:
        return f"{duration(row.wall_ms)} / {duration(row.cpu_ms)}"

    @admin.display(description="memory")
    def memory(self, row: Execution) -> str:
        return size(row.peak_memory_bytes)

    @admin.display(description="client")
    def who(self, row: Execution) -> str:
        """Its client, as the list has looked it up; else the address."""
        if row.client_id is None:
            return row.client_address or "-"
        return getattr(row, "client_name", None) or str(row.client_id)

    @admin.display(description="error")
    def error_shown(self, row: Execution) -> SafeString:
        text = row.error or limit_met(row)
        return format_html('<strong class="gexec-error">{}</strong>', text) if text else nothing()

    @admin.display(description="used / allowed")
    def summary(self, row: Execution) -> SafeString:
        limits, asked, compiled = limits_in(row.job, RUN), row.job.get("limits") or {}, step_in(row, COMPILE)
        # Each test has the limits for itself; the row has the times of all of them.
        each = " (each test)" if _grading(row) else ""
        score = row.score or {}
        return facts(
            [
                *([("tests", f"{score['passed']} of {score['total']} passed")] if score else []),
                *([("points", f"{score['points']:g} of {score['max_points']:g}")] if score else []),
                ("exit code", "-" if row.exit_code is None else str(row.exit_code)),
                ("signal", described(row.signal) if row.signal else "-"),
                ("wall time", _of(duration(row.wall_ms), duration(limits.get("wall_ms")), each)),
                ("CPU time", _of(duration(row.cpu_ms), duration(asked.get("cpu_ms")), each)),
                ("peak memory", _of(size(row.peak_memory_bytes), _megabytes(limits.get("memory_bytes")))),
                ("waited for a slot", duration(row.queue_ms)),
                ("compiled in", duration(compiled.wall_ms if compiled else None)),
                ("processes allowed", str(row.job.get("profile", {}).get("processes", "-"))),
                *([("capped for its client", ", ".join(asked["capped"]))] if asked.get("capped") else []),
            ]
        )

    @admin.display(description="")
    def source_shown(self, row: Execution) -> SafeString:
        return _unkept(row) or files_shown(row)

    @admin.display(description="judged by")
    def grading_shown(self, row: Execution) -> SafeString:
        grading = _grading(row)
        return grading_shown(grading) if grading else nothing()

    @admin.display(description="")
    def tests_shown(self, row: Execution) -> SafeString:
        grading = _grading(row)
        return tests_shown(row, grading, steps_in(row)) if grading else nothing()

    @admin.display(description="runs")
    def runs_shown(self, row: Execution) -> SafeString:
        return runs_shown(runs_in(steps_in(row)))

    @admin.display(description="")
    def artifacts_shown(self, row: Execution) -> SafeString:
        return artifacts_shown(row)

    @admin.display(description="stdout")
    def stdout_shown(self, row: Execution) -> SafeString:
        run = _telling_run(row)
        return _unkept(row) or (output_block(run.stdout, truncated=run.stdout_truncated) if run else nothing())

    @admin.display(description="stderr")
    def stderr_shown(self, row: Execution) -> SafeString:
        run = _telling_run(row)
        return _unkept(row) or (output_block(run.stderr, truncated=run.stderr_truncated) if run else nothing())

    @admin.display(description="its output")
    def compiler_shown(self, row: Execution) -> SafeString:
        step = step_in(row, COMPILE)
        if step is None:
            return nothing()
        return _unkept(row) or output_block(step.stdout + step.stderr, truncated=step.stderr_truncated)

    @admin.display(description="stdin")
    def stdin_shown(self, row: Execution) -> SafeString:
        stdin = _run_of(row).get("stdin", {})
        if "file" in stdin:
            return content_shown(row, stdin)
        return _unkept(row) or output_block(bytes(row.stdin), truncated=False)

    @admin.display(description="command")
    def arguments_shown(self, row: Execution) -> SafeString:
        run = _run_of(row)
        return code_block(shlex.join(run["argv"])) if "argv" in run else nothing()

    @admin.display(description="environment")
    def environment_shown(self, row: Execution) -> SafeString:
        return code_block("\n".join(f"{name}={value}" for name, value in _run_of(row).get("environment", {}).items()))

    @admin.display(description="")
    def origin(self, row: Execution) -> SafeString:
        return facts(
            [
                ("id", str(row.pk)),
                ("client", _client(row)),
                ("API key", row.api_key_id or "-"),
                ("client address", row.client_address or "-"),
                ("came through", title_of(row.door)),
                ("lane", row.lane + (", in the background" if row.background else "")),
                ("attempt", str(row.attempt)),
                ("kept", row.get_store_display().lower().replace("_", " ")),
                *([("batch", str(row.batch_id))] if row.batch_id else []),
                *([("webhook", row.webhook_url)] if row.webhook_url else []),
                *((f"tag {name}", value) for name, value in (row.tags or {}).items()),
                ("language", f"{row.language_slug or '-'} {row.language_version}"),
                ("image", row.image_digest or "-"),
                ("server process", str(row.worker or "-")),
                ("created", moment(row.created_at, timespec="milliseconds")),
                ("started", moment(row.started_at, timespec="milliseconds")),
                ("finished", moment(row.finished_at, timespec="milliseconds")),
            ]
        )


_DISK = {
    disk.Room.LOW: "The disk is nearly full: source, input and output are kept no more.",
    disk.Room.FULL: "The disk is full: nothing is taken in.",
}
_WISHED = "not kept: its client asked for that"
_WHY_NOT_KEPT: dict[str, str] = {
    Store.EXPIRED: "kept no longer: source, input and output go before their execution",
    Store.NO_DISK: "not kept: the disk had no room",
}


def _unkept(row: Execution) -> SafeString | None:
    """What stands in place of what was not kept."""
    if row.unkept_bytes is not None:
        used = "its caller's share of the day was used up (source, input and output of {})"
        return format_html(f'<span class="gexec-nothing">not kept: {used}</span>', size(row.unkept_bytes))
    if row.store != Store.ALL and row.status not in OPEN:
        return format_html('<span class="gexec-nothing">{}</span>', _WHY_NOT_KEPT.get(row.store, _WISHED))
    return None


def _grading(row: Execution) -> Grading | None:
    """How its tests are judged; None where it has none, or they were not kept."""
    return grading_in(row.job) if row.job.get("grading", {}).get("tests") else None


def _run_of(row: Execution) -> dict[str, Any]:
    return next((step for step in row.job.get("steps", ()) if step["name"] == RUN), {})


def _telling_run(row: Execution) -> StepRecord | None:
    """Of several runs the first that did not end well, else the first: the one that the API shows."""
    runs = runs_in(steps_in(row))
    return next((run for run in runs if run.outcome is not Outcome.OK), runs[0] if runs else None)


def _client(row: Execution) -> str:
    client = Client.objects.filter(pk=row.client_id).first() if row.client_id else None
    if client is None:
        return str(row.client_id or "-")
    return format_html('<a href="{}">{}</a>', reverse("admin:clients_client_change", args=[client.pk]), client.name)


admin.site.register(CallerStorage, CallerStorageAdmin)


def _of(used: str, allowed: str, each: str = "") -> str:
    return used if allowed == "-" else f"{used} of {allowed}{each}"


def _megabytes(memory_bytes: int | None) -> str:
    return "-" if memory_bytes is None else f"{memory_bytes // MIB} MiB"
