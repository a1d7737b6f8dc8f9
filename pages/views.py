"""The playground: its page, the examples that it asks for, and the form of a browser without scripts."""

from __future__ import annotations

import shlex
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from clients.rights import Right
from clients.throttling import CallerThrottle
from executions import services
from executions.api.requests import asked_in
from executions.api.views import told_of
from executions.origins import caller_of, origin_of
from executions.seed.renderers import ErrorRenderer
from languages.models import Language
from pages import catalogue, words
from pages.page import Filled, answered, playground
from pages.plain import FormParser, Sent, sent_in
from pages.staff import staff_of
from rest import staff_pages
from rest.connections import DATABASE_AWAY
from rest.disconnect import watched
from rest.text import printable
from rest.views import Endpoint
from snippets import services as snippets
from snippets.models import Snippet

OFF, STAFF = "off", "staff"
_PAGE = "text/html"
_USUAL = "python"
_NO_DATABASE = "The database does not answer. Try again in a moment."
_NO_SNIPPET = "There is no such program: it was deleted, or nobody has looked at it for long."


def front(request: HttpRequest) -> HttpResponse:
    """GET /: the playground, or a front door, for those who ask for a page; for programs there is nothing here."""
    if request.method not in ("GET", "HEAD") or not _wants_page(request):
        raise Http404
    try:
        token = _token(request)
        if token is None:
            return _door(request)
        return playground(request, _begun(request, token))
    except DATABASE_AWAY:
        return _door(request, problem=_NO_DATABASE, status=503)


@require_safe
def snippet(request: HttpRequest, snippet_id: str) -> HttpResponse:
    """GET /s/ID: the page, with the program that was stored. It runs when somebody runs it."""
    try:
        token = _token(request)
        return _door(request) if token is None else _snippet_page(request, snippet_id, token)
    except DATABASE_AWAY:
        return _door(request, problem=_NO_DATABASE, status=503)


@require_safe
def examples(request: HttpRequest, name: str) -> HttpResponse:
    """GET /examples/NAME: what there is to begin with in a language."""
    language = catalogue.find(name)
    if language is None or _token(request) is None:
        raise Http404
    return JsonResponse(catalogue.beginnings(language), headers={"Cache-Control": "no-cache"})


@require_safe
def languages(request: HttpRequest) -> HttpResponse:
    """GET /languages: all that programs can be written in, with what there is beside each language itself."""
    try:
        if _token(request) is None:
            raise Http404
        return answered("pages/languages.html", {"languages": catalogue.enabled()}, request)
    except DATABASE_AWAY:
        return _door(request, problem=_NO_DATABASE, status=503)


