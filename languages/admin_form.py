"""Languages in the admin: every field explained, what works seen at a glance, changes live within two seconds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import Textarea, model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header

from languages.documents import toml_of
from languages.forms import LanguageFileForm
from languages.models import Language
from languages.options import GROUPS, Group, options_of
from languages.versions import SEPARATOR, number_in

_IDENTITY = (
    (None, {"fields": ("slug", "name", "aliases", "image")}),
    ("Commands", {"fields": ("source_file", "compile_command", "run_command", "version_command", "environment")}),
)


def _options_in(group: Group) -> tuple[str, ...]:
    return tuple(option.name for option in options_of(Language) if option.group is group)


class LanguageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A form over what an operator chooses, its history, and its way in and out as a file.

    What needs Docker stands in a subclass in executions, which is the one that is registered.
    """

    list_display: tuple[str, ...] = ("slug", "name", "version", "names", "limits", "containers", "tested")
    search_fields = ("slug", "name")
    readonly_fields = ("updated_at",)
    save_on_top = True
    formfield_overrides: ClassVar = {
        models.JSONField: {"widget": Textarea(attrs={"rows": 2, "class": "gexec-json", "spellcheck": "false"})},
        models.TextField: {"widget": Textarea(attrs={"rows": 8, "class": "gexec-json", "spellcheck": "false"})},
    }

    class Media:
        css: ClassVar = {"all": ("rest/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Besides Django's own: in and out as a file."""
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name="languages_language_import"),
            path("<int:pk>/export/", wrap(self.export_view), name="languages_language_export"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Language | None = None) -> Any:
        """The options stand between what a language is and what users see of it."""
        options = [(group.title, {"fields": _options_in(group)}) for group in GROUPS]
        return [*_IDENTITY, *options, ("For users", {"fields": ("example", "updated_at")})]

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

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The language as language.toml."""
        language = get_object_or_404(Language, pk=pk)
        if not self.has_view_permission(request, language):
            raise PermissionDenied
        response = HttpResponse(toml_of(language), content_type="application/toml; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(
            as_attachment=True, filename=f"{language.slug}.toml"
        )
        return response

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A language from a language.toml, disabled until it is tested."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = LanguageFileForm(request.POST, request.FILES) if request.method == "POST" else LanguageFileForm()
        if form.is_valid():
            language = form.language
            language.save()
            self.log_addition(request, language, f"Imported from {form.cleaned_data['file'].name}.")
            self.message_user(
                request, f"{language.name} was imported. Build or pull its image, then test and enable it."
            )
            return redirect("admin:languages_language_change", language.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "title": "Import a language",
        }
        return TemplateResponse(request, "languages/import.html", context)

    @admin.display(description="aliases")
    def names(self, language: Language) -> str:
        return ", ".join(language.aliases) or "-"

    @admin.display(description="limits")
    def limits(self, language: Language) -> str:
        cores = language.cpu_quota_us / 100_000
        return f"{language.timeout_ms / 1000:g} s, {language.memory_mb} MB, {cores:g} CPU"

    @admin.display(description="containers")
    def containers(self, language: Language) -> str:
        runs = "fresh" if language.runs_per_container == 1 else f"{language.runs_per_container} runs"
        return f"{language.warm_min}-{language.warm_max} warm, {runs}"

    @admin.display(description="tested", ordering="tested_at")
    def tested(self, language: Language) -> str:
        return f"{language.tested_at:%Y-%m-%d %H:%M}" if language.tested_at else "never"

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The history tells the old and the new value of each field that changed."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        return "; ".join(
            f"{name}: {form.initial.get(name)!r} → {form.cleaned_data.get(name)!r}" for name in form.changed_data
        ) or super().construct_change_message(request, form, formsets, add)
