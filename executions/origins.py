"""Where a request comes from, as its executions' rows tell it."""

from __future__ import annotations

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from clients.caller import Caller
from clients.policy import check_right
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
    return Origin(address, caller.prefix, caller.client_id, caller) if caller else Origin(address)


def require(request: Request, right: Right) -> Caller:
    """The caller, who has a key with this right. Raises NotAuthenticated and PermissionDenied."""
    caller = caller_of(request)
    if caller is None:
        raise NotAuthenticated("an API key is required: Authorization: Api-Key …")
    check_right(caller, right)
    return caller
