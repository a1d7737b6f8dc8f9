"""The admin's view of files: how much each client has, and which."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.http import HttpRequest

from files.models import ClientFiles, File
from files.store import LIFE, FileMissing, store
from rest.display import moment, size

_HAD = Q(files__deleted_at=None)


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Nothing is added or changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(File)
class FileAdmin(_ReadOnly):
    """Files can be deleted here; what refers to one that was fails with `file_missing`."""

    list_display = ("digest", "client", "size_shown", "created_at", "last_used_at", "expires")
    list_filter = ("client",)
    list_select_related = ("client",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("digest__startswith",)
    search_help_text = "The beginning of a digest."
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[File]:
        """Those that clients have."""
        rows: QuerySet[File] = super().get_queryset(request)
        return rows.filter(deleted_at=None)

    @admin.display(description="size", ordering="bytes")
    def size_shown(self, file: File) -> str:
        return size(file.bytes)

    @admin.display(description="expires")
    def expires(self, file: File) -> str:
        return moment(file.last_used_at + LIFE)

    def delete_model(self, request: HttpRequest, obj: File) -> None:
        """As a client does."""
        _delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[File]) -> None:
        """Likewise, each."""
        for file in queryset:
            _delete(file)


@admin.register(ClientFiles)
class ClientFilesAdmin(_ReadOnly):
    """One line for each client."""

    list_display = ("name", "files_shown", "size_shown", "last_used")
    list_display_links = None
    search_fields = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what each has."""
        rows: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(
            file_count=Count("files", filter=_HAD),
            file_bytes=Sum("files__bytes", filter=_HAD),
            last_used=Max("files__last_used_at", filter=_HAD),
        )
        return counted

    @admin.display(description="files", ordering="file_count")
    def files_shown(self, client: Any) -> int:
        return int(client.file_count)

    @admin.display(description="size", ordering="file_bytes")
    def size_shown(self, client: Any) -> str:
        return size(client.file_bytes or 0)

    @admin.display(description="last used", ordering="last_used")
    def last_used(self, client: Any) -> str:
        return moment(client.last_used) if client.last_used else "-"


def _delete(file: File) -> None:
    try:
        store.delete(file.client_id, file.digest)
    except FileMissing:
        return
