"""The catalogue tells what a language is and costs; many are installed as one action; what fails stops no other."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from languages import figures, folders, tasks
from languages.management.commands.language_figures import with_table
from languages.models import Language, LanguageTask
from languages.selftest.run import Verdict
from languages.toolchain import installs, language_images
from languages.toolchain.base_image import Report
from languages.toolchain.errors import InstallError
from sandbox.testing import FakeImages
from sandbox.types import ImageInfo
from testkit.servers import PROJECT
from testkit.waiting import eventually

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CATALOGUE = "admin:languages_language_catalogue"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
pytestmark = pytest.mark.django_db(transaction=True)


class Work:
    """Builds and self-tests that take no Docker. Those in `held` wait until they are let go."""

    def __init__(self, images: FakeImages) -> None:
        self.images = images
        self.go_on = threading.Event()
        self.at_once: set[str] = set()
        self.most = 0
        self.broken = {"ruby"}

    def build(
        self, language: Language, _report: Report, *, refresh: bool = False, on_line: Report = print
    ) -> ImageInfo:
        self.at_once.add(language.slug)
        self.most = max(self.most, len(self.at_once))
        on_line("Step 2/4 : RUN make")
        assert self.go_on.wait(60)
        self.at_once.discard(language.slug)
        if language.slug in self.broken:
            raise InstallError(f"building {language.image} failed", log_end="no rule to make it")
        return self.images.add(language.image)


@pytest.fixture
def work(fake_images: FakeImages, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """What building and testing does in this test; at its end no thread is at work."""
    made = Work(fake_images)
    monkeypatch.setattr(language_images, "build", made.build)
    monkeypatch.setattr(installs, "reported_version", lambda _language, _image: "1.2.3")
    monkeypatch.setattr(installs, "listed_packages", lambda *_: [])
    monkeypatch.setattr(installs, "run_cases", lambda *_: [Verdict("hello", "", None, 1.0, 1)])
    yield made
    made.go_on.set()
    eventually(lambda: not tasks._in_flight)


def states(client: Client) -> dict[str, str]:
    answer = client.get(reverse("admin:languages_language_catalogue_status")).json()
    return {slug: status["state"] for slug, status in answer.items()}


def test_every_folder_has_its_figures_and_the_documentation_says_the_same() -> None:
    known = figures.all_figures()
    assert set(known) == set(folders.slugs())
    text = (PROJECT / "docs" / "languages.md").read_text()
    assert with_table(text) == text, "manage.py language_figures writes it"
    assert "| Brainfuck | `args` | There are no arguments" in text
    assert set(figures.all_packages()) <= set(known)


@pytest.mark.parametrize(
    ("slug", "places"),
    [
        ("typescript", ["Debian", "PyPI", "npm"]),
        ("lua", ["Debian"]),
        ("java@libs", ["Debian", "Maven"]),
        ("rust@libs", ["Debian", "its backports", "crates"]),
        ("go@libs", ["Debian", "its backports", "Go modules"]),
    ],
)
def test_the_documentation_says_where_an_image_comes_from(slug: str, places: list[str]) -> None:
    assert figures.sources(folders.read(slug)) == places


def test_a_folder_that_is_new_has_no_figures() -> None:
    assert figures.Figures().build_s is None


def test_the_page_tells_version_size_and_time(admin_client: Client, python: Language) -> None:
    page = admin_client.get(reverse(CATALOGUE)).content.decode()
    line = page[page.index('data-slug="haskell"') :].split("</tr>")[0]
    assert ">9.6.6<" in line
    assert "1035 MB" in line
    assert "5 min" in line
    enabled = page[page.index('data-slug="python"') :].split("</tr>")[0]
    assert "disabled" in enabled.split("</td>")[0]
    assert ">enabled<" in enabled


def test_many_are_installed_and_what_fails_stops_no_other(admin_client: Client, work: Work) -> None:
    chosen = ["lua", "ruby", "perl", "awk"]
    admin_client.post(reverse(CATALOGUE), {"slug": [*chosen, "../base"], "install": "1"})
    eventually(lambda: len(work.at_once) == tasks.AT_ONCE)
    assert set(states(admin_client).values()) == {"installing"}
    waiting = LanguageTask.objects.filter(headline="waiting for its turn")
    assert waiting.count() == len(chosen) - tasks.AT_ONCE
    changed_meanwhile = Language.objects.filter(slug__in=chosen, tasks__in=waiting)
    for language in changed_meanwhile:
        language.memory_mb = 200
        language.save()
    work.go_on.set()
    eventually(lambda: "installing" not in states(admin_client).values())
    assert states(admin_client) == {"lua": "enabled", "ruby": "install failed", "perl": "enabled", "awk": "enabled"}
    assert work.most == tasks.AT_ONCE
    assert [row.untested for row in Language.objects.filter(enabled=True)] == [[], [], []]
    ruby = admin_client.get(reverse("admin:languages_language_catalogue_status")).json()["ruby"]
    assert ruby["error"] == "building gexec/ruby failed"
    assert not Language.objects.get(slug="ruby").enabled
    work.broken.clear()
    admin_client.post(reverse(CATALOGUE), {"slug": "ruby", "install": "1"})
    eventually(lambda: states(admin_client)["ruby"] == "enabled")
    assert LanguageTask.objects.filter(language__slug="ruby").latest("id").started_by == "admin"


def test_a_self_test_that_fails_enables_nothing(
    admin_client: Client, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installs, "run_cases", lambda *_: [Verdict("hello", "printed ''", None, 1.0, 1)])
    work.go_on.set()
    admin_client.post(reverse(CATALOGUE), {"slug": "lua", "install": "1"})
    eventually(lambda: states(admin_client)["lua"] == "install failed")
    assert LanguageTask.objects.get().error == "failed 1 of 1: hello"
    assert not Language.objects.get().enabled


def test_what_is_busy_or_has_a_taken_name_is_refused_and_the_others_begin(admin_client: Client, work: Work) -> None:
    Language.objects.create(slug="mine", name="M", aliases=["rb"], image="x", source_file="a", run_command=["a"])
    admin_client.post(reverse(CATALOGUE), {"slug": "lua", "install": "1"})
    page = admin_client.post(reverse(CATALOGUE), {"slug": ["lua", "ruby", "awk"], "install": "1"}, follow=True)
    text = page.content.decode()
    assert "Lua was not begun: lua is being worked on already." in text
    assert "already names mine." in text
    assert "already names mine.." not in text
    assert "1 language is being built" in text
    assert LanguageTask.objects.count() == 2


def test_several_are_only_added(admin_client: Client, work: Work) -> None:
    admin_client.post(reverse(CATALOGUE), {"slug": ["lua", "awk"]})
    assert set(Language.objects.values_list("slug", "enabled")) == {("lua", False), ("awk", False)}
    assert not LanguageTask.objects.exists()
    assert "Choose at least one language." in admin_client.post(reverse(CATALOGUE), {}, follow=True).content.decode()


def test_who_may_only_add_installs_nothing(client: Client, work: Work) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="add_language"))
    client.force_login(clerk)
    assert "Build, test and enable" not in client.get(reverse(CATALOGUE)).content.decode()
    assert client.post(reverse(CATALOGUE), {"slug": "lua", "install": "1"}).status_code == 403
    assert client.get(reverse("admin:languages_language_catalogue_status")).status_code == 403
    assert not Language.objects.exists()


@pytest.fixture
def operator(work: Work) -> None:
    """Made before the browser starts: its event loop would get connections of its own."""
    User.objects.create_superuser("operator", password="a-long-password-1")


@pytest.fixture
def page(operator: None, live_server: Any) -> Iterator[Page]:
    """The catalogue in a browser."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport=WIDE)  # type: ignore[arg-type]  # a dictionary of its shape
        page.goto(f"{live_server.url}/admin/login/?next={reverse(CATALOGUE)}")
        page.fill("#id_username", "operator")
        page.fill("#id_password", "a-long-password-1")
        page.click("[type=submit]")
        yield page
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium: apt-get install chromium")
def test_an_operator_chooses_and_watches(page: Page, work: Work) -> None:
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    install = page.locator("button[name=install]")
    expect(install).to_be_disabled()
    for slug in ("haskell", "lua", "ruby"):
        page.check(f"input[value={slug}]")
    expect(page.locator("[data-part=chosen]")).to_have_text("3 chosen, at most 1.2 GB, about 6 min")
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a dictionary of its shape
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"wider than {size['width']} px"
        expect(install).to_be_in_viewport()
    install.click()
    expect(page.locator("[data-slug=lua] .gexec-state")).to_contain_text("installing", timeout=30_000)
    expect(page.locator("[data-slug=lua] input")).to_be_disabled()
    work.go_on.set()
    expect(page.locator("[data-slug=lua] .gexec-state")).to_have_text("enabled", timeout=60_000)
    expect(page.locator("[data-slug=ruby] .gexec-state")).to_contain_text("building gexec/ruby failed", timeout=60_000)
    expect(page.locator("[data-slug=ruby] input")).to_be_enabled()
    assert errors == []
