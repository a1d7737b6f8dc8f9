"""What the admin does to a language that is saved: its status, build, pull, test, enable, disable."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect

from languages import tasks
from languages.admin_status import status_of
from languages.models import Language, TaskKind
from languages.toolchain import docker_host, installs
from languages.toolchain.errors import InstallError
from sandbox.errors import SandboxError


def status_view(admin: ModelAdmin[Language], request: HttpRequest, pk: int) -> HttpResponse:
    """What the page shows above the form."""
    language = get_object_or_404(Language, pk=pk)
    if not admin.has_view_permission(request, language):
        raise PermissionDenied
    return JsonResponse(status_of(language))


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
