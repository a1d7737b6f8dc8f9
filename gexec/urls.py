"""The URL table: the seed contract and the pages at the root, the API by resource below /api/v1/, the doors of other
services that are open, the admin below /admin/.
"""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from gexec.health import HealthView, ReadyView
from rest.documents import DocsView, SchemaView
from rest.views import NoSuchPath

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", HealthView.as_view()),
    path("readyz", ReadyView.as_view()),
    path("", include("executions.seed.urls")),
    path("", include("pages.urls")),
    path("api/schema", SchemaView.as_view(), name="api-schema"),
    path("api/docs", DocsView.as_view(), name="api-docs"),
    path("", include("executions.compat.urls")),
    path("api/v1/", include("executions.api.urls")),
    path("api/v1/", include("clients.urls")),
    path("api/v1/", include("languages.urls")),
    path("api/v1/", include("files.urls")),
    path("api/v1/", include("webhooks.urls")),
    path("api/v1/", include("snippets.urls")),
    re_path("^api/v1/", NoSuchPath.as_view()),
]

handler400 = "gexec.errors.bad_request"
handler403 = "gexec.errors.permission_denied"
handler404 = "gexec.errors.page_not_found"
handler500 = "gexec.errors.server_error"
