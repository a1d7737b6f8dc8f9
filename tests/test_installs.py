"""Images are built once, a failed build leaves what was there, and an admin's changes are kept."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest
from django.utils import timezone

from languages import folders
from languages.models import Language
from languages.selftest.run import version_in
from languages.toolchain import docker_host, installs, language_images
from languages.toolchain.base_image import DEFAULT_MIRROR, base_tag, sources, system_mirror
from languages.toolchain.errors import InstallError

IMAGE = "gexec-test/odd"
TOML = f'name = "Odd"\nsource_file = "main.odd"\nrun = ["cat", "{{source}}"]\nimage = "{IMAGE}"\n'


def quiet(_line: str) -> None:
    """A report that is not read."""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker_client: docker.DockerClient) -> Iterator[Path]:
    """A language's folder whose image takes no time to build; its images are removed after the test."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "language.toml").write_text(TOML)
    (folder / "hello.odd").write_text("hello")
    write_dockerfile(folder, "LABEL odd=1")

    monkeypatch.setattr(folders, "IMAGES", tmp_path)
    yield folder
    for image in docker_client.images.list(IMAGE):
        docker_client.images.remove(image.id, force=True)


def write_dockerfile(folder: Path, *lines: str) -> None:
    (folder / "Dockerfile").write_text("\n".join(["ARG BASE=gexec/base", "FROM ${BASE}", *lines, ""]))


def test_an_image_is_built_once_and_again_when_its_folder_changes(odd: Path) -> None:
    reports: list[str] = []
    language = Language(slug="odd", image=IMAGE)
    first = language_images.build(language, reports.append)
    assert language_images.build(language, reports.append).id == first.id
    assert [line for line in reports if "building gexec-test" in line] == ["odd: building gexec-test/odd"]
    write_dockerfile(odd, "LABEL odd=2")
    second = language_images.build(language, quiet)
    assert second.id != first.id
    assert language_images.image_of(language) == docker_host.images().find(second.id)


def test_the_self_test_is_no_part_of_what_an_image_is_made_of(odd: Path) -> None:
    language = Language(slug="odd", image=IMAGE)
    first = language_images.build(language, quiet)
    (odd / "selftest").mkdir()
    (odd / "selftest" / "stdin.odd").write_text("x")
    assert language_images.build(language, quiet).id == first.id


def test_a_failed_build_leaves_the_image_and_says_why(odd: Path) -> None:
    language = Language(slug="odd", image=IMAGE)
    before = language_images.build(language, quiet)
    write_dockerfile(odd, "RUN echo the disk is made of cheese && exit 3")
    with pytest.raises(InstallError) as failed:
        language_images.build(language, quiet)
    assert "the disk is made of cheese" in failed.value.log_end
    assert "the disk is made of cheese" in str(failed.value)
    after = language_images.image_of(language)
    assert after is not None
    assert after.id == before.id


def test_a_refreshed_image_is_made_anew(odd: Path) -> None:
    write_dockerfile(odd, "RUN cat /proc/sys/kernel/random/uuid > /made")
    language = Language(slug="odd", image=IMAGE)
    first = language_images.build(language, quiet)
    assert language_images.build(language, quiet, refresh=True).id != first.id


def test_a_language_without_a_folder_cannot_be_built() -> None:
    with pytest.raises(InstallError, match="no folder nowhere"):
        language_images.build(Language(slug="nowhere", image="gexec-test/nowhere"), quiet)


@pytest.mark.django_db
def test_a_folder_is_loaded_once_and_keeps_what_an_admin_changed() -> None:
    Language.objects.filter(slug="lua").delete()
    language = installs.load_folder("lua")
    assert (language.name, language.source_file, language.enabled) == ("Lua", "main.lua", False)
    Language.objects.filter(slug="lua").update(memory_mb=32, name="Moon")
    assert (installs.load_folder("lua").memory_mb, installs.load_folder("lua").name) == (32, "Moon")
    assert installs.load_folder("lua", force=True).name == "Lua"


