"""What the views of every door share: keys in other places, any Content-Type, and errors in the door's own words."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from clients.caller import Caller
from clients.throttling import DoorThrottle
from executions.compat import problems, running
from executions.compat.running import Program
from executions.doors import Door
from executions.models import OPEN, Execution
from executions.origins import caller_of
from rest.exceptions import Unavailable
from rest.parsers import AnyJSONParser
from rest.views import ApiEndpoint

_SCHEMES = ("api-key ", "bearer ")
_BASIC = "basic "
_AUTHORIZATION = "HTTP_AUTHORIZATION"


class DoorView(ApiEndpoint):
    """A view of a door. Its answers are Django's responses or DRF's, which become JSON.

    As for every endpoint: `rights` by method, `executes` the methods that count as executions for the rate limit,
    `for_pages` those that a publishable key may use. Whatever is raised becomes an answer by the door's `words.answer`.
    """

    door: ClassVar[Door]
    key_headers: ClassVar[tuple[str, ...]] = ()
    """Where the other service's clients put their key, besides `Authorization: Api-Key …` (or Bearer), which goes
    first; of several the first that is there."""
    key_parameters: ClassVar[tuple[str, ...]] = ()
    """The same in the query."""
    takes_bare_key = False
    """Whether `Authorization: …` may be the key alone, without a scheme."""
    takes_password = False
    """Whether `Authorization: Basic …` may have the key for a password, whoever the user is: so it comes from clients
    of which nothing but an address can be set, `http://gexec:KEY@host`."""
    parser_classes = [AnyJSONParser]
    throttle_classes = [DoorThrottle]

    @property
    def caller(self) -> Caller | None:
        """Who calls with a valid key."""
        return caller_of(self.request)

    def run(self, program: Program) -> Execution:
        """Run it for the request's caller to its end, or until the client is gone: see `running.run`."""
        return self._noted(running.run(self.request, self.door, program))

    def run_to_end(self, program: Program) -> Execution:
        """The same, for answers that know no end but one. Raises Unavailable where it was lost, and begins again."""
        execution = self.run(program)
        if execution.status in OPEN:
            raise Unavailable("the run was lost, and begins again", retry_after_s=5, code="engine_unavailable")
        return execution

    def enqueue(self, program: Program) -> Execution:
        """Take it in for whichever process takes it up; its row, queued: see `running.enqueue`."""
        return self._noted(running.enqueue(self.request, self.door, program))

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """The same, with the key where all of ours look for it."""
        self._find_key(request)
        return super().initialize_request(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Any:
        """The door's own words, whatever it is."""
        return problems.answered(self.door, exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The same, with the id of what was executed."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._execution is not None:
            response.setdefault("X-Execution-Id", str(self._execution.pk))
        return response

    _execution: Execution | None = None

    def _noted(self, execution: Execution) -> Execution:
        self._execution = execution
        return execution

    def _find_key(self, request: HttpRequest) -> None:
        sent = request.META.pop(_AUTHORIZATION, "").strip()
        if self.takes_password and sent.lower().startswith(_BASIC):
            sent = f"Api-Key {_password_in(sent[len(_BASIC) :])}"
        elif sent and self.takes_bare_key and not sent.lower().startswith(_SCHEMES):
            sent = f"Api-Key {sent}"
        headers = (request.headers.get(name, "") for name in self.key_headers)
        parameters = (request.GET.get(name, "") for name in self.key_parameters)
        named = (f"Api-Key {key.strip()}" for key in (*headers, *parameters) if key.strip())
        found = sent or next(named, "")
        if found:
            request.META[_AUTHORIZATION] = found


class NothingHere(DoorView):
    """Whatever else is below a door's paths: 404 in its words for every method, with a key or without."""

    http_method_names = []

    def initial(self, request: Request, *_args: object, **_kwargs: object) -> None:
        """Raised here, before permissions are checked."""
        self.check_throttles(request)
        raise NotFound("there is nothing here")


def both(route: str, view: Any, **kwargs: Any) -> list[URLPattern]:
    """The route with a slash at its end and without: clients send both, and follow no redirect with a body."""
    return [path(route, view, **kwargs), path(f"{route}/", view, **kwargs)]


def said(status: int, body: object = None, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer with this JSON, or with no body at all where it is None."""
    if body is None:
        return HttpResponse(status=status, headers=dict(headers or {}))
    return JsonAnswer(body, status=status, headers=dict(headers or {}))


class JsonAnswer(HttpResponse):
    """JSON with any value at its top, UTF-8 as it is: whatever a program prints is no surrogate and no NaN."""

    def __init__(self, body: object, **kwargs: Any) -> None:
        super().__init__(dumps(body), content_type="application/json", **kwargs)


def _password_in(credentials: str) -> str:
    """Of a user and a password in base64; what is none is a wrong key."""
    try:
        return base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")[2].strip() or "-"
    except ValueError:
        return "-"


def dumps(body: object) -> bytes:
    """JSON, with ? for half of a surrogate pair, and null for a number that is beyond all that a client may have sent.

    Such as 1e999, where what was sent is told again.
    """
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        finite = json.loads(json.dumps(body), parse_constant=lambda _: None)
        text = json.dumps(finite, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="replace")
