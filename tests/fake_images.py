"""Images on a Docker host that a test makes up, with the interface of the real ones; see test_images_contract."""

from __future__ import annotations

import pytest

from languages.toolchain import docker_host
from sandbox.docker import ImageInfo
from sandbox.errors import EngineUnavailable, ImageMissing

CREATED = "2026-01-02T03:04:05Z"


class FakeImages:
    """Names with the digests that they stand for. Where `error` is set, Docker does not answer."""

    def __init__(self, **ids: str) -> None:
        self.ids: dict[str, str] = dict(ids)
        self.error = ""

    def find(self, name: str) -> ImageInfo | None:
        digest = self._digest(name)
        return ImageInfo(digest, self._names(digest), 1_000_000, CREATED) if digest else None

    def tag(self, name: str, new_name: str) -> None:
        digest = self._digest(name)
        if digest is None:
            raise ImageMissing(f"the image {name} is not on the Docker host")
        self.ids[new_name] = digest

    def remove(self, name: str) -> None:
        digest = self._digest(name)
        for each in [name] if name in self.ids else self._names(digest or ""):
            del self.ids[each]

    def _digest(self, name: str) -> str | None:
        if self.error:
            raise EngineUnavailable(self.error)
        return self.ids.get(name) or (name if name in self.ids.values() else None)

    def _names(self, digest: str) -> tuple[str, ...]:
        return tuple(name for name, each in self.ids.items() if each == digest)


@pytest.fixture
def fake_images(monkeypatch: pytest.MonkeyPatch) -> FakeImages:
    """The Docker host has the images of the languages that the tests have."""
    images = FakeImages()
    images.ids = {"gexec/python": "sha256:1", "gexec/go": "sha256:2"}
    monkeypatch.setattr(docker_host, "images", lambda **_: images)
    return images
