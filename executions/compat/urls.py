"""The paths of the doors that GEXEC_COMPAT opens; a door that is closed has none."""

from __future__ import annotations

from collections.abc import Container, Iterator
from importlib import import_module

from django.conf import settings
from django.urls import URLPattern, URLResolver

from executions.compat.problems import built


def patterns(doors: Container[str], root: str = "") -> Iterator[URLPattern | URLResolver]:
    """Those of the doors that are named, and of the one at the root."""
    for door in built():
        if door in doors:
            urls = import_module(f"{__package__}.{door.value}.urls")
            yield from urls.urlpatterns
            if door == root:
                yield from urls.root_urlpatterns


urlpatterns = list(patterns(settings.GEXEC_COMPAT, settings.GEXEC_COMPAT_ROOT))
