"""All languages are built from nothing and tested in parts, and a second run goes on where one ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from dispatch import active
from languages import figures, folders, rounds
from languages.management.commands import languages_test
from languages.models import Language
from languages.rounds import Round, Went
from languages.selftest.run import Verdict
from languages.toolchain import installs, language_images
from languages.toolchain.errors import InstallError
from languages.toolchain.installs import SelfTest
from sandbox.errors import EngineUnavailable
from sandbox.testing import FakeImages
from sandbox.types import ImageInfo

pytestmark = pytest.mark.django_db
IMAGE = ImageInfo("sha256:1", (), 1, "")


class Work:
    """What was built in this test, and what goes wrong there."""

    def __init__(self) -> None:
        self.built: list[str] = []
        self.broken: dict[str, Exception] = {}
        self.failing: set[str] = set()
        self.tight: set[str] = set()

    def build(self, language: Language, *_: Any, refresh: bool) -> ImageInfo:
        assert refresh, "from nothing"
        self.built.append(language.slug)
        if language.slug in self.broken:
            raise self.broken[language.slug]
        return IMAGE

    def test(self, language: Language, *_: Any) -> SelfTest:
        problem = "printed ''" if language.slug in self.failing else ""
        share = 0.9 if language.slug in self.tight else 0.8
        return SelfTest(IMAGE, "1", (Verdict("hello", problem, None, 1.0, 1, memory_share=share),))

    def done(self) -> list[str]:
        built, self.built = self.built, []
        return built


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, fake_images: FakeImages) -> Work:
    made = Work()
    monkeypatch.setattr(folders, "slugs", lambda: ["awk", "lua", "perl"])
    monkeypatch.setattr(language_images, "ensure_base", lambda _report: "base")
    monkeypatch.setattr(installs, "load_folder", lambda slug, **_: Language(slug=slug))
    monkeypatch.setattr(installs, "build", made.build)
    monkeypatch.setattr(installs, "self_test", made.test)
    monkeypatch.setattr(languages_test, "slug_of", lambda name: name)
    monkeypatch.setattr(active, "close", lambda **_: None)
    return made


def run(state: Path, *words: str) -> int:
    try:
        call_command("languages_test", "--state", str(state), *words)
    except SystemExit as ended:
        return int(str(ended.code))
    return 0


def test_a_run_goes_on_with_what_is_left_and_what_has_failed(work: Work, tmp_path: Path) -> None:
    state = tmp_path / "kept" / "state.json"
    work.broken["awk"], work.failing = InstallError("no package gawk"), {"lua"}
    assert run(state, "--at-most", "1") == 1
    assert work.done() == ["awk"]
    # What was never tried comes before what has failed.
    assert run(state) == 1
    assert work.done() == ["lua", "perl", "awk"]
    work.broken.clear()
    work.failing = set()
    assert run(state) == 0
    assert work.done() == ["awk", "lua"]
    # All have passed: another round.
    assert run(state) == 0
    assert work.done() == ["awk", "lua", "perl"]
    assert run(state, "--again", "perl") == 0
    assert work.done() == ["perl"]


def test_who_has_no_room_for_a_larger_program_has_not_passed(
    work: Work, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that only takes what there is has."""

    def with_less(language: Language, _image: str, case: str, *, memory_share: float) -> Verdict:
        assert memory_share < 0.9
        return Verdict(case, "ended out_of_memory" if language.slug == "lua" else "", None, 1.0, 1)

    monkeypatch.setattr(languages_test, "run_with_less", with_less)
    work.tight = {"lua", "perl"}
    assert run(tmp_path / "state") == 1
    printed = capsys.readouterr().out
    assert "lua: FAILED (0 s): hello: with 85% of its memory: ended out_of_memory" in printed
    assert "perl: passed" in printed


def test_an_image_that_was_not_there_goes_again(
    work: Work, fake_images: FakeImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(language: Language, *_: Any, **__: Any) -> ImageInfo:
        return fake_images.add(name := f"gexec/{language.slug}", f"{name}:000000000001")

    for slug in ("awk", "lua", "perl"):
        row = {"name": slug, "source_file": "a", "run_command": ["a"], "image": f"gexec/{slug}"}
        Language.objects.create(slug=slug, enabled=slug == "perl", tested_at=timezone.now(), image_digest="x", **row)
    monkeypatch.setattr(installs, "build", build)
    fake_images.add("gexec/awk")
    assert run(tmp_path / "state") == 0
    there = {slug: fake_images.find(f"gexec/{slug}") is not None for slug in ("awk", "lua", "perl")}
    assert there == {"awk": True, "lua": False, "perl": True}
    assert fake_images.find("gexec/lua:000000000001") is None
    assert run(tmp_path / "other", "--keep", "lua") == 0
    assert fake_images.find("gexec/lua") is not None


def test_what_was_changed_since_it_passed_is_tested_again(tmp_path: Path) -> None:
    state, other = Round(tmp_path / "state"), Round(tmp_path / "state")
    state.write("lua", Went("lua:1", rounds.today()))
    other.write("awk", Went("awk:1", rounds.today()))
    assert Round(tmp_path / "state").left({"lua": "lua:2", "awk": "awk:1"}) == ["lua"]
    # Two at once each keep what the other has done.
    state.write("lua", Went("lua:2", rounds.today()))
    assert Round(tmp_path / "state").left({"lua": "lua:2", "awk": "awk:2"}) == ["awk"]
    (tmp_path / "state").write_text('["broken"')
    assert Round(tmp_path / "state").left({"lua": "lua:2", "awk": "awk:1"}) == ["awk", "lua"]


def test_a_docker_that_is_away_is_no_languages_fault(work: Work, tmp_path: Path) -> None:
    work.broken["lua"] = EngineUnavailable("Docker does not answer")
    with pytest.raises(CommandError, match="Docker does not answer"):
        call_command("languages_test", "--state", str(tmp_path / "state"))
    work.broken.clear()
    assert work.done() == ["awk", "lua"]
    assert run(tmp_path / "state") == 0
    assert work.done() == ["lua", "perl"]


def test_a_folder_that_is_not_there_is_refused(work: Work, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder nowhere"):
        run(tmp_path / "state", "nowhere")
    assert work.done() == []


def test_what_it_takes_is_told_before_it_begins() -> None:
    told = figures.expected(["lua", "haskell", "new"])
    assert told.startswith("3 images to build: up to ")
    assert told.endswith("that were never measured")
    known = figures.all_figures()
    assert f"up to {((known['lua'].image_mb or 0) + (known['haskell'].image_mb or 0) - 160) / 1000:.1f} GB" in told
