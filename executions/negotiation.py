"""Which format an answer has: always the view's first one."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request


class AlwaysJSON(BaseContentNegotiation):
    """JSON whatever the Accept header says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002 (DRF's signature)
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:  # noqa: ARG002
        return renderers[0], renderers[0].media_type
