"""Languages in the admin, with what needs Docker: the image's state, building, testing, enabling."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from languages import folders, host_state, tasks
from languages.admin_form import LanguageAdmin as PlainLanguageAdmin
from languages.admin_status import status_of
from languages.models import Language, TaskKind
from languages.toolchain import docker_host, installs
from languages.toolchain.errors import InstallError
from rest.display import badge
from sandbox.errors import SandboxError

_TESTED_FIELDS = {"image", "source_file", "compile_command", "run_command", "environment"}
"""A change of these may break what has been tested."""


@admin.register(Language)
class LanguageAdmin(PlainLanguageAdmin):
    """The form, and above it what is on the Docker host and the buttons that change that."""

    list_display = ("slug", "name", "state", *PlainLanguageAdmin.list_display[2:])
    actions = ("enable", "disable")
    change_form_template = "languages/language_form.html"
    change_list_template = "languages/language_list.html"

    class Media:
        css: ClassVar = {"all": ("rest/admin.css",)}
        js = ("languages/language.js",)

    def get_urls(self) -> list[URLPattern]:
        """Besides the others: what the page asks, and what its buttons do."""
        wrap = self.admin_site.admin_view
        return [
            path("catalogue/", wrap(self.catalogue_view), name="languages_language_catalogue"),
            path("<int:pk>/status/", wrap(require_GET(self.status_view)), name="languages_language_status"),
            path("<int:pk>/task/<str:kind>/", wrap(require_POST(self.task_view)), name="languages_language_task"),
            path("<int:pk>/enabled/<int:to>/", wrap(require_POST(self.switch_view)), name="languages_language_switch"),
            *super().get_urls(),
        ]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Every row of the page with its state, found out for all of them together."""
        page = super().get_changelist_instance(request)
        page.result_list = list(page.result_list)
        found = host_state.states(page.result_list)
        for language in page.result_list:
            language.state = found[language.pk]
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what the buttons need to know."""
        language = Language.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        kind = TaskKind.BUILD if language and tasks.can_build(language) else TaskKind.PULL
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "make": kind})

    def status_view(self, request: HttpRequest, pk: int) -> JsonResponse:
        """What the page shows above the form."""
        language = get_object_or_404(Language, pk=pk)
        if not self.has_view_permission(request, language):
            raise PermissionDenied
        return JsonResponse(status_of(language))

    def task_view(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """Begin to build, pull or test it."""
        language = self._to_change(request, pk)
        if kind not in TaskKind.values:
            return HttpResponse(status=404)
        try:
            tasks.start(language=language, kind=TaskKind(kind), by=request.user.get_username())
        except tasks.AlreadyRunning as error:
            return self._back(request, language, refused=f"{error}.")
        self.log_change(request, language, f"{TaskKind(kind).label} started.")
        return self._back(request, language)

    def switch_view(self, request: HttpRequest, pk: int, to: int) -> HttpResponse:
        """Enable (`to` is 1) or disable it."""
        language = self._to_change(request, pk)
        return self._back(request, language, refused=self._switch(request, language, enabled=to == 1))

    def catalogue_view(self, request: HttpRequest) -> HttpResponse:
        """The languages that come with a folder and are not in the list yet."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        there = set(Language.objects.values_list("slug", flat=True))
        available = [folders.read(slug) for slug in folders.slugs() if slug not in there]
        if request.method == "POST":
            slug = request.POST.get("slug", "")
            if slug in {folder.slug for folder in available}:
                return self._added(request, slug)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "folders": available,
            "title": "Add a language from the catalogue",
        }
        return TemplateResponse(request, "languages/language_catalogue.html", context)

    def save_model(self, request: HttpRequest, obj: Language, form: Any, change: bool) -> None:
        """What does not keep it from being saved, and should be known, is said."""
        super().save_model(request, obj, form, change)
        host = host_state.on_host([obj])[obj.pk]
        if not host.error and host.image is None:
            self.message_user(request, obj.image_is_missing, messages.WARNING)
        elif change and obj.tested_at and _TESTED_FIELDS & set(form.changed_data):
            self.message_user(request, "What was tested has changed: test it again.", messages.WARNING)

    def response_add(self, request: HttpRequest, obj: Language, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the language's page, where its image is built and tested."""
        response = super().response_add(request, obj, post_url_continue)
        if {"_addanother", "_continue", "_popup"} & request.POST.keys():
            return response
        return redirect("admin:languages_language_change", obj.pk)

    @admin.display(description="state", ordering="enabled")
    def state(self, language: Language) -> SafeString:
        state = getattr(language, "state")  # noqa: B009 (put there for the list)
        return badge(state.text, state.kind)

    @admin.action(description="Enable selected languages", permissions=["change"])
    def enable(self, request: HttpRequest, languages: QuerySet[Language]) -> None:
        self._switch_all(request, languages, enabled=True)

    @admin.action(description="Disable selected languages", permissions=["change"])
    def disable(self, request: HttpRequest, languages: QuerySet[Language]) -> None:
        self._switch_all(request, languages, enabled=False)

    def _switch_all(self, request: HttpRequest, languages: QuerySet[Language], *, enabled: bool) -> None:
        word = "enabled" if enabled else "disabled"
        for language in languages:
            if language.enabled == enabled:
                self.message_user(request, f"{language.name} was {word} already.", messages.INFO)
            elif refused := self._switch(request, language, enabled=enabled):
                self.message_user(request, refused, messages.ERROR)
            else:
                self.message_user(request, f"{language.name} is {word}.", messages.SUCCESS)

    def _switch(self, request: HttpRequest, language: Language, *, enabled: bool) -> str:
        """Why it stays as it was; empty where it does not."""
        try:
            if enabled:
                installs.enable(language, timeout_s=docker_host.PAGE_S)
            else:
                installs.disable(language)
        except (InstallError, SandboxError) as error:
            return str(error)
        self.log_change(request, language, "Enabled." if enabled else "Disabled.")
        return ""

    def _added(self, request: HttpRequest, slug: str) -> HttpResponse:
        try:
            language = installs.load_folder(slug)
        except InstallError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:languages_language_catalogue")
        self.log_addition(request, language, "Added from the catalogue.")
        self.message_user(request, f"{language.name} was added. Build its image, then test and enable it.")
        return redirect("admin:languages_language_change", language.pk)

    def _to_change(self, request: HttpRequest, pk: int) -> Language:
        language = get_object_or_404(Language, pk=pk)
        if not self.has_change_permission(request, language):
            raise PermissionDenied
        return language

    def _back(self, request: HttpRequest, language: Language, *, refused: str = "") -> HttpResponse:
        """The new status for the page's script; the page itself where there is none."""
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"refused": refused, **status_of(language)}, status=409 if refused else 200)
        if refused:
            self.message_user(request, refused, messages.ERROR)
        return redirect("admin:languages_language_change", language.pk)
