"""A person who reads /api/docs: with a browser, on a phone too, with nothing from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.visiting import CHROMIUM, needs_chromium

pytestmark = [
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_read(live_server: Any, width: int) -> None:
    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{live_server.url}/api/docs")
        page.get_by_role("link", name="Run a program").first.click()
        assert page.locator("#post_executions").is_visible()
        assert page.locator("#post_executions pre").inner_text().startswith("curl ")
        wide = page.evaluate("document.documentElement.scrollWidth")
        margin = page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        browser.close()
    assert wide <= width
    assert margin != "32px", "the style sheet was not loaded"
    assert [url for url in asked if not url.startswith(live_server.url)] == []
    assert [text for text in said if "favicon" not in text] == []
