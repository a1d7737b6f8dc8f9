"""GET /api/v1/languages: what programs can be written in, and what they get."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from languages import programs
from languages.lookup import unsupported
from languages.models import Language
from languages.options import options_of
from languages.warm import warm_profiles
from rest.problems import ApiView
from sandbox.types import Profile


class LanguagesView(ApiView):
    """All enabled languages, by slug."""

    def get(self, request: Request) -> HttpResponseBase:
        """The list, or 304."""
        warm = warm_profiles()
        languages = [_resource(language, warm) for language in Language.objects.catalogued() if language.enabled]
        return _cached(request, {"languages": languages})


class LanguageView(ApiView):
    """One enabled language."""

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """The one with this slug, alias or version, as /execute would take it."""
        language = Language.objects.matching(name)
        if language is None or not language.enabled:
            raise NotFound(unsupported(name))
        return _cached(request, _resource(language, warm_profiles()))


def _resource(language: Language, warm: Collection[Profile]) -> dict[str, Any]:
    return {
        "slug": language.slug,
        "name": language.name,
        "aliases": language.aliases,
        "version": language.version,
        "versions": [
            {"slug": other.slug, "version": other.version}
            for other in Language.objects.versions(language.slug)
            if other.enabled
        ],
        "source_file": language.source_file,
        "example": language.example,
        "limits": {option.name: getattr(language, option.name) for option in options_of(Language) if option.in_api},
        "warm": programs.profile_of(language) in warm,
    }


def _cached(request: Request, data: object) -> HttpResponseBase:
    """JSON with an ETag over it, which a client has to ask about each time; 304 where it has this answer already."""
    body = JSONRenderer().render(data)
    etag = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    response = HttpResponse(body, content_type="application/json")
    response["ETag"], response["Cache-Control"] = etag, "no-cache"
    return get_conditional_response(request._request, etag=etag, response=response) or response
