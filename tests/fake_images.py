"""The host of images that the languages see in tests: the sandbox's fake, with the images of python and go."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from languages.toolchain import docker_host
from sandbox.testing import FakeImages


def holds(images: FakeImages, ids: Mapping[str, str]) -> None:
    """The host has these names, with the ids that they stand for, and nothing else."""
    images.clear()
    for name, image_id in ids.items():
        images.add(name, image_id=image_id)


@pytest.fixture
def fake_images(monkeypatch: pytest.MonkeyPatch) -> FakeImages:
    """The Docker host has the images of the languages that the tests have."""
    images = FakeImages()
    holds(images, {"gexec/python": "sha256:1", "gexec/go": "sha256:2"})
    monkeypatch.setattr(docker_host, "images", lambda **_: images)
    return images
