"""Languages in the admin: the list with what works, the form with every field explained, and the history.

The pages beside them are views in admin_files (in and out as a file) and admin_tasks (build, test, enable).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.forms import Textarea, model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from languages import admin_removal, host_state, tasks
from languages.acting import acting
from languages.admin_catalogue import catalogue_status_view, catalogue_view
from languages.admin_files import export_view, import_view
from languages.admin_history import history_view
from languages.admin_tasks import install_all, standing_shown, states_view, status_view, switch, switch_view, task_view
from languages.forms import CommandField, LanguageForm
from languages.models import Language, TaskKind
from languages.models.language import TESTED, WORDS
from languages.options import CONTAINERS, CPU_PERIOD_US, GROUPS, Group, options_of
from languages.programs import profile_of
from languages.versions import SEPARATOR, number_in
from rest.display import moment, size

_FIELDS_BEFORE_OPTIONS = (
    (None, {"fields": ("slug", "name", "aliases", "image")}),
    (
        "Commands",
        {
            "fields": (
                "source_file",
                "source_suffixes",
                "compile_command",
                "compile_args",
                "run_command",
                "version_command",
                "packages_command",
                "environment",
            )
        },
    ),
)
_BESIDE = {CONTAINERS: ("oci_runtime", "isolation")}
"""Fields that stand with a group's options, and are no number or flag."""


