"""Images that builds have left are removed when they are old, and none that anything needs."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command

from languages.models import Language
from languages.toolchain import base_image, pruning
from sandbox.errors import EngineUnavailable
from sandbox.testing import FakeImages

pytestmark = pytest.mark.django_db
OLD = timedelta(days=7)
"""The fake's images are from 2026-01-02."""


@pytest.fixture
def built(fake_images: FakeImages, go: Language) -> FakeImages:
    """What several versions of gexec have built: two of it are the newest of their kind, one is used, one is tested."""
    fake_images.clear()
    names: dict[str, tuple[str, ...]] = {
        "old-python": ("gexec/python:000000000001",),
        "python": ("gexec/python:000000000002", "gexec/python:latest"),
        "tested": ("gexec/go:000000000001",),
        "used": ("gexec/go:000000000003",),
        "no-name": (),
        "old-base": ("gexec/base:000000000001",),
        "base": (base_image.base_tag(settings.GEXEC_DEBIAN_MIRROR),),
        "old-runner": ("gexec/runner:000000000001",),
        "runner": ("gexec/runner:000000000002",),
        "mine": ("gexec/python:mine",),
    }
    for image_id, tags in names.items():
        fake_images.add(*tags, image_id=image_id)
        fake_images.labelled.add(image_id)
    fake_images.add("gexec/other:000000000001", image_id="of-somebody-else")
    fake_images.in_use.add("used")
    Language.objects.filter(slug="go").update(image_digest="tested")
    return fake_images


def gone(images: FakeImages) -> set[str]:
    everything = {
        "old-python",
        "python",
        "tested",
        "used",
        "no-name",
        "old-base",
        "base",
        "old-runner",
        "runner",
        "mine",
    }
    return {image_id for image_id in everything | {"of-somebody-else"} if images.find(image_id) is None}


SUPERSEDED = {"old-python", "no-name", "old-base", "old-runner"}


def test_what_is_superseded_goes_and_all_else_stays(built: FakeImages) -> None:
    assert {image.id for image in pruning.prune(OLD, dry_run=True)} == SUPERSEDED
    assert gone(built) == set()
    assert {image.id for image in pruning.prune(OLD)} == SUPERSEDED
    assert gone(built) == SUPERSEDED
    assert list(pruning.prune(OLD)) == []


def test_what_builds_left_keeps_no_image(built: FakeImages) -> None:
    built.left = [10.0, 7200.0]
    assert list(pruning.prune(OLD, dry_run=True))
    assert built.left == [10.0, 7200.0]
    list(pruning.prune(OLD))
    assert built.left == [10.0]


def test_what_is_young_stays(built: FakeImages) -> None:
    assert list(pruning.prune(timedelta(days=365_00))) == []


def test_what_comes_into_use_meanwhile_stays_and_the_rest_goes(built: FakeImages) -> None:
    going = pruning.prune(OLD)
    next(going)
    built.in_use.add("old-base")
    assert "old-base" not in {image.id for image in going}
    assert "old-base" not in gone(built)


def test_the_task_does_it_where_it_is_asked_for(built: FakeImages, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pruning.carry_out(threading.Event()) == 0
    monkeypatch.setattr(settings, "GEXEC_PRUNE_DAYS", 7)
    assert pruning.carry_out(threading.Event()) >= len(SUPERSEDED)
    built.failing = EngineUnavailable("away")
    assert pruning.carry_out(threading.Event()) == 0


def test_the_command_says_what_goes(built: FakeImages, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("languages", "prune", "--dry-run")
    said = capsys.readouterr().out
    assert "gexec/python:000000000001: 0 MB, 2026-01-02" in said
    assert said.splitlines()[-1].endswith("would be removed")
    assert gone(built) == set()
