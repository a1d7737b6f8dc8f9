"""Hosts have the images that programs need: they fetch them from a registry, and say which they have."""

from __future__ import annotations

import asyncio
import io
import secrets
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from dispatch import base
from dispatch.backends.nats import Nats
from dispatch.base import Task, result_of
from dispatch.testing import FakeBackend
from languages.models import Language
from sandbox.archives import file_tar
from sandbox.docker import DockerImages
from sandbox.host.images import HostImages
from sandbox.hosts import HostState, ImageState, Inventory, is_digest, registry_name
from sandbox.messages import encode, images_of
from sandbox.testing import FakeImages
from sandbox.types import ImageInfo, Job, Limits, Outcome, Profile, Step, WarmTarget
from testkit.hosts import fleet
from testkit.registry import program, registry
from testkit.waiting import eventually

REGISTRY = "registry.example:5000"
ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


def of_registry(*ids: str) -> dict[str, ImageInfo]:
    return {registry_name(REGISTRY, each): ImageInfo(each, (), 1, "") for each in ids}


async def wanted(images: HostImages, *ids: str) -> None:
    """Have it look for these, once."""
    images.want(ids)
    keeping = asyncio.create_task(images.keep())
    await images.ready.wait()
    keeping.cancel()


def test_what_is_wanted_is_fetched_before_the_first_job_and_what_cannot_be_had_is_said() -> None:
    docker = FakeImages(registry=of_registry(TWO))
    docker.add(image_id=ONE)

    async def look() -> tuple[ImageState, ...]:
        images = HostImages(docker, REGISTRY)
        assert not images.ready.is_set()
        await wanted(images, ONE, TWO, THREE, "gexec/base")
        images.ran(ONE, has_result=True)
        images.ran(ONE, has_result=False)
        return images.states()

    one, two, three = asyncio.run(look())
    assert one == ImageState(ONE, there=True, programs=1, failures=1)
    assert two == ImageState(TWO, there=True)
    assert (three.image, three.there) == (THREE, False)
    assert "no such image" in three.problem
    assert docker.pulled == [registry_name(REGISTRY, TWO)]


def test_an_image_that_is_not_what_its_name_says_is_not_kept() -> None:
    docker = FakeImages(registry={registry_name(REGISTRY, ONE): ImageInfo(TWO, (), 1, "")})

    async def look() -> tuple[ImageState, ...]:
        images = HostImages(docker, REGISTRY)
        await wanted(images, ONE)
        return images.states()

    (state,) = asyncio.run(look())
    assert not state.there
    assert "another image" in state.problem
    assert docker.removed == [registry_name(REGISTRY, ONE)]


def test_jobs_that_wait_for_an_image_have_it_fetched_once() -> None:
    docker = FakeImages(registry=of_registry(ONE))

    async def need() -> None:
        images = HostImages(docker, REGISTRY)
        await asyncio.gather(*(images.need({ONE}) for _ in range(5)))
        await images.need({ONE})

    asyncio.run(need())
    assert docker.pulled == [registry_name(REGISTRY, ONE)]


def test_without_a_registry_jobs_are_asked_for_at_once_and_nothing_is_fetched() -> None:
    docker = FakeImages()

    async def need() -> bool:
        images = HostImages(docker)
        await images.need({ONE})
        return images.ready.is_set()

    assert asyncio.run(need())
    assert not docker.pulled


@pytest.mark.parametrize("name", ["sha256:" + "g" * 64, "sha256:12", "gexec/python", "md5:" + "1" * 64])
def test_only_digests_are_fetched(name: str) -> None:
    assert not is_digest(name)
    assert is_digest(ONE)


