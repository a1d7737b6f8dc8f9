"""Who may use an endpoint, as DRF asks it: for all of them by the settings, with what a view says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from clients import embedding
from clients.caller import Caller
from clients.policy import check_place, check_right
from clients.rights import Right
from rest.client_address import client_address
from rest.exceptions import Refusal


class MayCall(BasePermission):
    """The key may be used from here, by this page, for this.

    A view says in `rights` which right a method needs; one that it does not name needs none. A publishable key is for
    the methods in its `for_pages`.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = cast("Caller | None", request.auth)
        address = client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES)
        is_embedded = caller is not None and embedding.admits(request._request, caller)
        check_place(caller, address=address, origin=request.META.get("HTTP_ORIGIN"), is_embedded=is_embedded)
        rights: Mapping[str, Right] = getattr(view, "rights", {})
        needed = rights.get(request.method or "")
        if needed is not None:
            check_right(caller, needed)
        pages: Collection[str] = getattr(view, "for_pages", ())
        if caller is not None and caller.publishable and request.method not in pages:
            raise Refusal("a publishable key may not do this", status=403, code="forbidden_right")
        return True


class NeedsKey(BasePermission):
    """For what belongs to a client: NotAuthenticated without a key, whatever the settings say."""

    needs_key = True
    """The schema of the API tells so."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None
