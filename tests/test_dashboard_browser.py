"""A person before the admin's front page: it keeps itself new, and stands in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from clients.models import Client as Tenant
from tests.test_dashboard import ended, ours, refused
from tests.visiting import CHROMIUM, SOON_MS, TELL_POLICY, needs_chromium

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("engine_answers"),
    needs_chromium,
]
EVERY_MS = 5_000

Open = Callable[..., Any]


def make_rows() -> None:
    tenant = Tenant.objects.create(name="School")
    for number in range(20):
        ended(client_id=tenant.pk, wall_ms=float(number**2))
    for outcome in ("nonzero_exit", "compile_error"):
        ended(outcome=outcome, exit_code=1, language_slug="go")
    ended(outcome="timeout_wall", exit_code=137, error="execution timed out after 5 ms")
    ours()
    refused("language 'cobol' is not supported")


@pytest.fixture
def cookie(db: None) -> str:
    """Of an operator who has logged in, when things have happened. Made before the browser: its loop allows no rows."""
    make_rows()
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def opened(cookie: str, live_server: Any) -> Iterator[Open]:
    """Opens the front page; at the end nothing may have been refused, foreign or wrong on any."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        wrong: list[str] = []

        @contextmanager
        def opening(**options: Any) -> Iterator[Page]:
            context = browser.new_context(base_url=live_server.url, **options)
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
            page = context.new_page()
            page.add_init_script(TELL_POLICY)
            page.on("console", lambda each: wrong.append(each.text) if each.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda each: None if each.url.startswith(live_server.url) else wrong.append(each.url))
            yield page
            context.close()

        yield opening
        browser.close()
    assert wrong == []


def problems_of(page: Page) -> set[str]:
    """What axe finds, with where it is. It is not to load styles anew, which the policy of pages would not allow."""
    told = Axe().run(page, options={"preload": False}).response["violations"]
    return {f"{each['id']}: {node['html'][:200]}" for each in told for node in each["nodes"]}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_it_stands_in_nobodys_way(opened: Open, scheme: str, width: int) -> None:
    with opened(color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        page.goto("/admin/?range=1h")
        for summary in page.locator(".gexec-chart summary").all():
            summary.click()
        assert problems_of(page) == set()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_keeps_itself_new_while_somebody_looks(opened: Open) -> None:
    def tile(name: str) -> Any:
        return page.locator(".gexec-tile", has=page.get_by_text(name, exact=True)).locator("strong")

    def happens() -> None:
        ended()
        connection.close()

    def hide(hidden: str) -> None:
        page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    with opened() as page, ThreadPoolExecutor(1) as thread:
        asked: list[str] = []
        page.on("request", lambda each: asked.append(each.url) if "/dashboard/" in each.url else None)
        page.clock.install()
        page.goto("/admin/?range=24h")
        expect(tile("Executions today")).to_have_text("24")
        page.locator("#wall-summary").click()
        page.locator("#queue-summary").focus()
        thread.submit(happens).result()
        page.clock.fast_forward(EVERY_MS)
        expect(tile("Executions today")).to_have_text("25", timeout=SOON_MS)
        # What was opened is open, and the keyboard is where it was.
        assert page.locator("#wall-numbers").get_attribute("open") is not None
        assert page.evaluate("document.activeElement.id") == "queue-summary"
        assert page.locator("nav [aria-current]").inner_text() == "24 h"

        hide("true")
        already = len(asked)
        page.clock.fast_forward(10 * EVERY_MS)
        assert len(asked) == already
        thread.submit(happens).result()
        hide("false")
        expect(tile("Executions today")).to_have_text("26", timeout=SOON_MS)

        page.get_by_role("button", name="Pause").click()
        already = len(asked)
        page.clock.fast_forward(10 * EVERY_MS)
        assert len(asked) == already
        expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_it_says_when_there_is_no_answer(opened: Open) -> None:
    with opened() as page:
        page.clock.install()
        page.goto("/admin/")
        page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('gone')); }")
        page.clock.fast_forward(EVERY_MS)
        expect(page.locator("#gexec-state")).to_contain_text("No answer: these are the numbers of 20", timeout=SOON_MS)
