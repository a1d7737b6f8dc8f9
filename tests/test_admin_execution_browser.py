"""A person before executions in the admin: pages that fit and are read by everybody, and keep what runs new."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.models import Execution
from executions.results import recorded
from languages.models import Language
from tests.backlog_lab import queue
from tests.fake_backend import ran
from tests.test_dashboard_browser import Open, opened, problems_of  # noqa: F401 (a fixture)
from tests.visiting import SOON_MS, needs_chromium

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("engine_answers", "fake_images"),
    needs_chromium,
]
LIST = "/admin/executions/execution/"
EVERY_MS = 2_000
SOURCE = "# In colours. \u202e\ndef greet(name: str) -> None:\n    print(f'hello {name}', 42)\n"
PRINTED = b"\x1b[1;31mred\x1b[0m \x1b[42mground\x1b[0m \x1b[2J\n" + b"x" * 300 + b"\n"


@pytest.fixture
def execution(python: Language) -> Execution:
    (row,) = queue(python, 1)
    step = ran(PRINTED, stderr=b"\x1b[33mcareful\n", order=((1, 10), (2, 13), (1, len(PRINTED) - 10)))
    now = timezone.now()
    Execution.objects.filter(pk=row.pk).update(
        status="finished", outcome="ok", exit_code=0, started_at=now, finished_at=now, worker=uuid.uuid4(),
        source=SOURCE, wall_ms=5, **recorded([step]),
    )  # fmt: skip
    return row


@pytest.fixture
def waiting(python: Language) -> Execution:
    (row,) = queue(python, 1)
    return row


@pytest.fixture
def cookie(execution: Execution, waiting: Execution) -> str:
    """Of an operator who has logged in. Made before the browser: its loop allows no rows."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def ends(row: Execution) -> None:
    now = timezone.now()
    Execution.objects.filter(pk=row.pk).update(
        status="finished", outcome="nonzero_exit", exit_code=7, started_at=now, finished_at=now, worker=uuid.uuid4(),
        **recorded([ran(b"it has ended\n")]),
    )  # fmt: skip
    connection.close()


def hide(page: Page, hidden: str) -> None:
    page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_they_fit_and_stand_in_nobodys_way(opened: Open, execution: Execution, scheme: str, width: int) -> None:  # noqa: F811
    with opened(color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        page.goto(f"{LIST}{execution.pk}/change/")
        page.get_by_text("As curl", exact=True).click()
        assert problems_of(page) == set()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(LIST)
        # How it ended is seen without scrolling, and at least there what it used as well.
        last = page.locator("#result_list .field-memory" if width > 320 else "#result_list .field-ending").first
        box = last.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_is_a_place_to_work(opened: Open, execution: Execution) -> None:  # noqa: F811
    with opened() as page:
        page.goto(f"{LIST}{execution.pk}/change/")
        expect(page.locator(".gexec-code .gexec-k").first).to_have_text("def")
        assert "\u202e" not in page.content()
        stderr = page.locator(".field-arrival_shown .gexec-stderr")
        expect(stderr).to_have_text("careful\n")
        red = page.locator(".field-stdout_shown .gexec-fg-1")
        assert red.evaluate("each => getComputedStyle(each).color") == "rgb(179, 38, 30)"
        page.get_by_role("link", name="Newer in the list").click()
        expect(page.locator(".gexec-badge")).to_have_text("queued")
        page.get_by_role("link", name="Older in the list").click()
        page.get_by_role("link", name="Open in the playground").click()
        expect(page.locator("body")).to_contain_text("def greet(name: str)", timeout=SOON_MS)


def test_the_list_keeps_new_what_has_not_ended(opened: Open, waiting: Execution) -> None:  # noqa: F811
    with opened() as page, ThreadPoolExecutor(1) as thread:
        asked: list[str] = []
        page.on("request", lambda each: asked.append(each.url) if "/states/" in each.url else None)
        page.clock.install()
        page.goto(LIST)
        ending = page.locator("#result_list tr", has=page.locator(f'input[value="{waiting.pk}"]')).locator(
            ".field-ending"
        )
        expect(ending).to_have_text("queued")
        hide(page, "true")
        page.clock.fast_forward(10 * EVERY_MS)
        assert asked == []
        thread.submit(ends, waiting).result()
        hide(page, "false")
        page.clock.fast_forward(EVERY_MS)
        expect(ending).to_have_text("exit code 7", timeout=SOON_MS)
        # Nothing is open any more: nothing is asked.
        page.clock.fast_forward(EVERY_MS)
        already = len(asked)
        page.clock.fast_forward(10 * EVERY_MS)
        assert len(asked) == already


def test_a_page_shows_what_came_when_it_has_ended(opened: Open, waiting: Execution) -> None:  # noqa: F811
    with opened() as page, ThreadPoolExecutor(1) as thread:
        page.clock.install()
        page.goto(f"{LIST}{waiting.pk}/change/")
        expect(page.locator(".gexec-badge")).to_have_text("queued")
        thread.submit(ends, waiting).result()
        page.clock.fast_forward(EVERY_MS)
        expect(page.locator(".gexec-output").first).to_contain_text("it has ended", timeout=SOON_MS)


def test_run_again_leads_to_the_new_one(opened: Open, execution: Execution) -> None:  # noqa: F811
    with opened() as page:
        page.goto(f"{LIST}{execution.pk}/change/")
        page.get_by_role("button", name="Run again").click()
        expect(page.locator(".gexec-actions")).to_contain_text(f"It runs {execution.pk} again, for operator.")
        assert str(execution.pk) not in page.url


def test_copying_says_that_it_is_done(opened: Open, execution: Execution) -> None:  # noqa: F811
    def told(page: Page) -> Any:
        return page.locator('[data-part="said"]')

    with opened(permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"{LIST}{execution.pk}/change/")
        page.get_by_role("button", name="Copy as curl").click()
        expect(told(page)).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("curl http")
        assert "def greet" in copied
