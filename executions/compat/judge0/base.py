"""What the views of the door share: where keys stand, how a request is read, and what it may ask for of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, ClassVar, cast
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from clients.rights import Right
from executions.compat.judge0.fields import InvalidFields, chosen, written
from executions.compat.judge0.results import Attributes
from executions.compat.problems import Reply
from executions.compat.views import DoorView, said
from executions.doors import Door
from rest.exceptions import Refusal
from rest.parsers import AnyJSONParser
from rest.views import body_of

TOKEN, USER, RAPID = "X-Auth-Token", "X-Auth-User", "X-RapidAPI-Key"
_FORM = "application/x-www-form-urlencoded"
_NO_TEXT = "cannot be converted to UTF-8, use base64_encoded=true query parameter"
ONE_IS_NO_TEXT = f"some attributes for this submission {_NO_TEXT}"
SOME_ARE_NO_TEXT = f"some attributes for one or more submissions {_NO_TEXT}"


class BodyParser(AnyJSONParser):
    """A JSON object, or a form; of JSON that is no object nothing is read, as there."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What was sent, by name. Raises Refusal."""
        self._is_form = (media_type or "").partition(";")[0].strip().lower() == _FORM
        return super().parse(stream, media_type, parser_context)

    def _loads(self, body: bytes) -> Any:
        text = body.strip()
        if not text:
            return {}
        if self._is_form and text[:1] not in (b"{", b"["):
            return _fields_in(text.decode(errors="replace"))
        loaded = super()._loads(body)
        return loaded if isinstance(loaded, dict) else {}

    _is_form = False


_MOST_FIELDS = 1_000


def _fields_in(form: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(form, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Refusal(f"the form has more than {_MOST_FIELDS} fields") from None


class Judge0View(DoorView):
    """A view of the door: its key is an authentication token, which may stand in the query as well."""

    door = Door.JUDGE0
    key_headers = (TOKEN, USER, RAPID)
    key_parameters = (TOKEN, USER)
    parser_classes = [BodyParser]
    authorizes: ClassVar[tuple[str, ...]] = ()
    """The methods that are about the second key where both are sent: it says who may list and delete."""

    def _find_key(self, request: HttpRequest) -> None:
        user = (request.headers.get(USER) or request.GET.get(USER, "")).strip()
        if request.method in self.authorizes and user:
            request.META["HTTP_AUTHORIZATION"] = f"Api-Key {user}"
        super()._find_key(request)

    @cached_property
    def sent(self) -> dict[str, Any]:
        """The body, by name."""
        return cast("dict[str, Any]", body_of(self.request)) if self.request.method == "POST" else {}

    def parameter(self, name: str) -> str | None:
        """A text of the body, or else of the query."""
        value = self.sent.get(name)
        return value if isinstance(value, str) else self.request.query_params.get(name)

    def is_asked(self, name: str) -> bool:
        """Whether it is asked for: nothing but `true` does that."""
        return self.parameter(name) == "true"

    @property
    def in_base64(self) -> bool:
        """Whether texts come, and go, in base64."""
        return self.is_asked("base64_encoded")

    def names(self) -> frozenset[str]:
        """The attributes that are asked for. Raises Reply."""
        try:
            return chosen(self.parameter("fields"))
        except InvalidFields as error:
            raise Reply(bad(f"invalid fields: [{error}]")) from None

    def told(self, submission: Attributes, names: frozenset[str]) -> dict[str, Any]:
        """A submission. Raises NotText."""
        return written(submission, names, in_base64=self.in_base64)


class ReadingView(Judge0View):
    """For whoever may look something up."""

    http_method_names = ["get", "head"]
    rights = dict.fromkeys(("GET", "HEAD"), Right.READ)
    for_pages = ("GET", "HEAD")


def bad(text: str) -> HttpResponse:
    """400, with the reason."""
    return said(400, {"error": text})
