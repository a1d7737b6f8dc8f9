"""The paths of Piston, with both of its prefixes."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, re_path

from executions.compat.piston.connect import ConnectView
from executions.compat.piston.views import ExecuteView, NoSuchRoute, PackagesView, RuntimesView, VersionView
from executions.compat.views import both

_PREFIXES = ("api/v2", "api/v2/piston")


def _at(prefix: str) -> Iterator[URLPattern]:
    yield from both(prefix, VersionView.as_view())
    yield from both(f"{prefix}/runtimes", RuntimesView.as_view())
    yield from both(f"{prefix}/execute", ExecuteView.as_view())
    yield from both(f"{prefix}/connect", ConnectView.as_view())
    yield from both(f"{prefix}/packages", PackagesView.as_view())


urlpatterns = [
    *(pattern for prefix in _PREFIXES for pattern in _at(prefix)),
    re_path("^api/v2/", NoSuchRoute.as_view()),
]
