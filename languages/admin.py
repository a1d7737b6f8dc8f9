"""Languages in the admin: every field explained, what works seen at a glance, changes live within two seconds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.forms import Textarea
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from languages.models import WITHOUT_IMAGE, Language


@admin.register(Language)
class LanguageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A form over the whole row; the image's digest and version come from building or testing it."""

    list_display = ("slug", "name", "state", "version", "names", "limits", "containers", "digest", "tested_at")
    list_filter = ("enabled",)
    search_fields = ("slug", "name")
    actions = ("enable", "disable")
    readonly_fields = ("image_digest", "version", "tested_at", "updated_at")
    save_on_top = True
    formfield_overrides: ClassVar = {
        models.JSONField: {"widget": Textarea(attrs={"rows": 2, "class": "gexec-json", "spellcheck": "false"})},
        models.TextField: {"widget": Textarea(attrs={"rows": 8, "class": "gexec-json", "spellcheck": "false"})},
    }
    fieldsets = (
        (None, {"fields": ("slug", "name", "aliases", "enabled")}),
        ("Image", {"fields": ("image", "image_digest", "version", "tested_at")}),
        ("Commands", {"fields": ("source_file", "compile_command", "run_command", "environment")}),
        (
            "Limits of a run",
            {
                "fields": (
                    "timeout_ms",
                    "max_timeout_ms",
                    "memory_mb",
                    "cpu_quota_us",
                    "pids",
                    "output_bytes",
                    "tmpfs_mb",
                )
            },
        ),
        ("Limits of compiling", {"fields": ("compile_timeout_ms", "compile_memory_mb")}),
        ("Containers", {"fields": ("runs_per_container", "warm_min", "warm_max")}),
        ("For users", {"fields": ("example", "updated_at")}),
    )

    class Media:
        css: ClassVar = {"all": ("executions/admin.css",)}

    @admin.display(description="state", ordering="enabled")
    def state(self, language: Language) -> SafeString:
        text, kind = _state(language)
        return format_html('<span class="gexec-badge gexec-{}">{}</span>', kind, text)

    @admin.display(description="aliases")
    def names(self, language: Language) -> str:
        return ", ".join(language.aliases) or "-"

    @admin.display(description="limits")
    def limits(self, language: Language) -> str:
        cores = language.cpu_quota_us / 100_000
        return f"{language.timeout_ms / 1000:g} s, {language.memory_mb} MB, {cores:g} CPU, {language.pids} processes"

    @admin.display(description="containers")
    def containers(self, language: Language) -> str:
        runs = "fresh" if language.runs_per_container == 1 else f"{language.runs_per_container} runs"
        return f"{language.warm_min}-{language.warm_max} warm, {runs}"

    @admin.display(description="image")
    def digest(self, language: Language) -> SafeString:
        return format_html("<code>{}</code>", language.image_digest.removeprefix("sha256:")[:12] or "-")

    @admin.action(description="Enable selected languages", permissions=["change"])
    def enable(self, request: HttpRequest, languages: QuerySet[Language]) -> None:
        for language in languages:
            if language.image_digest:
                self._set_enabled(request, language, enabled=True)
            else:
                self.message_user(request, f"{language.name}: {WITHOUT_IMAGE}", messages.ERROR)

    @admin.action(description="Disable selected languages", permissions=["change"])
    def disable(self, request: HttpRequest, languages: QuerySet[Language]) -> None:
        for language in languages:
            self._set_enabled(request, language, enabled=False)

    def _set_enabled(self, request: HttpRequest, language: Language, *, enabled: bool) -> None:
        word = "enabled" if enabled else "disabled"
        if language.enabled == enabled:
            self.message_user(request, f"{language.name} was {word} already.", messages.INFO)
            return
        language.enabled = enabled
        language.save(update_fields=["enabled", "updated_at"])
        self.log_change(request, language, f"{word.capitalize()}.")
        self.message_user(request, f"{language.name} is {word}.", messages.SUCCESS)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        """The history tells the old and the new value of each field that changed."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        return "; ".join(
            f"{name}: {form.initial.get(name)!r} → {form.cleaned_data.get(name)!r}" for name in form.changed_data
        ) or super().construct_change_message(request, form, formsets, add)


def _state(language: Language) -> tuple[str, str]:
    if not language.image_digest:
        return "no image", "bad"
    return ("enabled", "good") if language.enabled else ("disabled", "warn")
