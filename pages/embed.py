"""The page that others frame: one program, run with a publishable key. Nothing else of the product can be framed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from clients import embedding
from clients.authentication import caller_with
from clients.caller import Caller
from pages import bundle
from pages.page import HEADERS, answered, policy
from rest.connections import DATABASE_AWAY

_IN_POLICY = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?")
"""An origin in which nothing means something else in a policy, as a semicolon would."""
_NO_KEY = "This page needs a publishable key whose client lists the origins that may frame it: /embed?key=gx_pub_…"
_NO_DATABASE = "The database does not answer. Try again in a moment."


@require_safe
def embed(request: HttpRequest) -> HttpResponse:
    """GET /embed?key=…: the page, for frames in pages of the origins that the key's client lists."""
    try:
        caller = caller_with(request.GET.get("key", ""))
    except DATABASE_AWAY:
        return answered("pages/door.html", {"problem": _NO_DATABASE}, request, status=503)
    origins = _origins(caller)
    if caller is None or not origins:
        return answered("pages/door.html", {"problem": _NO_KEY}, request, status=404)
    data = {"key": request.GET["key"], "token": embedding.token_for(caller), "origins": origins}
    page = HttpResponse(
        render_to_string("pages/embed.html", {"bundle": bundle.names(), "data": data}, request),
        headers={**HEADERS, "Content-Security-Policy": policy(frame_ancestors=origins), "Cache-Control": "no-store"},
    )
    # It would forbid every frame, and can name no origins.
    page.xframe_options_exempt = True
    return page


def _origins(caller: Caller | None) -> list[str]:
    listed: Iterable[str] = caller.origins if caller is not None and caller.publishable else ()
    return sorted(origin for origin in listed if _IN_POLICY.fullmatch(origin))
