"""The URL table: the API at the root, the admin under /admin/."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

admin.site.site_header = admin.site.site_title = "gexec"
admin.site.index_title = "Operation"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("executions.urls")),
]

handler400 = "gexec.errors.bad_request"
handler403 = "gexec.errors.permission_denied"
handler404 = "gexec.errors.page_not_found"
handler500 = "gexec.errors.server_error"
