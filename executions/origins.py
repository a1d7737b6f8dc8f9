"""Where a request comes from, as its executions' rows tell it."""

from __future__ import annotations

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from clients.authentication import Caller
from clients.rights import Right
from executions.submission import Origin
from rest.client_address import client_address


def caller_of(request: Request) -> Caller | None:
    """Who calls with a valid key."""
    caller = request.auth
    return caller if isinstance(caller, Caller) else None


def origin_of(request: Request) -> Origin:
    """Where a submission of this request comes from."""
    address = client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES)
    caller = caller_of(request)
    return Origin(address, caller.prefix, caller.client_id) if caller else Origin(address)


def require(request: Request, right: Right) -> Caller:
    """The caller, who has a key with this right. Raises NotAuthenticated and PermissionDenied."""
    caller = caller_of(request)
    if caller is None:
        raise NotAuthenticated("an API key is required: Authorization: Api-Key …")
    if right not in caller.rights:
        raise PermissionDenied(f"this needs a key with the right {right.value}", code="forbidden_right")
    return caller
