"""Which packages an image has is asked in the sandbox, kept with what was tested, and told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from languages import folders
from languages.models import Language
from languages.packages import LONGEST, MOST, Package, debian_packages, listing_command, packages_in
from languages.selftest import run
from languages.selftest.run import Verdict, listed_packages
from languages.toolchain import installs, language_images
from sandbox.types import ImageInfo, Job, JobResult, Outcome, Profile, StepResult

NUMPY = Package(name="numpy", version="2.2.4")


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("numpy==2.2.4", "numpy", "2.2.4"),
        ("scikit-learn           1.4.2", "scikit-learn", "1.4.2"),
        ("rake (default: 13.1.0)", "rake", "13.1.0"),
        ("├── lodash@4.17.21", "lodash", "4.17.21"),
        ("├── @types/node@22.1.0", "@types/node", "22.1.0"),
        ("g++ 4:14.2.0-1", "g++", "14.2.0-1"),
        ("jaraco.context 6.0.1", "jaraco.context", "6.0.1"),
        ("github.com/stretchr/testify v1.10.0", "github.com/stretchr/testify", "1.10.0"),
    ],
)
def test_what_package_managers_print_is_understood(line: str, name: str, version: str) -> None:
    assert packages_in(line) == [Package(name=name, version=version)]


def test_what_is_no_package_is_left_out_and_there_is_an_end() -> None:
    assert packages_in("Package    Version\n---------- -------\n\nTraceback (most recent call last):\n<b>a 1</b>") == []
    assert packages_in(f"{'a' * (LONGEST + 1)} 1.0\nb {'1' * (LONGEST + 1)}") == []
    many = packages_in("".join(f"name{number} 1.0\n" for number in range(2 * MOST)))
    assert len(many) == MOST
    assert [each["name"] for each in packages_in("b 2\nA 1\nb 3")] == ["A", "b"]


def test_a_folder_that_names_no_command_has_those_of_debian_that_it_installs() -> None:
    folder = folders.read("cpp@libs")
    assert {"g++", "libboost-dev", "catch2"} <= set(debian_packages(folder))
    language = Language(**folder.fields)
    assert listing_command(language)[0] == "dpkg-query"
    language.image = "somebody/else"
    assert listing_command(language) == ()
    language.packages_command = ["pip", "list"]
    assert listing_command(language) == ("pip", "list")


def test_every_folder_names_what_lists_its_packages() -> None:
    assert [slug for slug in folders.slugs() if not listing_command(Language(**folders.read(slug).fields))] == []


def test_it_is_asked_in_the_sandbox_on_the_image_in_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be anybody's image: what it prints is data, and bounded."""
    asked: list[tuple[Profile, Job]] = []

    def run_job(profile: Profile, job: Job) -> JobResult:
        asked.append((profile, job))
        return JobResult((_ended(b"numpy 2.2.4\n"),))

    monkeypatch.setattr(run, "run_job", run_job)
    assert listed_packages(_language(["pip", "list"]), "sha256:new") == [NUMPY]
    ((profile, job),) = asked
    assert profile.image == "sha256:new"
    assert job.steps[0].argv == ("pip", "list")
    assert job.steps[0].limits.output_bytes <= 200_000
    assert listed_packages(_language([]), "sha256:new") == []
    assert len(asked) == 1


@pytest.mark.django_db
def test_they_change_with_the_image_that_has_passed(monkeypatch: pytest.MonkeyPatch, python: Language) -> None:
    image = ImageInfo("sha256:second", (), 1, "")
    found = [NUMPY]
    problems = [""]
    monkeypatch.setattr(installs, "image_of", lambda _language: image)
    monkeypatch.setattr(installs, "cases_for", lambda _language: [object()])
    monkeypatch.setattr(installs, "reported_version", lambda *_: "3.14")
    monkeypatch.setattr(installs, "run_cases", lambda *_: [Verdict("hello", problems[0], None, 1.0, 1)])
    monkeypatch.setattr(installs, "listed_packages", lambda *_: found)
    monkeypatch.setattr(language_images, "drop", lambda _digest: None)
    installs.self_test(python, lambda _line: None)
    assert packages_of(python) == [NUMPY]
    # One that fails goes live no more than its packages are told.
    found, problems[0] = [], "no"
    installs.self_test(python, lambda _line: None)
    assert packages_of(python) == [NUMPY]


@pytest.mark.django_db
def test_an_image_that_was_tested_before_is_asked_once(monkeypatch: pytest.MonkeyPatch, python: Language) -> None:
    asked: list[str] = []

    def listed(_language: Language, image: str) -> list[Any]:
        asked.append(image)
        return []

    monkeypatch.setattr(installs, "_image", lambda *_: ImageInfo(python.image_digest, (), 1, ""))
    monkeypatch.setattr(installs, "listed_packages", listed)
    for _ in range(2):
        installs.ensure(["python"], lambda _line: None)
    assert asked == [python.image_digest]
    assert packages_of(python) == []


@pytest.mark.usefixtures("fake_backend", "rate_limit_off")
def test_the_api_tells_them_of_one_language_and_not_in_the_list(python: Language) -> None:
    assert Client().get("/api/v1/languages/py").json()["packages"] == []
    python.packages = [NUMPY]
    python.save()
    assert Client().get("/api/v1/languages/py").json()["packages"] == [NUMPY]
    assert "packages" not in Client().get("/api/v1/languages").json()["languages"][0]


@pytest.mark.usefixtures("engine_answers")
def test_the_admin_tells_them(admin_client: Client, python: Language) -> None:
    status = reverse("admin:languages_language_status", args=[python.pk])
    name = "packages of the tested image"
    assert dict(admin_client.get(status).json()["facts"])[name] == "not known: test it"
    Language.objects.filter(pk=python.pk).update(packages=[NUMPY])
    assert dict(admin_client.get(status).json()["facts"])[name] == "numpy 2.2.4"


def packages_of(language: Language) -> Any:
    return Language.objects.values_list("packages", flat=True).get(pk=language.pk)


def _ended(stdout: bytes) -> StepResult:
    return StepResult(
        name="packages", outcome=Outcome.OK, exit_code=0, stdout=stdout, wall_ms=1.0, cpu_ms=1.0, peak_memory_bytes=1
    )


def _language(command: list[str]) -> Language:
    return Language(
        slug="odd", name="Odd", image="gexec-test/odd", source_file="a", run_command=["a"], packages_command=command
    )