class RunView(Endpoint):
    """POST /run: what the form sends. Its policy is that of POST /api/v1/executions, as its caller's is."""

    http_method_names = ["get", "post"]
    parser_classes = [FormParser]
    renderer_classes = [JSONRenderer]
    problem_renderer_class = ErrorRenderer
    throttle_classes = [CallerThrottle]
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    sent = Sent([])

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """DRF's; where there is no page, there is no such path."""
        if settings.GEXEC_PLAYGROUND == OFF:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The form first, as a key stands in it; then the same order as everywhere."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        if request.method != "POST":
            return
        unread: APIException | None = None
        try:
            self.sent = self._sent(request)
        except APIException as exc:
            unread = exc
        self.check_throttles(request)
        if unread is not None:
            raise unread
        self.perform_authentication(request)
        self.check_permissions(request)
        if settings.GEXEC_PLAYGROUND == STAFF and not staff_pages.opens(self.sent.token):
            raise PermissionDenied("This page is for the staff: log in to the admin, and load it again.")

    def get(self, request: Request) -> HttpResponseBase:
        """For one who reloads the address alone: the page."""
        return HttpResponseRedirect("/")

    def post(self, request: Request) -> HttpResponseBase:
        """Run it, and show the page again with how it ended."""
        asked = asked_in(self.sent.body(), caller=caller_of(request))
        with watched(request.META) as client:
            execution = services.execute(submission=asked.submission, origin=origin_of(request), client=client)
        return playground(request._request, self._filled(shown=words.ended(told_of(request, execution))))

    def handle_exception(self, exc: Exception) -> Any:
        """DRF's problem, in words, on the page with all that was typed."""
        response = super().handle_exception(exc)
        if response.status_code in (404, 405):
            return response
        wait = response.headers.get("Retry-After", "")
        filled = self._filled(problem=words.refused(response.data, wait))
        shown = playground(self.request._request, filled, status=response.status_code)
        for name in ("Retry-After", "WWW-Authenticate"):
            if name in response.headers:
                shown[name] = response.headers[name]
        return shown

    def _sent(self, request: Request) -> Sent:
        form = request.data
        sent = sent_in(form if isinstance(form, QueryDict) else QueryDict())
        # A form has no headers; what it says in their place counts as they do, from here on.
        if sent.key.isascii() and sent.key.isprintable() and sent.key:
            request._request.META["HTTP_AUTHORIZATION"] = f"Api-Key {sent.key}"
        if sent.token.isascii():
            request._request.META["HTTP_X_PAGE_TOKEN"] = sent.token
        return sent

    def _filled(self, **values: Any) -> Filled:
        sent, language = self.sent, catalogue.find(self.sent.language) or _usual()
        begun = catalogue.beginnings(language) if language else {}
        return Filled(
            language, sent.files, sent.stdin, sent.args, sent.example, token=sent.token, beginnings=begun, **values
        )


def _wants_page(request: HttpRequest) -> bool:
    """Whether a page is what it likes best; one that takes anything is a program."""
    return request.get_preferred_type(["application/json", _PAGE]) == _PAGE


def _token(request: HttpRequest) -> str | None:
    """What the page sends with its requests: nothing, or a token of staff. None: there is no page for this reader."""
    if settings.GEXEC_PLAYGROUND == STAFF:
        user = staff_of(request)
        return staff_pages.token_for(user) if user else None
    return None if settings.GEXEC_PLAYGROUND == OFF else ""


def _door(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"problem": problem, "for_staff": settings.GEXEC_PLAYGROUND == STAFF}
    return answered("pages/door.html", context, request, status=status)


def _begun(request: HttpRequest, token: str, *, problem: str = "") -> Filled:
    asked = request.GET.get("lang", "")
    language = catalogue.find(asked) if asked else _usual()
    if language is None and asked:
        problem = f"There is no language {printable(asked)} here."
    language = language or _usual()
    if language is None:
        return Filled(None, problem="No language is enabled yet: see to that in the admin.", token=token)
    begun = catalogue.beginnings(language)
    named = {example["name"]: example for example in begun["examples"]}
    example = named.get(request.GET.get("example", ""), begun["examples"][0])
    return Filled(
        language,
        example["files"],
        example["stdin"],
        shlex.join(example["args"]),
        example["name"],
        problem=problem,
        token=token,
        beginnings=begun,
    )


def _snippet_page(request: HttpRequest, snippet_id: str, token: str) -> HttpResponse:
    stored = snippets.find(snippet_id)
    language = catalogue.find(stored.language_slug) if stored else None
    if stored is None or language is None:
        problem = _NO_SNIPPET if stored is None else "The language of this program is not installed here."
        return playground(request, _begun(request, token, problem=problem), status=404)
    page = playground(request, _stored(stored, language, token))
    page["X-Robots-Tag"] = "noindex"
    return page


def _stored(stored: Snippet, language: Language, token: str) -> Filled:
    """What is no text is not for a form; the page's script has all of it."""
    program = stored.program
    files = [file for file in program["files"] if isinstance(file["content"], str)]
    return Filled(
        language,
        files,
        program["stdin"],
        shlex.join(program["args"]),
        token=token,
        beginnings=catalogue.beginnings(language),
        snippet={"id": stored.pk, **program},
    )


def _usual() -> Language | None:
    languages = catalogue.enabled()
    return catalogue.find(_USUAL) or (languages[0] if languages else None)
