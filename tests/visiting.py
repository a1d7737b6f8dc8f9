"""Somebody before a page, with a real browser: what every test of pages fails on, whatever else it looks at."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from testkit.waiting import eventually

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium: apt-get install chromium")
SOON_MS = 30_000
"""Machines are slow: what has to come comes within this."""
TELL_POLICY = (
    """addEventListener("securitypolicyviolation", event => console.error("policy", event.violatedDirective))"""
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


_addresses = (f"10.20.{number // 250}.{number % 250 + 1}" for number in itertools.count())


class Site(Protocol):
    """Where the page is: a server, or a proxy before one."""

    @property
    def base_url(self) -> str: ...


@dataclass
class Visit:
    """A page with a person before it, and what must not happen there."""

    context: BrowserContext
    page: Page
    url: str
    address: str
    wrong: list[str] = field(default_factory=list)
    fine: str = ""
    """A pattern of errors on the console that the test brings about."""

    def open(self, path: str = "/") -> Page:
        """Load it, and wait for the editor."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector("#editor[data-ready]", timeout=SOON_MS)
        return self.page

    def says(self, text: str | re.Pattern[str]) -> None:
        """The line at the foot of the page."""
        expect(self.page.locator("#state")).to_have_text(text, timeout=SOON_MS)

    def run(self) -> None:
        self.page.click("#run-button")

    @property
    def output(self) -> str:
        return self.page.locator("#output").text_content() or ""

    @property
    def source(self) -> str:
        return "\n".join(self.page.locator(".cm-line").all_text_contents())

    def write(self, source: str) -> None:
        """Put a program in the place of the one in the editor."""
        self.page.locator(".cm-content").focus()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)


def _told(visit: Visit, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning") and not (visit.fine and re.search(visit.fine, message.text)):
        visit.wrong.append(f"console: {message.text}")


@contextmanager
def visiting(browser: Browser, site: Site, script: str = "", **options: Any) -> Iterator[Visit]:
    """A browser of its own. Fails on a request to another origin, a policy violation, an error or a dialog."""
    address = next(_addresses)
    options = {"viewport": {"width": 1280, "height": 800}} | options
    context = browser.new_context(extra_http_headers={"X-Forwarded-For": address}, **options)
    context.add_init_script(TELL_POLICY + ";" + script)
    visit = Visit(context, context.new_page(), site.base_url, address)
    ours = (f"{site.base_url}/", "about:blank", "data:", f"blob:{site.base_url}/")
    visit.page.on("request", lambda asked: None if asked.url.startswith(ours) else visit.wrong.append(asked.url))
    visit.page.on("console", lambda message: _told(visit, message))
    visit.page.on("pageerror", lambda error: visit.wrong.append(f"error: {error}"))
    visit.page.on("dialog", lambda shown: visit.wrong.append(f"dialog: {shown.message}"))
    try:
        yield visit
        assert visit.wrong == []
    finally:
        context.close()


def problems_of(page: Page) -> set[str]:
    """What axe finds, with where it is."""
    told = Axe().run(page).response["violations"]
    return {f"{each['id']}: {node['html'][:200]}" for each in told for node in each["nodes"]}


def started(visit: Visit, source: str, *, path: str = "/", opened: bool = False) -> Page:
    """The page, with this program in its terminal, and the keyboard at it."""
    page = visit.page if opened else visit.open(path)
    visit.write(source)
    page.click("#tab-terminal")
    expect(page.locator(".xterm-rows")).to_be_visible(timeout=SOON_MS)
    page.keyboard.press("Control+Enter")
    # The keyboard is at the terminal once anything is told.
    expect(page.locator("#state")).not_to_have_text("", timeout=SOON_MS)
    return page


def seen(visit: Visit) -> str:
    """What stands on the screen of its terminal."""
    rows: list[str] = visit.page.locator(".xterm-rows > div").all_text_contents()
    return "\n".join(row.replace("\xa0", " ").rstrip() for row in rows).rstrip()


def shows(visit: Visit, text: str) -> None:
    """Wait until that stands on the screen."""
    eventually(lambda: text in seen(visit), within_s=SOON_MS / 1000, every_s=0.05)
