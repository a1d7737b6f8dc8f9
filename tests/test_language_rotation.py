"""Each run of the tests builds the languages that were changed and some in rotation, so that none rots unseen."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from languages import folders
from tests.language_rotation import (
    ALWAYS,
    BUDGET_MB,
    LARGE_MB,
    affordable,
    changed_slugs,
    image_sizes_mb,
    slugs_of_the_day,
    slugs_to_test,
)

TODAY = datetime.date(2026, 1, 1)


def test_every_language_has_its_day() -> None:
    sizes = image_sizes_mb()
    days = [slugs_of_the_day(sizes, TODAY + datetime.timedelta(days=day)) for day in range(7 * len(sizes))]
    assert {slug for day in days for slug in day} == set(folders.slugs()) - ALWAYS
    assert all(len(day) == 1 or sum(sizes[slug] for slug in day) <= BUDGET_MB for day in days)


def test_the_large_ones_have_the_sundays() -> None:
    sizes = image_sizes_mb()
    for number in range(60):
        day = TODAY + datetime.timedelta(days=number)
        is_large = {sizes[slug] >= LARGE_MB for slug in slugs_of_the_day(sizes, day)}
        assert is_large == {f"{day:%A}" == "Sunday"}


def test_the_size_of_every_image_is_documented() -> None:
    assert image_sizes_mb()["haskell"] > image_sizes_mb()["lua"]


def test_the_smallest_of_many_changed_ones_are_taken() -> None:
    sizes = {"a": 500, "b": 100, "c": 200}
    assert affordable(["a", "b", "c"], sizes, 300) == ["b", "c"]
    assert affordable(["a"], sizes, 300) == ["a"]
    assert affordable([], sizes, 300) == []


@pytest.mark.parametrize(("asked", "slugs"), [("lua perl", ["lua", "perl"]), ("lua,c", ["lua", "c"])])
def test_the_caller_may_choose(monkeypatch: pytest.MonkeyPatch, asked: str, slugs: list[str]) -> None:
    monkeypatch.setenv("GEXEC_TEST_LANGUAGES", asked)
    assert slugs_to_test() == slugs


def test_the_caller_may_have_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEXEC_TEST_LANGUAGES", "all")
    assert slugs_to_test() == folders.slugs()


def git(project: Path, *arguments: str) -> None:
    names = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *names, *arguments], cwd=project, check=True, capture_output=True)


def write(project: Path, slug: str) -> None:
    folder = project / "languages" / "images" / slug
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM x\n")


def test_changed_folders_are_those_of_the_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--initial-branch=main")
    for slug in ("old", "previous"):
        write(tmp_path, slug)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--message", slug)
    assert changed_slugs(tmp_path) == {"previous"}
    git(tmp_path, "switch", "--create", "branch")
    for slug in ("first", "second"):
        write(tmp_path, slug)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--message", slug)
    assert changed_slugs(tmp_path) == {"first", "second"}


def test_without_git_nothing_has_changed(tmp_path: Path) -> None:
    assert changed_slugs(tmp_path) == set()
