"""The admin's view of webhooks: where they go, what came of each try, and once more."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from rest.display import moment, nothing, plain, visible
from webhooks import services
from webhooks.models import Delivery, Endpoint


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Nothing is added or changed here."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Endpoint)
class EndpointAdmin(_ReadOnly):
    """Clients make them; here they can be enabled again, and deleted. Their secrets are not shown."""

    list_display = ("url", "client", "events", "created_at", "failing_since", "disabled_reason")
    list_filter = ("client",)
    list_select_related = ("client",)
    actions = ("enable",)

    @admin.action(description="Enable again", permissions=["delete"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            services.enable(endpoint)
        self.message_user(request, "They are told again what happens from now on.")


@admin.register(Delivery)
class DeliveryAdmin(_ReadOnly):
    """What was sent."""

    list_display = ("message_id", "client", "event", "url", "state", "attempts", "created_at", "ended_at")
    list_filter = ("state", "event", "client")
    list_select_related = ("client",)
    fields = ("message_id", "client", "endpoint", "url", "event", "state", "attempts", "next", "tries", "body_shown")
    readonly_fields = fields
    actions = ("resend",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Who may see what was sent may send it again only where a change was granted."""
        return bool(request.user.has_perm("webhooks.change_delivery"))

    @admin.action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        for delivery in queryset:
            services.resend(delivery)
        self.message_user(request, "They are sent again, each with the id that it had.")

    @admin.display(description="next try")
    def next(self, delivery: Delivery) -> str:
        return moment(delivery.next_at) if delivery.ended_at is None else "-"

    @admin.display(description="tries")
    def tries(self, delivery: Delivery) -> SafeString | str:
        rows = [
            (moment(each.at), each.status or "-", each.ms, plain(each.error), plain(each.answer))
            for each in delivery.log.all()[:50]
        ]
        return format_html_join("", "<p>{} · {} · {} ms · {}<br><code>{}</code></p>", rows) if rows else nothing()

    @admin.display(description="body")
    def body_shown(self, delivery: Delivery) -> str:
        return visible(bytes(delivery.body)[:4096])
