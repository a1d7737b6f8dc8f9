"""What the admin does to a language that is saved: its status, build, pull, test, enable, disable."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from languages import host_state, tasks
from languages.admin_status import status_of
from languages.models import Language, TaskKind, TaskStatus
from languages.toolchain import docker_host, installs
from languages.toolchain.errors import InstallError
from rest.display import badge, plain
from sandbox.errors import SandboxError


def status_view(admin: ModelAdmin[Language], request: HttpRequest, pk: int) -> HttpResponse:
    """What the page shows above the form."""
    language = get_object_or_404(Language, pk=pk)
    if not admin.has_view_permission(request, language):
        raise PermissionDenied
    return JsonResponse(status_of(language))


def states_view(admin: ModelAdmin[Language], request: HttpRequest) -> HttpResponse:
    """GET ?id=…&id=…: how these stand by now, as the list shows it: asked for while something is done to them."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    ids = [int(each) for each in request.GET.getlist("id") if each.isascii() and each.isdecimal() and len(each) < 10]
    rows = {row.pk: row for row in Language.objects.filter(pk__in=ids)}
    found = host_state.standings(rows.values())
    return JsonResponse({str(pk): standing_shown(rows[pk], standing) for pk, standing in found.items()})


def standing_shown(language: Language, standing: host_state.Standing) -> SafeString:
    """The state, and how far it is with what is done to it."""
    shown, task = badge(standing.state.text, standing.state.kind), standing.task
    if task is None or task.status != TaskStatus.RUNNING:
        return shown
    far = format_html('<progress value="{}" max="{}"></progress>', task.done, task.total) if task.total else ""
    text = plain(task.headline or "starting …")
    return format_html(
        '<span data-busy="{}">{} {} <span class="gexec-headline">{}</span></span>', language.pk, shown, far, text
    )


def install_all(admin: ModelAdmin[Language], request: HttpRequest, languages: Iterable[Language]) -> None:
    """Begin to build or pull, test and enable each of them."""
    begun = 0
    for language in languages:
        try:
            tasks.start(language=language, kind=TaskKind.INSTALL, by=request.user.get_username())
        except tasks.AlreadyRunning as error:
            admin.message_user(request, f"{error}.", messages.ERROR)
            continue
        admin.log_change(request, language, "Install started.")
        begun += 1
    if begun:
        text = f"{begun} {'language is' if begun == 1 else 'languages are'} being built, tested and enabled."
        admin.message_user(request, f"{text} It goes on when you leave this page.")


def task_view(admin: ModelAdmin[Language], request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Begin to build, pull or test it."""
    language = _changeable(admin, request, pk)
    if kind not in TaskKind.values:
        return HttpResponse(status=404)
    try:
        tasks.start(language=language, kind=TaskKind(kind), by=request.user.get_username())
    except tasks.AlreadyRunning as error:
        return _answer(admin, request, language, refused=f"{error}.")
    admin.log_change(request, language, f"{TaskKind(kind).label} started.")
    return _answer(admin, request, language)


def switch_view(admin: ModelAdmin[Language], request: HttpRequest, pk: int, to: int) -> HttpResponse:
    """Enable (`to` is 1) or disable it."""
    language = _changeable(admin, request, pk)
    return _answer(admin, request, language, refused=switch(admin, request, language, enabled=to == 1))


def switch(admin: ModelAdmin[Language], request: HttpRequest, language: Language, *, enabled: bool) -> str:
    """Enable or disable it, for the history too. Returns why it stays as it was; empty where it does not."""
    try:
        if enabled:
            installs.enable(language, timeout_s=docker_host.PAGE_S)
        else:
            installs.disable(language)
    except (InstallError, SandboxError) as error:
        return str(error)
    admin.log_change(request, language, "Enabled." if enabled else "Disabled.")
    return ""


def _changeable(admin: ModelAdmin[Language], request: HttpRequest, pk: int) -> Language:
    language = get_object_or_404(Language, pk=pk)
    if not admin.has_change_permission(request, language):
        raise PermissionDenied
    return language


def _answer(
    admin: ModelAdmin[Language], request: HttpRequest, language: Language, *, refused: str = ""
) -> HttpResponse:
    """The new status for the page's script; the page itself where there is none."""
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"refused": refused, **status_of(language)}, status=409 if refused else 200)
    if refused:
        admin.message_user(request, refused, messages.ERROR)
    return redirect("admin:languages_language_change", language.pk)
