"""Versions of a language stand side by side: each is tested as the language is, and keeps the image that it runs in."""

from __future__ import annotations

import pytest

from languages.models import Language
from languages.selftest.cases import cases_for
from languages.selftest.run import Verdict
from languages.toolchain import installs
from languages.versions import is_version
from sandbox.testing import FakeImages
from tests.fake_images import holds


@pytest.mark.parametrize("asked", ["3", "3.13", "3.13.5"])
def test_a_version_is_asked_for_as_exactly_as_one_likes(asked: str) -> None:
    assert is_version("Python 3.13.5", asked)


@pytest.mark.parametrize("asked", ["3.1", "2", "3.13.5.1", "", "python"])
def test_what_only_looks_like_a_version_is_none(asked: str) -> None:
    assert not is_version("Python 3.13.5", asked)


def test_nothing_is_a_version_of_what_reported_none() -> None:
    assert not is_version("", "3")


def version_of_python(**fields: object) -> Language:
    return Language(slug="python@3.11", example="print(1)", **{"source_file": "main.py", **fields})


def test_a_version_takes_the_tests_of_its_language() -> None:
    assert [case.name for case in cases_for(version_of_python())][:2] == ["hello", "stdin"]


def test_where_the_files_differ_the_example_is_the_test() -> None:
    assert [case.name for case in cases_for(version_of_python(source_file="prog.py"))] == ["example"]


@pytest.mark.parametrize("shared", [True, False])
def test_a_rebuilt_image_takes_the_old_one_away_unless_a_version_runs_in_it(
    python: Language, go: Language, fake_images: FakeImages, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    if shared:
        Language.objects.filter(pk=go.pk).update(image_digest=python.image_digest)
    holds(fake_images, {"gexec/python": "sha256:new", "gexec/python:old": "sha256:1"})
    monkeypatch.setattr(installs, "run_cases", lambda *_: [Verdict("hello", "", None, 1.0, 1)])
    monkeypatch.setattr(installs, "reported_version", lambda *_: "3.14")
    monkeypatch.setattr(installs, "listed_packages", lambda *_: [])
    assert installs.self_test(python, lambda _line: None).passed
    assert Language.objects.get(slug="python").image_digest == "sha256:new"
    assert (fake_images.find("gexec/python:old") is not None) is shared
