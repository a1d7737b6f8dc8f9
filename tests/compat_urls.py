"""The URL table with all doors open, for tests that ask Django's own client."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from executions.compat.problems import built
from executions.compat.urls import patterns
from gexec import urls
from gexec.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns: list[URLPattern | URLResolver] = [*patterns(built(), root="judge0"), *urls.urlpatterns]
