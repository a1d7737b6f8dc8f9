"""The admin's catalogue: every language that comes with a folder, to be chosen, built, tested and enabled together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from languages import figures, folders, tasks
from languages.admin_page import page
from languages.figures import Figures
from languages.folders import Folder
from languages.models import Language, LanguageTask, TaskKind, TaskStatus
from languages.toolchain import installs
from languages.toolchain.errors import InstallError

_KINDS = {TaskStatus.RUNNING: "busy", TaskStatus.SUCCEEDED: "good"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the page."""

    folder: Folder
    figures: Figures
    row: Language | None
    running: bool

    @property
    def choosable(self) -> bool:
        """Whether there is anything to install."""
        return not self.running and (self.row is None or not self.row.enabled)

    @property
    def state(self) -> str:
        """What it is before anything is asked."""
        return "" if self.row is None else "enabled" if self.row.enabled else "disabled"

    @property
    def minutes(self) -> str:
        """About how long it takes."""
        build_s = self.figures.build_s
        return "" if build_s is None else f"{max(build_s / 60, 0.5):.1f}".removesuffix(".0")


def catalogue_view(admin: ModelAdmin[Language], request: HttpRequest) -> HttpResponse:
    """The page; what was chosen on it is installed, or only added to the list."""
    if not admin.has_add_permission(request):
        raise PermissionDenied
    known = set(folders.slugs())
    chosen = [slug for slug in dict.fromkeys(request.POST.getlist("slug")) if slug in known]
    if "install" in request.POST:
        return _install(admin, request, chosen)
    if chosen:
        return _add(admin, request, chosen)
    if request.method == "POST":
        admin.message_user(request, "Choose at least one language.", messages.WARNING)
    entries = _entries()
    return page(
        admin,
        request,
        "languages/language_catalogue.html",
        title="Add languages from the catalogue",
        entries=entries,
        folders=[entry.folder for entry in entries if entry.row is None],
        may_install=admin.has_change_permission(request),
    )


def catalogue_status_view(admin: ModelAdmin[Language], request: HttpRequest) -> HttpResponse:
    """How far each language is that was begun here, by slug: a JSON object, asked for often."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    rows = {row.pk: row for row in Language.objects.filter(slug__in=folders.slugs())}
    newest = tasks.latest(rows.values())
    return JsonResponse(
        {rows[pk].slug: _progress(rows[pk], task) for pk, task in newest.items() if task.kind == TaskKind.INSTALL}
    )


def _entries() -> list[Entry]:
    rows = {row.slug: row for row in Language.objects.all()}
    newest = tasks.latest(rows.values())
    busy = {rows[slug].slug for slug in rows if _is_running(newest.get(rows[slug].pk))}
    known = figures.all_figures()
    return [
        Entry(folders.read(slug), known.get(slug, Figures()), rows.get(slug), slug in busy) for slug in folders.slugs()
    ]


def _is_running(task: LanguageTask | None) -> bool:
    return task is not None and task.status == TaskStatus.RUNNING


def _progress(language: Language, task: LanguageTask) -> dict[str, Any]:
    ended_well = task.status == TaskStatus.SUCCEEDED
    text = "installing" if task.status == TaskStatus.RUNNING else "install " + task.status
    return {
        "running": task.status == TaskStatus.RUNNING,
        "enabled": language.enabled,
        "state": ("enabled" if language.enabled else "disabled") if ended_well else text,
        "kind": _KINDS.get(TaskStatus(task.status), "bad"),
        "headline": task.headline if task.status == TaskStatus.RUNNING else "",
        "done": task.done,
        "total": task.total,
        "error": task.error.partition("\n")[0],
        "url": reverse("admin:languages_language_change", args=[language.pk]),
    }


def _install(admin: ModelAdmin[Language], request: HttpRequest, chosen: list[str]) -> HttpResponse:
    if not admin.has_change_permission(request):
        raise PermissionDenied
    refused = tasks.install(chosen, by=request.user.get_username())
    for slug, why in refused.items():
        admin.message_user(request, f"{slug} was not begun: {why.removesuffix('.')}.", messages.ERROR)
    for language in Language.objects.filter(slug__in=set(chosen) - refused.keys()):
        admin.log_change(request, language, "Install started.")
    if begun := len(chosen) - len(refused):
        text = f"{begun} {'language is' if begun == 1 else 'languages are'} being built, tested and enabled."
        admin.message_user(request, f"{text} It goes on when you leave this page.")
    elif not chosen:
        admin.message_user(request, "Choose at least one language.", messages.WARNING)
    return redirect("admin:languages_language_catalogue")


def _add(admin: ModelAdmin[Language], request: HttpRequest, chosen: list[str]) -> HttpResponse:
    added = []
    for slug in chosen:
        try:
            language = installs.load_folder(slug)
        except InstallError as error:
            admin.message_user(request, str(error), messages.ERROR)
            continue
        admin.log_addition(request, language, "Added from the catalogue.")
        admin.message_user(request, f"{language.name} was added. Build its image, then test and enable it.")
        added.append(language)
    if len(added) == 1:
        return redirect("admin:languages_language_change", added[0].pk)
    return redirect("admin:languages_language_changelist" if added else "admin:languages_language_catalogue")
