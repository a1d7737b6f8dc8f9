"""What was tested is served: a change of commands, environment or limits waits for its self-test."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from languages.models import Language
from languages.models.language import NOT_TESTED
from languages.programs import profile_of, steps_of
from languages.selftest.run import Verdict
from languages.toolchain import installs, language_images
from languages.toolchain.errors import InstallError
from sandbox.testing import FakeImages
from sandbox.types import ImageInfo
from tests.fake_images import holds

CHANGES: dict[str, Any] = {
    "source_file": "other.py",
    "source_suffixes": [".py", ".pyw"],
    "compile_command": ["true"],
    "run_command": ["pyhton3", "{source}"],
    "environment": {"A": "b"},
    "memory_mb": 16,
    "compile_memory_mb": 16,
    "compile_timeout_ms": 1,
    "cpu_quota_us": 1000,
    "processes": 2,
    "tmpfs_mb": 1,
}


@pytest.fixture(autouse=True)
def images(fake_images: FakeImages) -> FakeImages:
    """What the Docker host has."""
    holds(fake_images, {"gexec/python": "sha256:1"})
    return fake_images


@pytest.fixture
def tested(python: Language) -> Language:
    """An enabled Python whose self-test has passed as it is."""
    python.tested = python.what_is_tested()
    python.save()
    return python


def served() -> Language:
    found = Language.objects.matching("python")
    assert found is not None
    return found


def programs(language: Language) -> object:
    return profile_of(language), steps_of(language, timeout_ms=1000)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_served_after_its_self_test(tested: Language, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = programs(served())
    setattr(tested, name, CHANGES[name])
    tested.save()
    assert programs(served()) == before
    assert tested.untested == [name]
    assert tested.why_not_enabled("sha256:1") == f"Changed since its self-test: {name}. Test it."
    _test(tested, monkeypatch, problem="no")
    assert programs(served()) == before
    _test(tested, monkeypatch, problem="")
    assert programs(served()) == programs(tested)
    assert getattr(served(), name) == CHANGES[name]
    assert tested.why_not_enabled("sha256:1") == ""


def _test(language: Language, monkeypatch: pytest.MonkeyPatch, *, problem: str) -> None:
    monkeypatch.setattr(installs, "image_of", lambda _language: ImageInfo("sha256:1", (), 1, ""))
    monkeypatch.setattr(installs, "cases_for", lambda _language: ["one"])
    monkeypatch.setattr(installs, "reported_version", lambda _language, _image: "1")
    monkeypatch.setattr(installs, "listed_packages", lambda *_: [])
    monkeypatch.setattr(installs, "run_cases", lambda *_: [Verdict("one", problem, None, 1.0, 1)])
    installs.self_test(language, lambda _line: None)


def test_programs_run_in_the_image_that_was_tested(tested: Language, images: FakeImages) -> None:
    holds(images, {"gexec/python": "sha256:new", "gexec/python:old": "sha256:1"})
    assert profile_of(served()).image == "sha256:1"


def test_what_was_taken_back_is_served_as_before(tested: Language) -> None:
    tested.run_command = ["pyhton3"]
    tested.save()
    tested.run_command = served().run_command
    tested.save()
    assert tested.untested == []


def test_other_changes_are_served_at_once(tested: Language) -> None:
    tested.timeout_ms, tested.warm_max, tested.output_bytes = 1000, 2, 500
    tested.save()
    assert (served().timeout_ms, served().warm_max, served().output_bytes) == (1000, 2, 500)


def test_a_disabled_language_is_not_enabled_with_what_was_not_tested(
    tested: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    Language.objects.update(enabled=False, memory_mb=64)
    monkeypatch.setattr(language_images, "image_of", lambda *_args, **_more: ImageInfo("sha256:1", (), 1, ""))
    with pytest.raises(InstallError, match=r"Changed since its self-test: memory_mb\. Test it"):
        installs.enable(Language.objects.get())
    assert NOT_TESTED not in tested.why_not_enabled("sha256:1")


def test_the_page_and_the_command_say_what_waits(
    admin_client: Client, tested: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("languages", "set", "py", "memory_mb=64")
    assert "python: memory_mb: served after `languages test python`" in capsys.readouterr().out
    status = admin_client.get(reverse("admin:languages_language_status", args=[tested.pk])).json()
    assert status["state"]["text"] == "enabled, change not tested"
    assert "until memory_mb has passed a self-test" in status["state"]["advice"]
    assert ["memory_mb, until tested", "128"] in status["facts"]
    assert served().memory_mb == 128


def test_words_are_set_as_on_a_command_line_and_arguments_need_no_test(tested: Language) -> None:
    tested.compile_command = ["true", "{compile_args}"]
    tested.tested = tested.what_is_tested()
    tested.save()
    call_command("languages", "set", "py", "compile_args=-O2 '-DA B*'")
    assert served().allowed_compile_args == ["-O2", "-DA B*"]
    call_command("languages", "set", "py", "source_suffixes=.py .pyw")
    assert served().source_suffixes == []