@pytest.mark.django_db
def test_a_folder_whose_alias_is_taken_is_refused() -> None:
    Language.objects.create(slug="mine", name="Mine", aliases=["kt"], image="x", source_file="a", run_command=["a"])
    with pytest.raises(InstallError, match="already names mine"):
        installs.load_folder("kotlin")


@pytest.mark.django_db
def test_a_language_is_enabled_only_after_its_test_passed_on_this_very_image() -> None:
    language = Language.objects.create(
        slug="mine", name="Mine", image="gexec-test/nowhere", source_file="a", run_command=["a"]
    )
    with pytest.raises(InstallError, match="The image gexec-test/nowhere is not on the Docker host"):
        installs.enable(language)
    language.image = language_images.ensure_base(quiet)
    with pytest.raises(InstallError, match="Its self-test has not passed yet"):
        installs.enable(language)
    language.tested_at, language.image_digest = timezone.now(), "sha256:of-before"
    with pytest.raises(InstallError, match="The image has changed since its self-test"):
        installs.enable(language)
    found = language_images.image_of(language)
    assert found is not None
    language.image_digest = found.id
    language.save()
    installs.enable(language)
    assert Language.objects.get(slug="mine").enabled


@pytest.mark.django_db
def test_a_language_without_an_image_cannot_be_tested() -> None:
    language = Language(slug="mine", name="Mine", image="gexec-test/nowhere", source_file="a", run_command=["a"])
    with pytest.raises(InstallError, match="gexec-test/nowhere is not on the Docker host: build or pull it"):
        installs.self_test(language, quiet)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Python 3.13.5\n", "3.13.5"),
        ("go version go1.24.4 linux/amd64\n", "1.24.4"),
        ("R version 4.5.0 (2025-04-11) -- x\n", "4.5.0"),
        ('openjdk version "25.0.5.1" 2026-11-17', "25.0.5.1"),
        ("GNU Awk 5.2.1, API 3.2", "5.2.1"),
        ("SBCL 2.5.2.debian", "2.5.2.debian"),
        ("27\n", "27"),
        ("no number", ""),
    ],
)
def test_the_version_is_found_in_what_the_interpreter_says(text: str, version: str) -> None:
    assert version_in(text) == version


def test_the_mirror_is_the_one_of_this_machines_apt(tmp_path: Path) -> None:
    assert system_mirror(tmp_path) == DEFAULT_MIRROR
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "a.list").write_text("# deb http://no.example/debian trixie main\ndeb https://x.example/apt other main\n")
    assert system_mirror(tmp_path) == DEFAULT_MIRROR
    (parts / "b.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/debian/\nSuites: bookworm bookworm-updates\nComponents: main\n"
    )
    assert system_mirror(tmp_path) == "http://mirror.example/debian"
    (tmp_path / "sources.list").write_text("deb [arch=amd64] http://near.example/debian trixie main\n")
    assert system_mirror(tmp_path) == "http://near.example/debian"


def test_security_updates_come_from_where_they_are_known_to_be() -> None:
    assert sources("http://near.example/debian") == [
        "deb http://near.example/debian trixie main",
        "deb http://near.example/debian trixie-updates main",
    ]
    assert sources(DEFAULT_MIRROR)[-1] == "deb http://deb.debian.org/debian-security trixie-security main"


def test_a_file_system_becomes_an_image_from_a_file(docker_client: docker.DockerClient) -> None:
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo("large")
            member.size = 3_000_000
            archive.addfile(member, io.BytesIO(bytes(member.size)))
        packed.seek(0)
        image = docker_host.images().import_tar(packed, "gexec-test/imported:1")
    try:
        assert image.tags == ("gexec-test/imported:1",)
        assert image.size_bytes == 3_000_000
    finally:
        docker_client.images.remove(image.id, force=True)


def test_another_mirror_makes_another_base() -> None:
    assert base_tag("http://near.example/debian") != base_tag("http://far.example/debian")
