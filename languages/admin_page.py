"""A page of the admin that no form or list of Django's makes."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from languages.models import Language


def page(admin: ModelAdmin[Language], request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """With all that the admin's own pages have."""
    return TemplateResponse(
        request, template, {**admin.admin_site.each_context(request), "opts": admin.opts, **context}
    )
