"""Django's admin, with this project's site as the one that all applications register with."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class GexecAdminConfig(AdminConfig):
    default_site = "gexec.admin_site.Site"
