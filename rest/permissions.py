"""Who may use an endpoint."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from rest import staff_pages


class KeyWhereRequired(BasePermission):
    """Every caller, or only those with a key where GEXEC_REQUIRE_API_KEY asks for one; pages of the staff need none.

    Raises NotAuthenticated.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if settings.GEXEC_REQUIRE_API_KEY and request.auth is None and not staff_pages.admits(request):
            raise NotAuthenticated("an API key is required: Authorization: Api-Key …")
        return True
