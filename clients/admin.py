"""The admin's pages of clients and their keys: what each may do, what it has used, and keys that are shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework_api_key.models import APIKey

from clients import authentication, quotas, usage
from clients.admin_use import (
    ListedTogether,
    RecentUse,
    cpu_left,
    cpu_of_quota,
    left_of,
    nearest_end,
    of_quota,
    recently,
    table,
    today,
)
from clients.models import Client, Key
from clients.options import GROUPS, ClientOptions, options_of
from clients.rights import PUBLISHABLE, Right
from rest.display import badge, duration, moment, nothing, size

# Keys from before clients stand among the others; their hashes are nobody's to change.
admin.site.unregister(APIKey)


def _rights_field(**kwargs: Any) -> forms.Field:
    choices = [(right.value, right.value) for right in Right]
    return forms.MultipleChoiceField(
        choices=choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=kwargs.get("help_text", ""),
        initial=kwargs.get("initial"),
    )


class _WithRights(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Rights are boxes, and nothing is deleted: what was done carries its name."""

    class Media:
        css: ClassVar = {"all": ("rest/admin.css",)}

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "rights":
            return _rights_field(help_text=db_field.help_text, initial=db_field.get_default())
        if db_field.name == "expires_at":
            kwargs["help_text"] = "In UTC; empty: never."
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Client)
class ClientAdmin(_WithRights):
    """A client: to take everything from it, disable it."""

    list_display = ("name", "state", "valid_keys", "last_used")
    search_fields = ("name",)
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("created", "use", "keys_shown")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "created", "use", "keys_shown")}),
        *(
            (
                group.title,
                {"description": group.about, "fields": [each.name for each in options_of(ClientOptions, group)]},
            )
            for group in GROUPS
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        rows: QuerySet[Client] = super().get_queryset(request)
        return rows.annotate(
            key_count=Count("keys", filter=Q(keys__revoked_at=None)), used_at=Max("keys__last_used_at")
        )

    def get_list_display(self, request: HttpRequest) -> Any:
        """With what each has used, which is asked for all of a page at its first row."""
        recent = RecentUse(client_id=lambda row: row.pk)

        @admin.display(description="executions today")
        def executions_today(client: Client) -> str:
            return of_quota(f"{recent.of_client(client).executions_today:,}", client.executions_day)

        @admin.display(description="last 7 days")
        def executions_week(client: Client) -> str:
            return f"{recent.of_client(client).executions_week:,}"

        @admin.display(description="CPU this month")
        def cpu_this_month(client: Client) -> str:
            return cpu_of_quota(recent.of_client(client).cpu_ms_month / 1000, client.cpu_s_month)

        @admin.display(description="quotas")
        def left(client: Client) -> SafeString:
            return nearest_end(client, recent.of_client(client))

        return (*self.list_display, executions_today, executions_week, cpu_this_month, left)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ListedTogether

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        authentication.verified.clear()

    @admin.display(description="state", ordering="enabled")
    def state(self, client: Client) -> SafeString:
        return badge("enabled", "good") if client.enabled else badge("disabled", "bad")

    @admin.display(description="keys")
    def valid_keys(self, client: Client) -> int:
        count: int = getattr(client, "key_count", 0)
        return count

    @admin.display(description="created")
    def created(self, client: Client) -> str:
        return moment(client.created_at)

    @admin.display(description="last used", ordering="used_at")
    def last_used(self, client: Client) -> str:
        return moment(getattr(client, "used_at", None))

    @admin.display(description="used")
    def use(self, client: Client) -> SafeString:
        """Today and this month, beside the quotas."""
        if client.created_at is None or client._state.adding:
            return nothing()
        first = (today(), today() - timedelta(days=6), today().replace(day=1))
        day, week, month = (quotas.used(client.pk, since) for since in first)
        taken = day.executions if client.executions_day is None else quotas.taken_today(client.pk)
        rows = [
            (
                "executions",
                of_quota(f"{taken:,}", client.executions_day), f"{week.executions:,}", f"{month.executions:,}",
                left_of(taken, client.executions_day),
            ),
            (
                "CPU time",
                cpu_of_quota(day.cpu_s, client.cpu_s_day), duration(week.cpu_s * 1000),
                cpu_of_quota(month.cpu_s, client.cpu_s_month),
                cpu_left(day.cpu_s, month.cpu_s, client),
            ),
            (
                "stored",
                f"{size(day.stored_bytes)}{f' of {size(client.storage_bytes)}' if client.storage_bytes else ''}",
                size(week.stored_bytes), size(month.stored_bytes),
                size(max(0, client.storage_bytes - day.stored_bytes)) if client.storage_bytes else "-",
            ),
        ]  # fmt: skip
        head = ("", "today (UTC)", "last 7 days", "this month", "left")
        return format_html(
            '{}<p><a href="{}?client_id={}">Its executions</a></p>',
            table(head, rows),
            reverse("admin:executions_execution_changelist"),
            client.pk,
        )

    @admin.display(description="keys")
    def keys_shown(self, client: Client) -> SafeString:
        """Each key with its state, and a link to make one more."""
        if client._state.adding:
            return nothing()
        make = format_html('<p><a href="{}?client={}">Make a key</a></p>', reverse("admin:clients_key_add"), client.pk)
        keys = list(client.keys.order_by("revoked_at", "created_at")[:_LISTED_KEYS])
        used = usage.recent([client.pk], today()).keys
        rows = [
            (
                format_html('<a href="{}">{}</a>', reverse("admin:clients_key_change", args=[key.pk]), key.name),
                key.prefix,
                _state(key),
                moment(key.last_used_at),
                *recently(used.get(key.prefix, usage.Recent())),
            )
            for key in keys
        ]
        head = ("name", "key", "state", "last used", "executions today", "last 7 days")
        return format_html("{}{}", table(head, rows), make) if rows else make


class KeyStateFilter(admin.SimpleListFilter):
    """Whether they open anything."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("valid", "valid"), ("expired", "expired"), ("revoked", "revoked"), ("unused", "never used")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        over = Q(expires_at__lte=timezone.now())
        chosen = {
            "valid": Q(revoked_at=None) & ~over,
            "expired": Q(revoked_at=None) & over,
            "revoked": Q(revoked_at__isnull=False),
            "unused": Q(last_used_at=None),
        }.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What may be said of a key when it is made."""

    def clean(self) -> dict[str, Any]:
        """A publishable key has no more rights than pages may have."""
        cleaned = super().clean() or {}
        more = set(cleaned.get("rights", ())) - set(PUBLISHABLE)
        if cleaned.get("publishable") and more:
            self.add_error("rights", f"A publishable key cannot have {', '.join(sorted(more))}.")
        return cleaned


@admin.register(Key)
class KeyAdmin(_WithRights):
    """A key: made here and shown once, or revoked. Whoever lost one makes another and revokes it."""

    form = KeyForm
    list_display = ("name", "prefix", "client", "state", "rights_shown", "last_used")
    list_select_related = ("client",)
    list_filter = (KeyStateFilter, "publishable")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("prefix", "name", "client__name")
    list_per_page = 50
    actions = ("revoke",)
    autocomplete_fields = ("client",)
    ordering = ("-created_at",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """With what each has done, which is asked for all of a page at its first row."""
        recent = RecentUse(client_id=lambda row: row.client_id)

        @admin.display(description="executions today")
        def executions_today(key: Key) -> str:
            return f"{recent.of_key(key).executions_today:,}"

        @admin.display(description="last 7 days")
        def executions_week(key: Key) -> str:
            return f"{recent.of_key(key).executions_week:,}"

        return (*self.list_display, executions_today, executions_week)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ListedTogether

    def get_fields(self, request: HttpRequest, obj: Key | None = None) -> Any:
        asked = ["client", "name", "rights", "publishable", "expires_at"]
        return asked if obj is None else ["prefix", "state", *asked, "use", *_MOMENTS]

    def get_readonly_fields(self, request: HttpRequest, obj: Key | None = None) -> Any:
        """A key that was made keeps its client and whether it is publishable."""
        if obj is None:
            return []
        return ["prefix", "state", "client", "publishable", "use", *_MOMENTS]

    @admin.display(description="used")
    def use(self, key: Key) -> SafeString:
        used = usage.recent([key.client_id], today()).keys.get(key.prefix, usage.Recent())
        return table(("executions today (UTC)", "last 7 days"), [recently(used)])

    @admin.display(description="created")
    def created(self, key: Key) -> str:
        return moment(key.created_at)

    @admin.display(description="revoked")
    def revoked(self, key: Key) -> str:
        return moment(key.revoked_at)

    def save_model(self, request: HttpRequest, obj: Key, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            authentication.verified.clear()
            return
        text, made = authentication.create_for(
            obj.client,
            obj.name,
            rights=[Right(right) for right in obj.rights],
            publishable=obj.publishable,
            expires_at=obj.expires_at,
        )
        obj.__dict__.update(made.__dict__)
        request.gexec_made = text  # type: ignore[attr-defined]  # for response_add, of this request alone

    def response_add(self, request: HttpRequest, obj: Key, post_url_continue: str | None = None) -> HttpResponse:
        """The key itself, in this answer and in no other."""
        context = {
            **self.admin_site.each_context(request),
            "title": "A key was made",
            "key": obj,
            "text": getattr(request, "gexec_made", ""),
            "opts": self.opts,
        }
        return TemplateResponse(request, "clients/key_made.html", context)

    @admin.action(description="Revoke the selected keys, for good", permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[Key]) -> None:
        revoked = keys.filter(revoked_at=None).update(revoked_at=timezone.now())
        authentication.verified.clear()
        self.message_user(request, f"{revoked} revoked: each is refused within a second.")

    @admin.display(description="state")
    def state(self, key: Key) -> SafeString:
        return _state(key)

    @admin.display(description="rights")
    def rights_shown(self, key: Key) -> str:
        return ", ".join(key.rights)

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, key: Key) -> str:
        return moment(key.last_used_at)


_MOMENTS = ("created", "revoked", "last_used")
_LISTED_KEYS = 200


def _state(key: Key) -> SafeString:
    if key.revoked_at is not None:
        return badge("revoked", "bad")
    if key.expires_at is not None and key.expires_at <= timezone.now():
        return badge("expired", "warn")
    return badge("publishable" if key.publishable else "valid", "good")
