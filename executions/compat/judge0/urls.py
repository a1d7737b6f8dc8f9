"""The paths of the door, below /judge0/ and, where it is the one at the root, there as well."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, re_path

from executions.compat.judge0.base import Judge0View
from executions.compat.judge0.information import (
    AboutView,
    AllLanguagesView,
    AuthenticateView,
    AuthorizeView,
    ConfigInfoView,
    IsolateView,
    LanguagesView,
    LanguageView,
    LicenseView,
    StatisticsView,
    StatusesView,
    SystemInfoView,
    VersionView,
    WorkersView,
)
from executions.compat.judge0.submissions import BatchView, SubmissionsView, SubmissionView
from executions.compat.views import NothingHere, both

_ROUTES = (
    ("submissions", SubmissionsView),
    ("submissions/batch", BatchView),
    ("submissions/<str:token>", SubmissionView),
    ("languages", LanguagesView),
    ("languages/all", AllLanguagesView),
    ("languages/<str:language_id>", LanguageView),
    ("statuses", StatusesView),
    ("system_info", SystemInfoView),
    ("config_info", ConfigInfoView),
    ("isolate", IsolateView),
    ("about", AboutView),
    ("version", VersionView),
    ("license", LicenseView),
    ("statistics", StatisticsView),
    ("authenticate", AuthenticateView),
    ("authorize", AuthorizeView),
    ("workers", WorkersView),
)


class NothingBelow(NothingHere, Judge0View):
    """Any other path."""


def _below(prefix: str) -> Iterator[URLPattern]:
    for route, view in _ROUTES:
        yield from both(f"{prefix}{route}", view.as_view())


urlpatterns = [*_below("judge0/"), re_path("^judge0(?:/.*)?$", NothingBelow.as_view())]
root_urlpatterns = list(_below(""))