@pytest.mark.skipif(program() is None, reason="docker-registry is not there (apt-get install docker-registry)")
def test_a_host_fetches_the_image_of_a_job_from_a_registry(prepared_data_dir: Path, tmp_path: Path) -> None:
    name = f"gexec-test/fetched-{secrets.token_hex(4)}"
    with closing(DockerImages()) as images, registry(tmp_path) as address:
        made = [images.import_tar(_tar(f"{name}-{number}"), f"{name}-{number}") for number in range(2)]
        for number, image in enumerate(made):
            images.tag(image.id, registry_name(address, image.id))
            images.push(registry_name(address, image.id), lambda _line: None)
            for each in (registry_name(address, image.id), f"{name}-{number}"):
                images.remove(each)
            assert images.find(image.id) is None
        try:
            with fleet() as hosts:
                backend = Nats(hosts.url, slots=2, queue=2, wait_ms=60_000)
                with closing(backend.link):
                    backend.keep_warm({profile(made[0].id): WarmTarget(0, 0)})
                    hosts.start_host("fetching", settings={"GEXEC_HOST_REGISTRY": address})
                    # Wanted before it came, so there before it asks; the other one when a job needs it.
                    assert images.find(made[0].id) is not None
                    assert images.find(made[1].id) is None
                    eventually(lambda: not all(host.draining for host in backend.link.hosts()))
                    for image in made:
                        (step,) = result_of(backend.submit(task(image.id))).steps
                        assert step.outcome is Outcome.SANDBOX_ERROR
                    said = eventually(
                        lambda: [each for host in backend.link.hosts() for each in images_of(host)],
                        until=lambda said: bool(said and said[0].programs),
                    )
                    assert said == [ImageState(made[0].id, there=True, programs=1)]
        finally:
            for image in made:
                images.remove(registry_name(address, image.id))


def _tar(content: str) -> io.BytesIO:
    return io.BytesIO(file_tar("file", content.encode()))


def profile(image: str) -> Profile:
    return Profile(image, 64 << 20, 100_000, 16, 16 << 20)


def task(image: str) -> Task:
    """Of a program that the image has not: what runs is the host's part of it."""
    step = Step("run", ("/none",), Limits(wall_ms=20_000, output_bytes=1000))
    return Task(id=secrets.token_hex(8), profile=profile(image), job=Job((), (step,)))


@pytest.mark.usefixtures("engine_answers")
def test_the_command_and_the_admin_say_which_host_has_which_image(
    fake_backend: FakeBackend, admin_client: Client, monkeypatch: pytest.MonkeyPatch, python: Language
) -> None:
    Language.objects.filter(pk=python.pk).update(image_digest=ONE)
    had = (ImageState(ONE, there=True, programs=7, failures=2), ImageState(TWO, there=False, problem="no <b> there"))
    host = HostState("one-1", "one", slots=4, in_use=1, version="1", images=encode(Inventory(had)))
    monkeypatch.setattr(fake_backend, "remote", True)
    monkeypatch.setattr(fake_backend, "fleet", lambda: base.Fleet([host], {"interactive": 0, "batch": 0}, images_of))
    said = StringIO()
    call_command("hosts", "images", stdout=said)
    assert said.getvalue().splitlines() == [
        f"one  {python.name}  there  7 programs  2 failed",
        "one  sha256:222222222222  missing: no <b> there",
    ]
    said = StringIO()
    call_command("hosts", "list", stdout=said)
    assert "images 1 of 2" in said.getvalue()
    page = admin_client.get("/admin/hosts/").content.decode()
    assert f"{python.name} (7 programs, 2 failed)" in page
    assert "no &lt;b&gt; there" in page


@pytest.mark.usefixtures("fake_backend", "python")
def test_images_of_enabled_languages_are_pushed_under_their_digest(fake_images: FakeImages, python: Language) -> None:
    image = fake_images.add("gexec/python")
    Language.objects.filter(pk=python.pk).update(image_digest=image.id)
    Language.objects.forget_catalogue()
    said = StringIO()
    call_command("hosts", "push", REGISTRY, stdout=said)
    assert fake_images.registry[registry_name(REGISTRY, image.id)].id == image.id
    assert fake_images.find(registry_name(REGISTRY, image.id)) is None
    assert image.id.removeprefix("sha256:") in said.getvalue()
