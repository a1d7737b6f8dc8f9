"""The tests start containers of images that gexec makes: no other image has to be on the machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from testkit.servers import PROJECT

# The makers of these images are registries, which a machine may not reach.
_PUBLIC = re.compile(r"(docker\.io/)?(library/)?(debian|ubuntu|alpine|busybox|python|golang|node|postgres)(:[\w.-]+)?")
_STARTS = {"run", "build", "create", "create_container", "pull", "get", "find", "start"}


def _images_named_in(source: str) -> Iterator[str]:
    """Names of public images that a call that makes or starts something is given, or that are a constant."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _STARTS:
            values = [
                part for argument in node.args + [word.value for word in node.keywords] for part in ast.walk(argument)
            ]
        elif isinstance(node, ast.Assign) and any(isinstance(it, ast.Name) and it.id.isupper() for it in node.targets):
            values = [node.value]
        else:
            continue
        texts = [part.value for part in values if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        yield from (text for text in texts if ":" in text and _PUBLIC.fullmatch(text))


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "attacks", "testkit"])
def test_no_test_names_an_image_that_nothing_makes(folder: str) -> None:
    files = [path for path in (PROJECT / folder).rglob("*.py") if "guests" not in path.parts]
    named = {str(path.relative_to(PROJECT)): list(_images_named_in(path.read_text())) for path in files}
    assert {path: names for path, names in named.items() if names} == {}


def test_the_search_sees_one() -> None:
    assert list(_images_named_in('BASE = "debian:trixie-slim"')) == ["debian:trixie-slim"]
    assert list(_images_named_in('client.images.build(buildargs={"BASE": "debian:12"})')) == ["debian:12"]
    assert list(_images_named_in('Case("an image", "debian:12")')) == []
