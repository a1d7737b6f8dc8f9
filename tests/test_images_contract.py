"""What every host of images promises: the same tests for Docker and for the fake that stands in for it elsewhere."""

from __future__ import annotations

import gc
import io
import secrets
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.archives import file_tar
from sandbox.docker import DockerImages, connect
from sandbox.engine import Images
from sandbox.errors import EngineUnavailable, ImageBuildFailed, ImageMissing, SandboxError
from sandbox.testing import FakeImages

NAME = f"gexec-test/contract-{secrets.token_hex(4)}"


@pytest.fixture(params=["fake", "docker"])
def images(request: pytest.FixtureRequest) -> Iterator[Images]:
    made: Images = FakeImages() if request.param == "fake" else DockerImages()
    yield made
    for name in (NAME, f"{NAME}:2", f"{NAME}-other"):
        made.remove(name)
    made.close()


def root_file_system(content: bytes) -> io.BytesIO:
    return io.BytesIO(file_tar("file", content))


def context(recipe: str, **files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in {"Dockerfile": recipe.encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def build(images: Images, recipe: str, lines: list[str], **files: bytes) -> None:
    images.build(tag=NAME, context=context(recipe, **files), buildargs={}, labels={"a": "b"}, on_line=lines.append)


def test_a_host_that_is_there_answers(images: Images) -> None:
    images.ping()
    assert "runc" in images.runtimes()


def test_what_is_not_there_is_not_found(images: Images) -> None:
    assert images.find(NAME) is None
    assert images.find(f"{NAME}:2") is None
    assert images.find("sha256:" + "0" * 64) is None


def test_an_imported_image_is_found_by_its_name_and_by_its_digest(images: Images) -> None:
    made = images.import_tar(root_file_system(b"one"), NAME)
    assert made.tags == (f"{NAME}:latest",)
    assert made.id.startswith("sha256:")
    for name in (NAME, f"{NAME}:latest", made.id):
        assert images.find(name) == made


def test_a_name_belongs_to_the_image_that_took_it_last(images: Images) -> None:
    old = images.import_tar(root_file_system(b"one"), NAME)
    images.tag(old.id, f"{NAME}-other")
    new = images.import_tar(root_file_system(b"two"), NAME)
    assert images.find(NAME) == new
    left = images.find(old.id)
    assert left is not None
    assert left.tags == (f"{NAME}-other:latest",)


def test_a_tag_is_a_second_name_and_the_image_goes_with_the_last(images: Images) -> None:
    made = images.import_tar(root_file_system(b"one"), NAME)
    images.tag(NAME, f"{NAME}:2")
    second = images.find(f"{NAME}:2")
    assert second is not None
    assert (second.id, set(second.tags)) == (made.id, {f"{NAME}:latest", f"{NAME}:2"})
    images.remove(NAME)
    assert images.find(NAME) is None
    assert images.find(made.id) is not None
    images.remove(f"{NAME}:2")
    assert images.find(made.id) is None


def test_what_was_built_here_is_listed_with_its_label_and_nothing_else_is(images: Images) -> None:
    images.import_tar(root_file_system(b"one"), f"{NAME}-other")
    images.build(
        tag=NAME,
        context=context(f"FROM {NAME}-other\nLABEL x={NAME}"),
        buildargs={},
        labels={"gexec.kind": "test"},
        on_line=print,
    )
    made = images.made_here()
    assert images.find(NAME) in made
    assert images.find(f"{NAME}-other") not in made


def test_no_container_uses_what_was_made_just_now(images: Images) -> None:
    made = images.import_tar(root_file_system(b"one"), NAME)
    assert made.id not in images.used()


def test_removing_what_is_not_there_is_fine(images: Images) -> None:
    images.remove(NAME)


def test_tagging_what_is_not_there_is_an_error(images: Images) -> None:
    with pytest.raises(ImageMissing):
        images.tag(NAME, f"{NAME}:2")


def test_a_build_tells_its_steps_and_leaves_the_image_under_its_tag(images: Images) -> None:
    lines: list[str] = []
    build(images, "FROM scratch\nCOPY file /file\n", lines, file=b"content")
    found = images.find(NAME)
    assert found is not None
    assert f"{NAME}:latest" in found.tags
    # Docker adds steps of its own, such as one for the labels.
    steps = [line.partition(" : ")[2] for line in lines if line.startswith("Step ")]
    assert steps[:2] == ["FROM scratch", "COPY file /file"]


def test_a_build_that_fails_is_an_error_with_the_end_of_its_log(images: Images) -> None:
    with pytest.raises(ImageBuildFailed) as caught:
        build(images, "FROM scratch\nCOPY absent /\n", [])
    assert " : COPY absent /" in caught.value.log_end
    assert images.find(NAME) is None


def test_pulling_what_no_registry_has_is_an_error(images: Images) -> None:
    with pytest.raises(SandboxError):
        images.pull(f"localhost:1/{NAME}", lambda _line: None)


def test_closing_twice_is_fine_and_it_answers_after_that(images: Images) -> None:
    images.close()
    images.close()
    images.ping()


@pytest.mark.parametrize("kind", ["fake", "docker"])
# The docker SDK leaves the socket of a call that failed to be closed by Python's garbage collection.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_host_that_is_away_is_one_error_whatever_is_asked(kind: str, tmp_path: Path) -> None:
    away: Images = FakeImages(failing=EngineUnavailable("away"))
    if kind == "docker":
        away = DockerImages(connect(base_url=f"unix://{tmp_path}/no.sock"))
    calls: tuple[Callable[[], object], ...] = (
        away.ping,
        away.runtimes,
        lambda: away.find(NAME),
        lambda: away.import_tar(root_file_system(b""), NAME),
        lambda: away.pull(NAME, lambda _line: None),
        lambda: away.push(NAME, lambda _line: None),
        lambda: away.tag(NAME, f"{NAME}:2"),
        lambda: away.remove(NAME),
        lambda: build(away, "FROM scratch\n", []),
    )
    for call in calls:
        with pytest.raises(EngineUnavailable):
            call()
    away.close()
    gc.collect()


def test_the_fake_pulls_what_its_registry_has() -> None:
    images = FakeImages()
    published = FakeImages().add(NAME)
    images.registry[NAME] = published
    assert images.pull(NAME, lambda _line: None) == published
    assert images.pulled == [NAME]
