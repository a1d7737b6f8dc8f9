"""Middleware that only the admin needs, kept off every other path: the API has no session, no cookies and no pages.

Django's own classes in their place would cost every request of the API 0.26 ms, as measured with GET /ping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from axes.middleware import AxesMiddleware
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.csrf import CsrfViewMiddleware

from rest.client_address import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseForbidden
    from django.http.response import HttpResponseBase

ADMIN_PATH = "/admin/"


class _AdminOnly:
    """Put before a middleware class: other paths go straight on to what comes after it."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(ADMIN_PATH):
            response: HttpResponseBase = super().__call__(request)  # type: ignore[misc]  # the class beside this one has it
        else:
            response = self.get_response(request)
        return response


class AdminSession(_AdminOnly, SessionMiddleware):
    """The session of one who is logged in."""


class AdminCsrf(_AdminOnly, CsrfViewMiddleware):
    """Forms that come from our own pages."""

    def process_view(
        self, request: HttpRequest, callback: Callable[..., Any], callback_args: tuple[Any, ...], callback_kwargs: Any
    ) -> HttpResponseForbidden | None:
        """Django calls this for every path; the API takes no cookies, so that no request can be forged with them."""
        if not request.path_info.startswith(ADMIN_PATH):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class AdminAuthentication(_AdminOnly, AuthenticationMiddleware):
    """Who is logged in."""


class AdminMessages(_AdminOnly, MessageMiddleware):
    """Messages shown on the next page."""


class AdminContentSecurityPolicy(_AdminOnly, CSPMiddleware):
    """What the pages may load."""


class AdminAxes(_AdminOnly, AxesMiddleware):  # type: ignore[misc]  # axes has no types
    """The answer to one who has tried too many passwords."""


def client_ip(request: HttpRequest) -> str | None:
    """The address that axes counts failed log-ins of, seen through the proxies that are trusted."""
    return client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES)
