"""Which pages may send what changes something; and the middleware that only the admin needs, kept off other paths.

The API has no session, no cookies and no pages. Django's own classes in their place would cost every request of the API
0.26 ms, as measured with GET /ping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from axes.middleware import AxesMiddleware
from corsheaders.middleware import CorsMiddleware
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from clients import origins
from clients.caller import Caller
from rest import correlation, observed, refusals, tracing, websocket
from rest.client_address import client_address
from rest.tracing import UNTRACED, Span

if TYPE_CHECKING:
    from django.http import HttpResponseForbidden

ADMIN_PATH = "/admin/"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_PROBES = ("/healthz", "/metrics", "/ping", "/readyz")
"""Asked every few seconds, for no person: they are in no trace."""
_CHANGE_NOTHING = ("GET", "HEAD", "OPTIONS")


def correlate(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware, the outermost: every answer has the request's id, and so have the log lines that it leaves.

    What an answer refuses with is told and counted here, once, whichever view or middleware it came from.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id = correlation.request_id_in(request.META)
        trace = UNTRACED if request.path_info in _PROBES else tracing.now()
        with correlation.within(request_id), trace.request(request.META) as span:
            response = get_response(request)
            code = refusals.code_of(response)
            if code is not None:
                _tell_refused(request, response, code)
            _tell_span(span, request, response, request_id)
        response.setdefault(correlation.HEADER, request_id)
        return response

    return middleware


def _tell_span(span: Span, request: HttpRequest, response: HttpResponseBase, request_id: str) -> None:
    method, route = request.method if request.method in METHODS else "_OTHER", route_of(request)
    span.call(f"{method} {route}" if route else str(method))
    span.say(method=method, route=route, status=response.status_code, request_id=request_id)
    if response.status_code >= 500:
        span.fail()


def _tell_refused(request: HttpRequest, response: HttpResponseBase, code: str) -> None:
    observed.REFUSALS.count(code)
    caller = getattr(request, "auth", None)
    about = {
        "client": str(caller.client_id) if isinstance(caller, Caller) else None,
        "execution": response.get("X-Execution-Id"),
        "method": request.method if request.method in METHODS else None,
        "route": route_of(request),
        "status": response.status_code,
    }
    refusals.tell(code, **{name: value for name, value in about.items() if value is not None})


def route_of(request: HttpRequest) -> str | None:
    """The pattern of the address, without what stands in it: that may be a secret."""
    match = request.resolver_match
    return None if match is None else f"/{match.route.removeprefix('^')}"


class ApiCors(CorsMiddleware):
    """CORS where there is an origin that is allowed: else it would only add a header to every answer."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.GEXEC_ALLOWED_ORIGINS and not origins.allow_cors(self, request):
            return cast("HttpResponseBase", self.get_response(request))
        return cast("HttpResponseBase", super().__call__(request))


class ForeignPage(PermissionDenied):
    """A page of another site sent the request with its reader's browser."""


def refuse_foreign_pages(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware: what a browser sends for a page of an origin that is not allowed is refused before anything is done.

    A browser sends such a request without asking first where it looks like a form, and text/plain is read as JSON
    here; nor does it ask before it opens a WebSocket. Without this any page could run programs on a server that only
    its reader can reach.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        changes = request.method not in _CHANGE_NOTHING or websocket.is_asked_for(request.META)
        if changes and _is_foreign(request):
            raise ForeignPage
        return get_response(request)

    return middleware


def _is_foreign(request: HttpRequest) -> bool:
    """Told by headers that no page can set; programs send neither."""
    origin, site = request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_SEC_FETCH_SITE")
    if site == "same-origin" or (origin is None and site != "cross-site"):
        return False
    if origin in settings.GEXEC_ALLOWED_ORIGINS:
        return False
    # A browser sends this header only where CORS allowed it before; the key in it is checked against the origin.
    if origins.sends_key(request) and origins.lists(origin, request.path_info):
        return False
    # The scheme may be that of a proxy in front.
    return origin is None or origin.partition("://")[2] != request.get_host()


def refuse_nul_in_admin(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware: the admin looks for whatever stands in an address, and PostgreSQL takes no NUL."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.startswith(ADMIN_PATH) and ("\x00" in path or "%00" in request.META.get("QUERY_STRING", "")):
            raise BadRequest("NUL in an address")
        return get_response(request)

    return middleware


class _AdminOnly:
    """Put before a middleware class: other paths go straight on to what comes after it, and after all of these."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)  # type: ignore[call-arg]  # the class beside this one takes it
        # Django wraps each of them, and says what it has wrapped.
        following = getattr(get_response, "__wrapped__", None)
        self._beyond: Callable[..., Any] = following._beyond if isinstance(following, _AdminOnly) else get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(ADMIN_PATH):
            response: HttpResponseBase = super().__call__(request)  # type: ignore[misc]  # the class beside this one has it
        else:
            response = self._beyond(request)
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
