"""What the tests of several doors share: a door asked without a server, and bodies that nobody thought of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.test import Client as HttpClient
from django.utils import timezone
from hypothesis import strategies as st

from clients.authentication import create
from clients.rights import Right
from languages.models import Language
from testkit.servers import RunningServer

JSON = "application/json"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def bodies(likely: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[bytes]:
    """Bodies with these fields, each as it should be or as it should not, with others, and what is no JSON at all."""
    fields = {name: right | VALUES for name, right in likely.items()}
    objects = st.fixed_dictionaries({}, optional=fields).flatmap(
        lambda known: st.dictionaries(st.text(max_size=8), VALUES, max_size=2).map(lambda other: other | known)
    )
    return (objects | VALUES).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)


class Door:
    """Asks a door as a client of the other service does."""

    def __init__(self, key: str, header: str) -> None:
        self.key = key
        self.http = HttpClient(raise_request_exception=False)
        self._headers = {header: key} if key else {}

    def post(self, path: str, body: Any, *, content_type: str = JSON, **headers: str) -> Any:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.http.post(path, data, content_type=content_type, headers={**self._headers, **headers})

    def get(self, path: str, **headers: str) -> Any:
        return self.http.get(path, headers={**self._headers, **headers})

    def delete(self, path: str) -> Any:
        return self.http.delete(path, headers=self._headers)


def door(header: str, *, client: str = "somebody", rights: Any = Right) -> Door:
    """With a key of a client of its own."""
    return Door(create("k", client=client, rights=rights), header)


def language(slug: str, source_file: str, *, compiled: bool = False) -> Language:
    """An enabled language, as installed."""
    return Language.objects.create(
        slug=slug,
        name=slug,
        version="1",
        image=f"gexec/{slug}",
        image_digest=f"sha256:{slug}",
        source_file=source_file,
        compile_command=["compile", "{source}"] if compiled else [],
        run_command=["run", "{source}"],
        tested_at=timezone.now(),
        enabled=True,
    )


_INSTALLED: set[tuple[str, str]] = set()
_ENABLE = """
from django.utils import timezone
from languages.figures import all_figures
from languages.toolchain import installs, language_images
for slug in {slugs!r}:
    language = installs.load_folder(slug)
    image = language_images.image_of(language) or installs.build(language, print)
    language.image_digest, language.version = image.id, all_figures()[slug].version
    language.tested_at, language.tested, language.enabled = timezone.now(), language.what_is_tested(), True
    language.save()
"""


def install(server: RunningServer, *slugs: str) -> None:
    """Have these enabled there; that their images work is for the tests of languages to say."""
    missing = [slug for slug in slugs if (server.base_url, slug) not in _INSTALLED]
    if missing:
        done = server.manage("shell", "-c", _ENABLE.format(slugs=missing))
        assert done.returncode == 0, done.stderr
        _INSTALLED.update((server.base_url, slug) for slug in missing)
