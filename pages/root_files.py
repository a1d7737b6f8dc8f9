"""What browsers and machines look for at the root of every site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe

_ROBOTS = """\
User-agent: *
Allow: /$
Allow: /api/docs
Disallow: /
"""
_EXPIRES_AFTER = timedelta(days=180)
"""RFC 9116 wants less than a year; it is made anew each time it is asked for."""


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """The front page and the reference may be indexed; runs and results may not."""
    return HttpResponse(_ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For pages that do not name it, such as the admin's."""
    return HttpResponseRedirect(static("pages/icon.svg"))


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a hole, as RFC 9116 has it; 404 where the operator has said nobody."""
    contacts = settings.GEXEC_SECURITY_CONTACT
    if not contacts:
        raise Http404
    expires = datetime.now(UTC).replace(microsecond=0) + _EXPIRES_AFTER
    lines = [f"Contact: {contact}" for contact in contacts]
    lines += [f"Expires: {expires.isoformat().replace('+00:00', 'Z')}", "Preferred-Languages: en", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
