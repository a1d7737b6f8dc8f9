"""What was done to languages, in the admin: the history of one, and the list of all, also of those that are gone."""

from __future__ import annotations

import json
from typing import ClassVar

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from languages.admin_page import page
from languages.models import Language, LanguageChange, changes_of
from rest.display import code_block, moment

SHOWN = 200
"""Changes on a language's own page; the list of all changes has pages."""


@admin.register(LanguageChange)
class LanguageChangeAdmin(ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Read alone: a row tells what happened. Who may see languages may see it."""

    list_display = ("when", "slug", "who", "what_happened")
    list_filter = ("kind",)
    search_fields = ("slug", "who")
    search_help_text = "A language, or who changed it."
    list_per_page = 50
    show_full_result_count = False
    fields = ("when", "slug", "who", "what_happened", "values")

    class Media:
        css: ClassVar = {"all": ("rest/admin.css",)}

    def has_view_permission(self, request: HttpRequest, obj: LanguageChange | None = None) -> bool:
        return request.user.has_perm("languages.view_language") or request.user.has_perm("languages.change_language")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LanguageChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LanguageChange | None = None) -> bool:
        return False

    @admin.display(description="when", ordering="id")
    def when(self, change: LanguageChange) -> str:
        return moment(change.at)

    @admin.display(description="what")
    def what_happened(self, change: LanguageChange) -> SafeString:
        return format_html_join("", "<div>{}</div>", ((line,) for line in change.lines()))

    @admin.display(description="values, old and new")
    def values(self, change: LanguageChange) -> SafeString:
        return code_block(json.dumps(change.changes, ensure_ascii=False, indent=2) if change.changes else "")


def history_view(admin: ModelAdmin[Language], request: HttpRequest, object_id: str) -> HttpResponse:
    """Who did what to this language, in the admin, by a command or in the database, the newest first."""
    language = get_object_or_404(Language, pk=int(object_id) if object_id.isdecimal() else 0)
    if not admin.has_view_or_change_permission(request, language):
        raise PermissionDenied
    title = f"History of {language.name}"
    changes = changes_of(language)[:SHOWN]
    return page(admin, request, "languages/language_history.html", title=title, language=language, changes=changes)