@admin.register(Language)
class LanguageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A list, a form, and above the form what is on the Docker host and the buttons that change that."""

    list_display = ("slug", "name", "version", "names", "limits", "containers", "tested_when")
    search_fields = ("slug", "name")
    form = LanguageForm
    readonly_fields = ("updated_at",)
    actions = ("install", "enable", "disable")
    save_on_top = True
    change_form_template = "languages/language_form.html"
    change_list_template = "languages/language_list.html"
    delete_confirmation_template = "languages/language_delete.html"
    delete_selected_confirmation_template = "languages/language_delete_selected.html"
    formfield_overrides: ClassVar = {
        models.JSONField: {"widget": Textarea(attrs={"rows": 2, "class": "gexec-json", "spellcheck": "false"})},
        models.TextField: {
            "widget": Textarea(attrs={"rows": 8, "class": "gexec-json", "spellcheck": "false"}),
            "strip": False,
        },
    }

    class Media:
        css: ClassVar = {"all": ("rest/admin.css",)}
        js = ("languages/language.js", "languages/list.js")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A command, and what else are words, may be a plain command line."""
        if db_field.name in WORDS:
            kwargs["form_class"] = CommandField
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """Besides Django's own: in and out as a file, what the page asks, and what its buttons do.

        Whatever one of them changes, its user has changed.
        """
        patterns = [
            self._path("import/", "import", import_view, "GET", "POST"),
            self._path("catalogue/", "catalogue", catalogue_view, "GET", "POST"),
            self._path("catalogue/status/", "catalogue_status", catalogue_status_view, "GET"),
            self._path("states/", "states", states_view, "GET"),
            self._path("<int:pk>/export/", "export", export_view, "GET"),
            self._path("<int:pk>/status/", "status", status_view, "GET"),
            self._path("<int:pk>/task/<str:kind>/", "task", task_view, "POST"),
            self._path("<int:pk>/enabled/<int:to>/", "switch", switch_view, "POST"),
            *super().get_urls(),
        ]
        for pattern in patterns:
            pattern.callback = _acting_for_its_user(pattern.callback)
        return patterns

    def get_list_display(self, request: HttpRequest) -> Any:
        """With how each row stands; a page finds that out of all languages together, at its first row."""
        standings = cache(lambda: host_state.standings(Language.objects.all()))

        @admin.display(description="state", ordering="enabled")
        def state(language: Language) -> SafeString | str:
            # One that was added since the page's rows were read has no state yet.
            found = standings().get(language.pk)
            return standing_shown(language, found) if found else "-"

        @admin.display(description="image")
        def image(language: Language) -> str:
            found = standings().get(language.pk)
            return size(found.host.image.size_bytes) if found and found.host.image else "-"

        slug, name, *others = self.list_display
        return (slug, name, state, image, *others)

    def get_fieldsets(self, request: HttpRequest, obj: Language | None = None) -> Any:
        """The options stand between what a language is and what users see of it."""
        options = [(group.title, {"fields": (*_BESIDE.get(group, ()), *_options_in(group))}) for group in GROUPS]
        self_test = ("Self-test", {"fields": ("excused",)})
        return [*_FIELDS_BEFORE_OPTIONS, *options, self_test, ("For users", {"fields": ("example", "updated_at")})]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?from=<key>` begins a version of that language: all the same but the names, which must be its own."""
        key = request.GET.get("from", "")
        original = Language.objects.filter(pk=key).first() if key.isdecimal() else None
        if original is None:
            return super().get_changeform_initial_data(request)
        return {
            **model_to_dict(original),
            "slug": f"{original.family}{SEPARATOR}{number_in(original.version) or 'version'}",
            "aliases": [],
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what the buttons need to know."""
        language = Language.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        kind = TaskKind.BUILD if language and tasks.can_build(language) else TaskKind.PULL
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "make": kind})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """All changes, not only those that were made in the admin."""
        return history_view(self, request, object_id)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """What follows for users, in place of rows."""
        return admin_removal.consequences(objs), {}, set(), []

    def delete_model(self, request: HttpRequest, obj: Language) -> None:
        """At once; its image too, where the operator said so."""
        admin_removal.remove(self, request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Language]) -> None:
        """As one of them is deleted."""
        admin_removal.remove(self, request, queryset)

    def save_model(self, request: HttpRequest, obj: Language, form: Any, change: bool) -> None:
        """Warns of what does not keep it from being saved, and should be known."""
        if not change or form.changed_data:
            super().save_model(request, obj, form, change)
        host = host_state.on_host([obj])[obj.pk]
        if not host.error and host.image is None:
            self.message_user(request, obj.image_is_missing, messages.WARNING)
        elif change and obj.tested_at and {"image", *TESTED} & set(form.changed_data):
            text = "What was tested has changed: test it again."
            as_before = " Programs run as it was tested until then." if obj.enabled else ""
            self.message_user(request, text + as_before, messages.WARNING)

    def response_add(self, request: HttpRequest, obj: Language, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the language's page, where its image is built and tested."""
        response = super().response_add(request, obj, post_url_continue)
        if {"_addanother", "_continue", "_popup"} & request.POST.keys():
            return response
        return redirect("admin:languages_language_change", obj.pk)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The history has the old and the new value of each field that changed."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        return "; ".join(
            f"{name}: {form.initial.get(name)!r} → {form.cleaned_data.get(name)!r}" for name in form.changed_data
        ) or super().construct_change_message(request, form, formsets, add)

    def log_change(self, request: HttpRequest, obj: Language, message: Any) -> Any:
        """The history has changes alone: saving what nobody changed is none."""
        return super().log_change(request, obj, message) if message else None

    @admin.display(description="aliases")
    def names(self, language: Language) -> str:
        return ", ".join(language.aliases) or "-"

    @admin.display(description="limits")
    def limits(self, language: Language) -> str:
        cores = language.cpu_quota_us / CPU_PERIOD_US
        return f"{language.timeout_ms / 1000:g} s, {language.memory_mb} MB, {cores:g} CPU"

    @admin.display(description="containers")
    def containers(self, language: Language) -> str:
        profile = profile_of(language)
        runs = "fresh" if profile.runs_per_container == 1 else f"{profile.runs_per_container} runs"
        if profile.cells:
            runs = f"cells{', shared' if profile.share else ''}"
        return f"{language.warm_min}-{language.warm_max} warm, {runs}"

    @admin.display(description="tested", ordering="tested_at")
    def tested_when(self, language: Language) -> str:
        return moment(language.tested_at, timespec="minutes") if language.tested_at else "never"

    @admin.action(description="Build, test and enable selected languages", permissions=["change"])
    def install(self, request: HttpRequest, languages: QuerySet[Language]) -> None:
        """Each in a task of its own; the list shows how far they are."""
        install_all(self, request, languages)

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
            elif refused := switch(self, request, language, enabled=enabled):
                self.message_user(request, refused, messages.ERROR)
            else:
                self.message_user(request, f"{language.name} is {word}.", messages.SUCCESS)

    def _path(self, route: str, name: str, view: Callable[..., HttpResponse], *methods: str) -> URLPattern:
        """One more page for those who may enter the admin; the view asks for the rights that it needs."""
        checked = require_http_methods(list(methods))(partial(view, self))
        return path(route, self.admin_site.admin_view(checked), name=f"languages_language_{name}")


def _acting_for_its_user(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def acting_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with acting(request.user.get_username()):
            return view(request, *args, **kwargs)

    return acting_view


def _options_in(group: Group) -> tuple[str, ...]:
    return tuple(option.name for option in options_of(Language) if option.group is group)
