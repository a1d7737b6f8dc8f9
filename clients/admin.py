"""The admin's pages of clients and their keys: what each may do, what it has used, and keys that are shown once."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rest_framework_api_key.models import APIKey

from clients import authentication, quotas
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
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Client)
class ClientAdmin(_WithRights):
    """A client: to take everything from it, disable it."""

    list_display = ("name", "state", "valid_keys", "executions_today", "cpu_this_month")
    search_fields = ("name",)
    list_per_page = 50
    readonly_fields = ("created_at", "use", "keys_shown")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "created_at", "use", "keys_shown")}),
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
        return rows.annotate(key_count=Count("keys", filter=Q(keys__revoked_at=None)))

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

    @admin.display(description="executions today")
    def executions_today(self, client: Client) -> str:
        used = quotas.used(client.pk, _today()).executions
        return str(used) if client.executions_day is None else f"{used} of {client.executions_day}"

    @admin.display(description="CPU this month")
    def cpu_this_month(self, client: Client) -> str:
        used = quotas.used(client.pk, _today().replace(day=1)).cpu_s
        return _cpu(used, client.cpu_s_month)

    @admin.display(description="used")
    def use(self, client: Client) -> SafeString:
        """Today and this month, beside the quotas."""
        if client.created_at is None or client._state.adding:
            return nothing()
        day, month = quotas.used(client.pk, _today()), quotas.used(client.pk, _today().replace(day=1))
        rows = [
            ("executions", _of(str(day.executions), client.executions_day), str(month.executions)),
            ("CPU time", _cpu(day.cpu_s, client.cpu_s_day), _cpu(month.cpu_s, client.cpu_s_month)),
            (
                "stored",
                f"{size(day.stored_bytes)}{f' of {size(client.storage_bytes)}' if client.storage_bytes else ''}",
                size(month.stored_bytes),
            ),
        ]
        body = format_html_join("", "<tr><th>{}</th><td>{}</td><td>{}</td></tr>", rows)
        return format_html(
            "<table><tr><th></th><th>today (UTC)</th><th>this month</th></tr>{}</table>"
            '<p><a href="{}?client_id={}">Its executions</a></p>',
            body,
            reverse("admin:executions_execution_changelist"),
            client.pk,
        )

    @admin.display(description="keys")
    def keys_shown(self, client: Client) -> SafeString:
        """Each key with its state, and a link to make one more."""
        if client._state.adding:
            return nothing()
        make = format_html('<p><a href="{}?client={}">Make a key</a></p>', reverse("admin:clients_key_add"), client.pk)
        rows = (
            (
                reverse("admin:clients_key_change", args=[key.pk]),
                key.prefix,
                key.name,
                _state(key),
                moment(key.last_used_at),
            )
            for key in client.keys.order_by("revoked_at", "created_at")[:200]
        )
        listed = format_html_join("", '<tr><td><a href="{}">{}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>', rows)
        if not listed:
            return make
        head = "<tr><th>key</th><th>name</th><th>state</th><th>last used</th></tr>"
        return format_html(f"<table>{head}{{}}</table>{{}}", listed, make)


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
    list_display = ("prefix", "name", "client", "state", "rights_shown", "last_used")
    list_select_related = ("client",)
    search_fields = ("prefix", "name", "client__name")
    list_per_page = 50
    actions = ("revoke",)
    autocomplete_fields = ("client",)
    ordering = ("-created_at",)

    def get_fields(self, request: HttpRequest, obj: Key | None = None) -> Any:
        asked = ["client", "name", "rights", "publishable", "expires_at"]
        return asked if obj is None else ["prefix", "state", *asked, "created_at", "revoked_at", "last_used_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Key | None = None) -> Any:
        """A key that was made keeps its client and whether it is publishable."""
        if obj is None:
            return []
        return ["prefix", "state", "client", "publishable", "created_at", "revoked_at", "last_used_at"]

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


def _state(key: Key) -> SafeString:
    if key.revoked_at is not None:
        return badge("revoked", "bad")
    if key.expires_at is not None and key.expires_at <= timezone.now():
        return badge("expired", "warn")
    return badge("publishable" if key.publishable else "valid", "good")


def _today() -> date:
    return timezone.now().date()


def _of(used: str, limit: int | None) -> str:
    return used if limit is None else f"{used} of {limit}"


def _cpu(used_s: float, limit_s: int | None) -> str:
    return _of(duration(used_s * 1000), limit_s) + ("" if limit_s is None else " s")
