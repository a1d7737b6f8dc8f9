"""A person with a browser: logs in, disables a language, looks at an execution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from executions.models import Execution
from executions.results import recorded
from languages.models import Language
from sandbox.testing import FakeImages
from tests.fake_backend import ran
from tests.visiting import CHROMIUM, needs_chromium

pytestmark = [
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.fixture
def rows(python: Language, fake_images: FakeImages, engine_answers: None) -> None:
    """An operator and an execution. Made before the browser starts: its event loop would get connections of its own."""
    User.objects.create_superuser("operator", password="a-long-password-1")
    now = timezone.now()
    Execution.objects.create(
        status="finished",
        outcome="ok",
        exit_code=0,
        source="print('<i>')",
        **recorded([ran(b"<i>\n")]),
        created_at=now,
        started_at=now,
        finished_at=now,
    )


@pytest.fixture
def page(rows: None) -> Iterator[Page]:
    """A browser's page."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser.new_page()
        browser.close()


def test_from_login_to_an_execution(live_server: Any, page: Page) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)

    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", "a-long-password-1")
    page.click("[type=submit]")

    page.goto(f"{live_server.url}/admin/languages/language/")
    assert page.inner_text(".gexec-badge") == "enabled"
    page.check("input.action-select")
    page.select_option("select[name=action]", "disable")
    page.click("button[name=index]")
    assert page.inner_text(".gexec-badge") == "disabled"
    assert "Python is disabled." in page.inner_text(".messagelist")

    page.goto(f"{live_server.url}/admin/executions/execution/")
    page.click("#result_list tbody th a")
    assert page.inner_text(".gexec-code pre:last-child") == "print('<i>')"
    assert page.inner_text(".gexec-output pre").strip() == "<i>"
    assert page.evaluate("getComputedStyle(document.querySelector('.gexec-code')).display") == "flex"
    assert refused == []
