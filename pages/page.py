"""The page at /: what stands in its template, and the headers that bound what it can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from languages.models import Language
from pages import bundle, catalogue
from pages.words import Shown
from snippets import services as snippets


def policy(*, frame_ancestors: Iterable[str] = ("'none'",)) -> str:
    """What a page may load, and which pages may frame it."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            # The editor's styles are adopted by its shadow root, which this does not bound: no nonce is needed.
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {' '.join(frame_ancestors)}",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


CONTENT_SECURITY_POLICY = policy()
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-cache",
    "Vary": "Accept, Cookie",
}
"""Beside those of Django, whose Referrer-Policy is same-origin: with no-referrer a browser says `Origin: null` when
it sends the form, which is taken for another site."""


@dataclass
class Filled:
    """What stands in the fields of the page."""

    language: Language | None
    files: Sequence[dict[str, str]] = ()
    stdin: str = ""
    args: str = ""
    example: str = catalogue.HELLO
    shown: Shown | None = None
    problem: str = ""
    token: str = ""
    """Of a page for staff alone."""
    beginnings: dict[str, Any] = field(default_factory=dict)
    snippet: dict[str, Any] | None = None
    """One that was stored, with its id."""


def playground(request: HttpRequest, filled: Filled, *, status: int = 200) -> HttpResponse:
    """The page, with these fields and this result."""
    languages = catalogue.enabled()
    context = {
        "filled": filled,
        "languages": languages,
        "bundle": bundle.names(),
        "needs_key": settings.GEXEC_REQUIRE_API_KEY and not filled.token,
        "data": {
            "languages": [catalogue.summary(language) for language in languages],
            "language": filled.language.slug if filled.language else "",
            "beginnings": filled.beginnings,
            "max_source_bytes": settings.GEXEC_MAX_SOURCE_BYTES,
            "needs_key": settings.GEXEC_REQUIRE_API_KEY and not filled.token,
            "token": filled.token,
            "interactive": settings.GEXEC_INTERACTIVE > 0,
            "snippet": filled.snippet,
            "may_store": settings.GEXEC_SNIPPETS == snippets.ON and not settings.GEXEC_REQUIRE_API_KEY,
        },
    }
    return answered("pages/playground.html", context, request, status=status)


def answered(template: str, context: dict[str, Any], request: HttpRequest, *, status: int = 200) -> HttpResponse:
    """Any page of these, with its headers."""
    return HttpResponse(render_to_string(template, context, request), status=status, headers=HEADERS)
