"""The admin's view of executions: read-only, quick at millions of rows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from clients.models import Client, Key
from executions import services
from executions.admin_execution import STREAMS, again_view, context_of, json_view, raw_view, states_view
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
    arrival_shown,
    artifacts_shown,
    came_in_turns,
    content_shown,
    ending_badge,
    files_shown,
    grading_shown,
    run_of,
    runs_in,
    runs_shown,
    telling_run,
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
from executions.results import step_in, steps_in
from executions.signals import described
from languages.models import Language
from languages.options import MIB
from languages.programs import COMPILE, RUN
from rest import disk
from rest.display import badge, code_block, duration, facts, moment, nothing, output_block, plain, size

COUNTED_ROWS = 10_000
"""200 pages of the list, and few enough to be counted at each of them."""
_WHY_CHARACTERS = 60
_HEX = re.compile("[0-9a-f]{1,32}")
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

    list_display = ("short_id", "ending", "language_shown", "created", "who", "times", "memory")
    change_form_template = "executions/execution_form.html"
    change_list_template = "executions/execution_list.html"
    list_filter = (("outcome", EndingFilter), LanguageFilter, ClientFilter, DoorFilter, ("created_at", CreatedFilter))
    list_per_page = 50
    actions = ("cancel",)
    show_full_result_count = False
    sortable_by = ("short_id", "created")
    show_facets = admin.ShowFacets.NEVER  # They count every row for every choice.
    paginator = CappedPaginator
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = (
        "The id of an execution, as in the X-Execution-Id header, its beginning, or as it stands in the list."
    )

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

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Execution | None:
        """With who looks at it: what it leads to may be for others."""
        row: Execution | None = super().get_object(request, object_id, from_field)
        if row is not None:
            row.viewer = request.user  # type: ignore[attr-defined]  # of this page alone
        return row

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """The list leaves the large columns in the database."""
        rows: QuerySet[Execution] = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer(*_HEAVY) if match and match.url_name == "executions_execution_changelist" else rows

    def get_urls(self) -> list[URLPattern]:
        """Besides Django's own: what can be done with one, and how those of a list are by now."""

        def page(route: str, name: str, view: Callable[..., HttpResponse], method: str) -> URLPattern:
            checked = require_http_methods([method])(partial(view, self))
            return path(route, self.admin_site.admin_view(checked), name=f"executions_execution_{name}")

        states = partial(states_view, cells=self.cells_of, heavy=_HEAVY)
        return [
            page("states/", "states", states, "GET"),
            page("<uuid:pk>/again/", "again", again_view, "POST"),
            page("<uuid:pk>/json/", "json", json_view, "GET"),
            page("<uuid:pk>/raw/<str:what>/", "raw", raw_view, "GET"),
            *super().get_urls(),
        ]

    def cells_of(self, row: Execution) -> dict[str, str]:
        """What of a row of the list changes while it waits and runs, as the list shows it."""
        cells = {"ending": self.ending(row), "times": self.times(row), "memory": self.memory(row)}
        return {name: conditional_escape(shown) for name, shown in cells.items()}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what can be done with it."""
        row = self.get_object(request, object_id) if self.has_view_permission(request) else None
        panel = context_of(self, request, row) if row else {}
        return super().change_view(request, object_id, form_url, {**panel, **(extra_context or {})})

    def get_fieldsets(self, request: HttpRequest, obj: Execution | None = None) -> Any:
        """Only what this execution has."""
        if obj is None:
            return ()
        graded, compiled = _grading(obj) is not None, step_in(obj, COMPILE)
        compiler_says = ("Compiler", ("compiler_shown",), bool(compiled and (compiled.stdout or compiled.stderr)))
        # Who looks at a compile error wants that, and nothing has run.
        failed = obj.outcome == Outcome.COMPILE_ERROR
        sections = (
            (None, ("ending", *(("error_shown",) if _error(obj) else ()), "summary"), True),
            (*compiler_says[:2], failed and compiler_says[2]),
            ("Output", self._outputs(obj), not graded and not failed and obj.status == Status.FINISHED),
            ("Tests", ("grading_shown", "tests_shown"), graded),
            ("Program", ("source_shown",), bool(obj.source or obj.job.get("files") or _unkept(obj))),
            ("Artifacts", ("artifacts_shown",), bool(obj.artifacts)),
            (*compiler_says[:2], not failed and compiler_says[2]),
            ("Input", self._inputs(obj), bool(self._inputs(obj))),
            ("Origin", ("origin",), True),
        )
        return tuple(
            (title, {"fields": names, "classes": ("collapse",) if title == "Input" else ()})
            for title, names, there in sections
            if there
        )

    @staticmethod
    def _outputs(row: Execution) -> tuple[str, ...]:
        """Both streams together where the order is known, then each that has anything; or that there is nothing."""
        run = telling_run(row)
        streams = [f"{name}_shown" for name in STREAMS if run and getattr(run, name)]
        several = ("runs_shown",) if len(runs_in(steps_in(row))) > 1 else ()
        return (*several, *(("arrival_shown",) if came_in_turns(run) else ()), *(streams or ["stdout_shown"]))

    @staticmethod
    def _inputs(row: Execution) -> tuple[str, ...]:
        run = run_of(row)
        stdin = ("stdin_shown",) if row.stdin or "file" in run.get("stdin", {}) else ()
        return (
            *stdin,
            *(("arguments_shown",) if "argv" in run else ()),
            *(("environment_shown",) if run.get("environment") else ()),
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
        if (asked := _ids_like(search_term.strip().lower())) is None:
            self.message_user(request, "That is no execution id.", "warning")
            return queryset.none(), False
        low, high, end = asked
        found = queryset.filter(pk__gte=low, pk__lte=high)
        return found.alias(text=Cast("pk", TextField())).filter(text__endswith=end) if end else found, False

    @admin.display(description="id", ordering="id")
    def short_id(self, row: Execution) -> SafeString:
        return format_html("<code>{}</code>", f"{str(row.pk)[:8]}…{str(row.pk)[-6:]}")

    @admin.display(description="created", ordering="id")
    def created(self, row: Execution) -> str:
        return moment(row.created_at)

    @admin.display(description="language")
    def language_shown(self, row: Execution) -> str:
        return row.language_slug or "-"

    @admin.display(description="ended")
    def ending(self, row: Execution) -> SafeString:
        if row.status == Status.FINISHED:
            ended = ending_badge(Outcome(row.outcome), row.signal, row.exit_code)
            if row.verdict in ("", row.outcome):
                return ended
            judged = verdict_badge(row.verdict)
            return judged if row.outcome == Outcome.OK else format_html("{} {}", ended, judged)
        if row.status == Status.REJECTED:
            why = plain(row.error.partition("\n")[0])
            short = why if len(why) <= _WHY_CHARACTERS else f"{why[:_WHY_CHARACTERS]} …"
            return format_html('{} <span class="gexec-why">{}</span>', badge("rejected", "bad"), short)
        shown = badge(row.get_status_display().lower(), "busy")
        return format_html('<span data-open="{}">{}</span>', row.pk, shown) if row.status in OPEN else shown

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
        text = _error(row)
        return format_html('<strong class="gexec-error">{}</strong>', plain(text)) if text else nothing()

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

    @admin.display(description="as it came")
    def arrival_shown(self, row: Execution) -> SafeString:
        run = telling_run(row)
        return arrival_shown(run) if run else nothing()

    @admin.display(description="stdout")
    def stdout_shown(self, row: Execution) -> SafeString:
        run = telling_run(row)
        shown = output_block(run.stdout, truncated=run.stdout_truncated, name="stdout") if run else nothing()
        return _unkept(row) or shown

    @admin.display(description="stderr")
    def stderr_shown(self, row: Execution) -> SafeString:
        run = telling_run(row)
        shown = output_block(run.stderr, truncated=run.stderr_truncated, name="stderr") if run else nothing()
        return _unkept(row) or shown

    @admin.display(description="its output")
    def compiler_shown(self, row: Execution) -> SafeString:
        step = step_in(row, COMPILE)
        if step is None:
            return nothing()
        return _unkept(row) or output_block(
            step.stdout + step.stderr, truncated=step.stderr_truncated, name="What the compiler said"
        )

    @admin.display(description="stdin")
    def stdin_shown(self, row: Execution) -> SafeString:
        stdin = run_of(row).get("stdin", {})
        if "file" in stdin:
            return content_shown(row, stdin)
        return _unkept(row) or output_block(bytes(row.stdin), truncated=False, name="stdin")

    @admin.display(description="command")
    def arguments_shown(self, row: Execution) -> SafeString:
        run = run_of(row)
        return code_block(shlex.join(run["argv"]), name="Command") if "argv" in run else nothing()

    @admin.display(description="environment")
    def environment_shown(self, row: Execution) -> SafeString:
        variables = run_of(row).get("environment", {}).items()
        return code_block("\n".join(f"{name}={value}" for name, value in variables), name="Environment")

    @admin.display(description="")
    def origin(self, row: Execution) -> SafeString:
        return facts(
            [
                ("id", str(row.pk)),
                ("client", _client(row)),
                ("API key", _key(row)),
                ("client address", row.client_address or "-"),
                ("came through", title_of(row.door)),
                ("lane", row.lane + (", in the background" if row.background else "")),
                ("attempt", str(row.attempt)),
                ("kept", row.get_store_display().lower().replace("_", " ")),
                *([("batch", str(row.batch_id))] if row.batch_id else []),
                *([("webhook", row.webhook_url)] if row.webhook_url else []),
                *((f"tag {name}", value) for name, value in (row.tags or {}).items()),
                ("language", _language(row)),
                ("image", row.image_digest or "-"),
                ("server process", str(row.worker or "-")),
                ("created", moment(row.created_at, timespec="milliseconds")),
                ("started", moment(row.started_at, timespec="milliseconds")),
                ("finished", moment(row.finished_at, timespec="milliseconds")),
            ]
        )


def _ids_like(text: str) -> tuple[UUID, UUID, str] | None:
    """The lowest and the highest id that it may mean, and how that ends; None: it is none.

    Eight digits are a minute's worth of ids: no shorter beginning is looked for.
    """
    begin, dots, end = text.partition("…")
    digits = begin.replace("-", "")
    if not (8 <= len(digits) <= 32) or not _HEX.fullmatch(digits) or (dots and not _HEX.fullmatch(end)):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")), end


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


def _error(row: Execution) -> str:
    return row.error or limit_met(row) or ""


def _linked(row: Execution, model: type[Model], found: Model | None, text: str) -> str:
    """A name that leads to its page, for those who may see that."""
    options, viewer = model._meta, getattr(row, "viewer", None)
    if found is None or viewer is None or not viewer.has_perm(f"{options.app_label}.view_{options.model_name}"):
        return text
    url = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[found.pk])
    return format_html('<a href="{}">{}</a>', url, plain(text))


def _client(row: Execution) -> str:
    client = Client.objects.filter(pk=row.client_id).first() if row.client_id else None
    return _linked(row, Client, client, client.name if client else str(row.client_id or "-"))


def _key(row: Execution) -> str:
    key = Key.objects.filter(prefix=row.api_key_id).first() if row.api_key_id else None
    return _linked(row, Key, key, f"{key.name} ({key.prefix})" if key else row.api_key_id or "-")


def _language(row: Execution) -> str:
    language = Language.objects.filter(slug=row.language_slug).first() if row.language_slug else None
    return _linked(row, Language, language, f"{row.language_slug or '-'} {row.language_version}".strip())


admin.site.register(CallerStorage, CallerStorageAdmin)


def _of(used: str, allowed: str, each: str = "") -> str:
    return used if allowed == "-" else f"{used} of {allowed}{each}"


def _megabytes(memory_bytes: int | None) -> str:
    return "-" if memory_bytes is None else f"{memory_bytes // MIB} MiB"
