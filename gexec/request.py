"""A request as Django reads it, but for what its Content-Type and its Accept can do to it."""

from __future__ import annotations

from operator import attrgetter

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.request import MediaType
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters

_UNREADABLE = (ValueError, LookupError)
"""What is raised for parameters in a charset that there is not, or that is no text."""


class Request(WSGIRequest):
    """Addresses and forms are UTF-8 whatever its Content-Type says, and whatever that is.

    Django takes every codec that Python has for a charset. Some of them read no text, or raise, and others take long;
    and it raises for parameters that it cannot read: all that while the request is made, which nothing answers.
    """

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        sent = meta.get("CONTENT_TYPE", "")
        try:
            self.content_type, self.content_params = parse_header_parameters(sent)
        except _UNREADABLE:
            # Whoever looks at it after this would fail as well.
            meta["CONTENT_TYPE"] = self.content_type = sent.partition(";")[0].strip().lower()
            self.content_params = {}

    @cached_property
    def accepted_types(self) -> list[MediaType]:
        """As Django's, without those that cannot be read."""
        named = self.headers.get("Accept", "*/*").split(",")
        found = [each for each in map(_media_type, named) if each is not None and each.quality != 0]
        return sorted(found, key=attrgetter("quality", "specificity"), reverse=True)


class Handler(WSGIHandler):
    """Django's, with these requests."""

    request_class = Request


def _media_type(text: str) -> MediaType | None:
    try:
        return MediaType(text) if text.strip() else None
    except _UNREADABLE:
        return None
