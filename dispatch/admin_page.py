"""The admin's page of hosts: how each stands, and which of them are to take no more programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from dispatch import active
from dispatch.base import Fleet
from sandbox.errors import EngineUnavailable
from sandbox.hosts import HostState, ImageState, is_name

_SHOWN = 19
"""Of an image that no language has: sha256: and twelve digits, as Docker shows it."""
_SEE, _CHANGE = "dispatch.view_worker", "dispatch.change_worker"


def hosts(request: HttpRequest, context: dict[str, Any], *, names: Callable[[], Mapping[str, str]]) -> HttpResponse:
    """The page, within the admin's `context`; a POST names a host that is to drain or to take programs again.

    `names` tells what is run in each image.
    """
    if not request.user.has_perm(_SEE):
        raise PermissionDenied
    try:
        if request.method == "POST":
            return _changed(request)
        fleet = active.backend().fleet()
        told = {"fleet": fleet, "rows": _rows(fleet, names), "error": ""}
    except EngineUnavailable as error:
        told = {"fleet": None, "error": str(error)}
    may_change = request.user.has_perm(_CHANGE)
    response = TemplateResponse(
        request, "dispatch/hosts.html", {**context, "title": "Hosts", **told, "may_change": may_change}
    )
    add_never_cache_headers(response)
    return response


def _rows(fleet: Fleet | None, names: Callable[[], Mapping[str, str]]) -> list[dict[str, Any]]:
    if fleet is None or not fleet.hosts:
        return []
    known = names()
    return [
        {"host": host, "warm": sorted(_warm(host, known).items()), "images": _named(fleet.images_of(host), known)}
        for host in fleet.hosts
    ]


def _warm(host: HostState, known: Mapping[str, str]) -> Counter[str]:
    """How many containers wait, by what is run in them; a language may have several kinds."""
    warm: Counter[str] = Counter()
    for each in host.warm:
        warm[shown_image(each.profile.image, known)] += each.count
    return warm


def _named(images: Iterable[ImageState], known: Mapping[str, str]) -> list[tuple[str, ImageState]]:
    """By what is run in them; those that are missing first."""
    named = [(shown_image(each.image, known), each) for each in images]
    return sorted(named, key=lambda pair: (pair[1].there, pair[0]))


def shown_image(image: str, known: Mapping[str, str]) -> str:
    """What is run in it, or its digest as far as Docker shows that."""
    return known.get(image, image[:_SHOWN])


def _changed(request: HttpRequest) -> HttpResponse:
    name, what = request.POST.get("host", ""), request.POST.get("what", "")
    if not request.user.has_perm(_CHANGE):
        raise PermissionDenied
    if is_name(name) and what in {"drain", "resume"}:
        active.backend().drain(name, drained=what == "drain")
    return HttpResponseRedirect(request.path)
