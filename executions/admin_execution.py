"""What can be done with one execution in the admin: run it again, take it along, go on to the next one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from executions import again, announcements, as_request, services
from executions.admin_filters import ExecutionList
from executions.admin_parts import telling_run
from executions.models import OPEN, Execution
from executions.ranges import Range
from executions.results import step_in
from languages.models import Language
from languages.programs import COMPILE
from rest.client_address import client_address
from rest.exceptions import Limited, Refusal, Unavailable

RUN_AGAIN = "executions.run_again_execution"
FILTERS = "_changelist_filters"
"""Where Django has the address of the list from which a page was opened."""
MOST_STATES = 200
"""Rows that are asked for at once: as many as a list shows at the most."""
STREAMS = ("stdout", "stderr")
Cells = Callable[[Execution], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Way:
    """A link to another execution; without an address there is no such one."""

    text: str
    url: str = ""


class _Neighbours(ExecutionList):
    """A list of which no page is wanted."""

    def get_results(self, request: HttpRequest) -> None:
        """None are read."""


def context_of(admin: ModelAdmin[Execution], request: HttpRequest, execution: Execution) -> dict[str, Any]:
    """What the panel above an execution has."""
    language = Language.objects.filter(slug=execution.language_slug).first()
    body = as_request.body_of(execution, language)
    url = request.build_absolute_uri("/api/v1/executions")
    needs_key = settings.GEXEC_REQUIRE_API_KEY or execution.client_id is not None
    return {
        "is_open": execution.status in OPEN,
        "may_run_again": request.user.has_perm(RUN_AGAIN),
        "why_not_again": again.why_not(execution),
        "runs_again": again.of_whom(execution),
        "run_again": list(again.runs_of(execution).only("id")[: again.SHOWN]),
        "playground": _playground(execution, language),
        "curl": as_request.curl_of(body, url, with_key=needs_key) if body else "",
        "raw": _raw_of(execution),
        "ways": [*_in_list(admin, request, execution), *_of_client(request, execution)],
        "has_history": _has_history(execution),
    }


def again_view(admin: ModelAdmin[Execution], request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST: run it once more; the page of the new one."""
    execution = _seen(admin, request, pk)
    if not request.user.has_perm(RUN_AGAIN):
        raise PermissionDenied
    address = client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES)
    try:
        made = services.run_again(execution=execution, address=address, by=request.user.get_username())
    except (Refusal, Limited, Unavailable) as error:
        admin.message_user(request, f"It was not run again: {error.detail}", messages.ERROR)
        return redirect(_url(execution.pk))
    admin.log_change(request, execution, f"Run again as {made.pk}.")
    return redirect(_url(made.pk))


def raw_view(admin: ModelAdmin[Execution], request: HttpRequest, pk: UUID, what: str) -> HttpResponse:
    """GET: the bytes of the source or of a stream, to be saved: no browser takes them for a page."""
    execution = _seen(admin, request, pk)
    if what not in _raw_of(execution):
        return HttpResponse(status=404)
    response = HttpResponse(_bytes(execution, what), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{execution.pk}-{what}.txt"'
    add_never_cache_headers(response)
    return response


def json_view(admin: ModelAdmin[Execution], request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET: as the API tells it to its client."""
    told = announcements.described(_seen(admin, request, pk))
    response = JsonResponse(told, json_dumps_params={"indent": 2})
    add_never_cache_headers(response)
    return response


def states_view(admin: ModelAdmin[Execution], request: HttpRequest, cells: Cells, heavy: tuple[str, ...]) -> Any:
    """GET ?id=…&id=…: how these are by now, each cell of theirs that may have changed: asked for again and again."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    ids = [UUID(each) for each in request.GET.getlist("id")[:MOST_STATES] if _is_id(each)]
    rows: QuerySet[Execution] = Execution.objects.defer(*heavy).filter(pk__in=ids)
    told = {str(row.pk): {"open": row.status in OPEN, "cells": cells(row)} for row in rows}
    response = JsonResponse(told)
    add_never_cache_headers(response)
    return response


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _seen(admin: ModelAdmin[Execution], request: HttpRequest, pk: UUID) -> Execution:
    execution = get_object_or_404(Execution, pk=pk)
    if not admin.has_view_permission(request, execution):
        raise PermissionDenied
    return execution


def _playground(execution: Execution, language: Language | None) -> str:
    """The address of the page at / with the program in it; empty where it is not there, or cannot hold it."""
    if settings.GEXEC_PLAYGROUND == "off" or language is None or not language.enabled:
        return ""
    fragment = as_request.fragment_of(execution, language)
    return f"/#{fragment}" if fragment else ""


def _raw_of(execution: Execution) -> list[str]:
    """What of it has any bytes."""
    return [what for what in ("source", "stdin", "compiler", *STREAMS) if _bytes(execution, what)]


def _bytes(execution: Execution, what: str) -> bytes:
    if what in ("source", "stdin"):
        return execution.source.encode() if what == "source" else bytes(execution.stdin)
    step = step_in(execution, COMPILE) if what == "compiler" else telling_run(execution)
    if step is None:
        return b""
    return step.stdout + step.stderr if what == "compiler" else step.stdout if what == "stdout" else step.stderr


def _in_list(admin: ModelAdmin[Execution], request: HttpRequest, execution: Execution) -> Iterator[Way]:
    """The next ones of the list from which the page was opened, with all that was chosen there."""
    filters = request.GET.get(FILTERS, "")
    asked = copy.copy(request)
    asked.GET = QueryDict(filters)
    try:
        listed = _Neighbours(
            asked, admin.model, admin.list_display, (), admin.get_list_filter(asked), None, (), (),
            admin.list_per_page, admin.list_max_show_all, (), admin, admin.sortable_by, None,
        )  # fmt: skip
    except IncorrectLookupParameters:
        return
    yield from _beside(execution, listed.range, listed.rows_in_no_order, "in the list", filters)


def _of_client(request: HttpRequest, execution: Execution) -> Iterator[Way]:
    if execution.client_id is None:
        return
    chosen = {"client_id": execution.client_id}
    filters = urlencode(chosen)
    if request.GET.get(FILTERS, "") != filters:
        yield from _beside(execution, Range(chosen), Execution.objects.all(), "of its client", filters)


def _beside(execution: Execution, within: Range, rows: QuerySet[Execution], where: str, filters: str) -> Iterator[Way]:
    """The newer and the older one: each the first row of a range."""
    above = UUID(int=execution.pk.int + 1)
    newer = replace(within, low=max(within.low, above)).of(rows)
    older = replace(within, high=min(within.high, execution.pk)).of(rows, descending=True)
    for word, found in (("Newer", newer), ("Older", older)):
        pk = found.values_list("pk", flat=True).first()
        yield Way(f"{word} {where}", _url(pk, filters) if pk else "")


def _url(pk: UUID, filters: str = "") -> str:
    url = reverse("admin:executions_execution_change", args=[pk])
    return f"{url}?{urlencode({FILTERS: filters})}" if filters else url


def _has_history(execution: Execution) -> bool:
    kind = ContentType.objects.get_for_model(Execution)
    return LogEntry.objects.filter(content_type=kind, object_id=str(execution.pk)).exists()
