"""The admin's view of snippets: what is shared from here, blocked where it should not be, and deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rest.display import code_block, moment, nothing, size, visible
from snippets import services
from snippets.models import Snippet


@admin.register(Snippet)
class SnippetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Callers make them; a blocked one is shown to nobody, and cannot be told from one that there is not."""

    list_display = ("id", "language_slug", "size_shown", "caller", "created_at", "viewed_at", "is_blocked")
    list_filter = ("is_blocked", "client")
    search_fields = ("pk__startswith", "caller__startswith", "language_slug__startswith")
    search_help_text = "The beginning of an id, of a caller (client …, address …) or of a language."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    ordering = ("-created_at",)
    fields = (
        "id", "page", "client", "caller", "language_slug", "size_shown", "created_at", "viewed_at", "expires",
        "is_blocked", "files_shown", "args_shown", "stdin_shown", "tests_shown",
    )  # fmt: skip
    actions = ("block", "unblock")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All but whether it is blocked."""
        return [name for name in self.fields if name != "is_blocked"]

    @admin.action(description="Block: show them to nobody", permissions=["change"])
    def block(self, request: HttpRequest, queryset: QuerySet[Snippet]) -> None:
        self._set(request, queryset, is_blocked=True)

    @admin.action(description="Show them again", permissions=["change"])
    def unblock(self, request: HttpRequest, queryset: QuerySet[Snippet]) -> None:
        self._set(request, queryset, is_blocked=False)

    def _set(self, request: HttpRequest, queryset: QuerySet[Snippet], *, is_blocked: bool) -> None:
        for snippet in queryset:
            snippet.is_blocked = is_blocked
            snippet.save(update_fields=["is_blocked"])
            self.log_change(request, snippet, "Blocked." if is_blocked else "Shown again.")
        self.message_user(request, "They are shown to nobody." if is_blocked else "They are shown again.")

    @admin.display(description="page")
    def page(self, snippet: Snippet) -> SafeString:
        """Where everybody who has the link sees it."""
        address = reverse("snippet-page", args=[snippet.pk])
        return format_html('<a href="{}">{}</a>', address, address)

    @admin.display(description="size", ordering="bytes")
    def size_shown(self, snippet: Snippet) -> str:
        return size(snippet.bytes)

    @admin.display(description="expires")
    def expires(self, snippet: Snippet) -> str:
        until = services.expires_at(snippet)
        return moment(until) if until else "never"

    @admin.display(description="files")
    def files_shown(self, snippet: Snippet) -> SafeString:
        files = [(visible(file["name"].encode()), _code(file["content"])) for file in snippet.program["files"]]
        return format_html_join("", "<p><b>{}</b></p>{}", files)

    @admin.display(description="arguments")
    def args_shown(self, snippet: Snippet) -> SafeString:
        return code_block("\n".join(snippet.program["args"]))

    @admin.display(description="stdin")
    def stdin_shown(self, snippet: Snippet) -> SafeString:
        return code_block(snippet.program["stdin"])

    @admin.display(description="tests")
    def tests_shown(self, snippet: Snippet) -> SafeString:
        if not (tests := snippet.program["tests"]):
            return nothing()
        rows = [
            (visible(test["name"].encode()), code_block(test["stdin"]), code_block(test["expected_stdout"]))
            for test in tests
        ]
        return format_html_join("", "<p>{}</p>{}{}", rows)


def _code(content: Any) -> SafeString:
    if isinstance(content, str):
        return code_block(content)
    return format_html("<p>no text: {} of base64</p>", size(len(content["base64"])))
