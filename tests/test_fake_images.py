"""The images that tests make up behave as those of a Docker host do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import docker
import pytest

from languages.toolchain import language_images
from sandbox.docker import DockerImages
from sandbox.errors import EngineUnavailable, ImageMissing
from tests.fake_images import FakeImages

Images = DockerImages | FakeImages


@pytest.fixture(params=["fake", "docker"])
def images(request: pytest.FixtureRequest) -> Iterator[Images]:
    """Images among which gexec/base is one."""
    if request.param == "fake":
        fake = FakeImages()
        fake.ids["gexec/base:latest"] = fake.ids["gexec/base"] = "sha256:0"
        yield fake
        return
    language_images.ensure_base(lambda _line: None)
    with DockerImages() as real:
        yield real


@pytest.fixture
def other_name(images: Images, docker_client: docker.DockerClient) -> Iterator[str]:
    """A name that no image has yet, and none has after the test."""
    name = f"gexec-test/contract:{secrets.token_hex(4)}"
    yield name
    images.remove(name)


def test_an_image_is_found_by_its_name_and_by_its_digest(images: Images) -> None:
    found = images.find("gexec/base")
    assert found is not None
    assert found.id.startswith("sha256:")
    assert "gexec/base:latest" in found.tags
    assert found.size_bytes > 0
    assert found.created
    again = images.find(found.id)
    assert again is not None
    assert again.id == found.id


def test_what_is_not_there_is_not_found(images: Images) -> None:
    assert images.find("gexec-test/nowhere") is None


def test_a_second_name_is_given_and_taken(images: Images, other_name: str) -> None:
    images.tag("gexec/base", other_name)
    first, second = images.find("gexec/base"), images.find(other_name)
    assert first is not None
    assert second is not None
    assert first.id == second.id
    assert other_name in first.tags
    images.remove(other_name)
    assert images.find(other_name) is None
    assert images.find("gexec/base") is not None


def test_what_is_not_there_cannot_be_named_and_is_removed_already(images: Images, other_name: str) -> None:
    with pytest.raises(ImageMissing, match="gexec-test/nowhere"):
        images.tag("gexec-test/nowhere", other_name)
    images.remove("gexec-test/nowhere")


def test_a_docker_that_does_not_answer_is_told_apart_from_a_missing_image() -> None:
    fake = FakeImages()
    fake.error = "connection refused"
    with pytest.raises(EngineUnavailable):
        fake.find("gexec/base")
    with (
        DockerImages(docker.APIClient(base_url="tcp://127.0.0.1:9", version="1.41")) as away,
        pytest.raises(EngineUnavailable),
    ):
        away.find("gexec/base")
