"""The admin's page of hosts: how each stands, and which of them are to take no more programs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from dispatch import active
from sandbox.errors import EngineUnavailable
from sandbox.hosts import is_name

_SEE, _CHANGE = "dispatch.view_worker", "dispatch.change_worker"


def hosts(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page, within the admin's `context`; a POST names a host that is to drain or to take programs again."""
    if not request.user.has_perm(_SEE):
        raise PermissionDenied
    try:
        if request.method == "POST":
            return _changed(request)
        fleet = active.backend().fleet()
        told = {"fleet": fleet, "error": ""}
    except EngineUnavailable as error:
        told = {"fleet": None, "error": str(error)}
    may_change = request.user.has_perm(_CHANGE)
    response = TemplateResponse(
        request, "dispatch/hosts.html", {**context, "title": "Hosts", **told, "may_change": may_change}
    )
    add_never_cache_headers(response)
    return response


def _changed(request: HttpRequest) -> HttpResponse:
    name, what = request.POST.get("host", ""), request.POST.get("what", "")
    if not request.user.has_perm(_CHANGE):
        raise PermissionDenied
    if is_name(name) and what in {"drain", "resume"}:
        active.backend().drain(name, drained=what == "drain")
    return HttpResponseRedirect(request.path)
