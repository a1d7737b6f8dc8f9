"""What both kinds of clients have: where the server is, and how calls become programs and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gexec_client.contents import Content
from gexec_client.flows import Flows
from gexec_client.results import Page
from gexec_client.retries import Retries
from gexec_client.transport import Place
from gexec_client.version import __version__


class Base:
    """A server and a key, which nothing here prints."""

    def __init__(self, server: str | None, key: str | None, retries: Retries | None) -> None:
        place = Place.given(server, key)
        self.server = place.server
        self.has_key = place.key is not None
        self._headers = place.headers(__version__)
        self._flows = Flows(retries or Retries())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.server!r})"

    def _next_page(self, params: Mapping[str, Any], page: Page) -> dict[str, Any] | None:
        """What asks for the page behind this one. Only its cursor is taken from the answer: no other address is."""
        cursor = dict(parse_qsl(urlsplit(page.next or "").query)).get("cursor")
        return {**params, "cursor": cursor} if page.has_more and cursor else None


def program_of(language: str, source_code: Content | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """One that has its source in one piece, or in `files`."""
    return {"language": language, "source_code": source_code, **options}


def history_params(page_size: int, tags: Mapping[str, str] | None, **filters: Any) -> dict[str, Any] | None:
    """The query of the first page."""
    given = {name: _told(value) for name, value in filters.items() if value is not None}
    return {"limit": page_size, **given, **{f"tag.{name}": value for name, value in (tags or {}).items()}}


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
