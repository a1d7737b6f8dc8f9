"""A person at the page at / of a server with one slot: the words for waiting, for being refused, and for its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from testkit.databases import create_database, database_url
from testkit.servers import RunningServer, clean_environment, start_server
from tests.conftest import START_S
from tests.talking import talk
from tests.visiting import SOON_MS, Visit, needs_chromium, shows, started, visiting

pytestmark = needs_chromium
BUSY = re.compile(r"^the server is busy, trying again in \d s$")


@pytest.fixture(scope="module")
def running(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all, which asks for a key."""
    create_database(prepared_postgres, "busy", "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, "busy"), GEXEC_RATE_LIMIT="off", GEXEC_REQUIRE_API_KEY="true",
        GEXEC_SLOTS="1", GEXEC_INTERACTIVE="1", GEXEC_QUEUE="2", GEXEC_CALLER_SHARE="1", GEXEC_WAIT_MS="60000",
    )  # fmt: skip
    server = start_server(tmp_path_factory.mktemp("busy"), environment)
    try:
        server.wait_ready(within_s=START_S)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def key(running: RunningServer) -> str:
    return running.create_api_key("person")


def come(visit: Visit, key: str) -> None:
    """To the page, with a key."""
    visit.fine = "status of (429|503)"
    visit.open()
    visit.page.click("#tab-input")
    visit.page.fill("#key", key)


def test_one_waits_is_told_its_place_and_is_tried_again(chromium: Browser, running: RunningServer, key: str) -> None:
    with (
        talk(running.port, additional_headers={"Authorization": f"Bearer {key}"}) as holding,
        visiting(chromium, running) as first,
        visiting(chromium, running) as second,
        visiting(chromium, running) as third,
    ):
        holding.start("input()", tty=True)
        holding.until_told("step.started")
        for visit, says in ((first, "waiting"), (second, "waiting, 1 before you"), (third, BUSY)):
            come(visit, key)
            visit.run()
            visit.says(says)
        expect(third.page.locator("#run-button")).to_be_disabled()
        holding.type("\n")
        for visit in (first, second, third):
            visit.says("exit code 0")
            assert visit.output == "Hello from Python!\n"


def test_a_client_that_has_as_many_as_it_may_is_tried_again(
    chromium: Browser, running: RunningServer, key: str
) -> None:
    few = running.create_api_key("few")
    running.manage("clients", "set", "few", "max_concurrent=1")
    with (
        talk(running.port, additional_headers={"Authorization": f"Bearer {few}"}) as holding,
        visiting(chromium, running) as visit,
    ):
        holding.start("input()", tty=True)
        holding.until_told("step.started")
        come(visit, few)
        visit.run()
        visit.says(BUSY)
        holding.type("\n")
        visit.says("exit code 0")


def test_a_terminal_needs_the_key_too_and_is_told_when_the_server_stops(
    chromium: Browser, running: RunningServer, key: str
) -> None:
    """The last of them: the server ends with it."""
    with visiting(chromium, running) as visit, visiting(chromium, running) as second:
        come(visit, "gx_live_wrong")
        started(visit, "print('on')\ninput()\n", opened=True)
        visit.says("This server runs programs with an API key only: type yours under Input.")
        visit.page.click("#tab-input")
        visit.page.fill("#key", key)
        visit.page.click("#tab-terminal")
        visit.run()
        shows(visit, "on")
        come(second, key)
        started(second, "print('second')", opened=True)
        second.says(BUSY)
        second.page.keyboard.press("Control+.")
        second.says("stopped")
        running.stop()
        expect(visit.page.locator("#state")).to_contain_text(
            "the server stops, and has ended the program", timeout=SOON_MS
        )
