"""The admin as a site of this project: its front page says how the service does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DataError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from dispatch import admin_page
from executions import dashboard
from gexec.admin_input import Checked
from gexec.health import parts
from languages.lookup import names_by_image

logger = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])
_A_LIST = "changelist_view"
"""Django's method of every ModelAdmin."""


class Site(admin.AdminSite):
    """Django's, with a dashboard above the list of applications."""

    site_header = site_title = "gexec"
    index_title = "Operation"
    index_template = "executions/dashboard.html"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """With what all classes of the admin have in common put before this one."""
        admin_class = admin_class or admin.ModelAdmin
        if not issubclass(admin_class, Checked):
            admin_class = type(admin_class.__name__, (Checked, admin_class), {})
        super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """With the part of the front page that is asked for again and again."""
        again = self.admin_view(require_safe(self.dashboard))
        hosts = self.admin_view(self.hosts)
        own = [path("dashboard/", again, name="dashboard"), path("hosts/", hosts, name="hosts")]
        return [*own, *super().get_urls()]

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """For those who may; lists say so where their address means nothing."""
        return super().admin_view(_refusing_nonsense(view) if view.__name__ == _A_LIST else view, cacheable)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Without numbers for those who may not see executions."""
        return super().index(request, {**self._numbers(request), **(extra_context or {})})

    def dashboard(self, request: HttpRequest) -> HttpResponse:
        """The numbers alone."""
        if not (numbers := self._numbers(request)):
            raise PermissionDenied
        response = TemplateResponse(request, "executions/dashboard_numbers.html", numbers)
        add_never_cache_headers(response)
        return response

    def hosts(self, request: HttpRequest) -> HttpResponse:
        """The machines that run programs, where others than this one do."""
        return admin_page.hosts(request, self.each_context(request), names=names_by_image)

    def _numbers(self, request: HttpRequest) -> dict[str, Any]:
        may_see = request.user.has_perm(dashboard.SEEN_BY)
        return dashboard.context_for(request, parts.current()) if may_see else {}


def _refusing_nonsense(view: View) -> View:
    """A list may be asked for any lookup of any column, as `?name__regex=(`: some values only PostgreSQL refuses."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return cast("HttpResponse", view(request, *args, **kwargs))
        except (LookupError, TypeError, ValueError, DataError, ProgrammingError) as error:
            if not request.GET:
                raise
            logger.warning("a list of the admin was asked for what it cannot look for", exc_info=error)
            raise BadRequest("nothing can be looked for in that way") from error

    return cast("View", wrapped)
