"""An operator with a browser: adds a language from an image, tests it, enables it, and sees when its image is gone."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import docker.errors
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer
from tests.visiting import CHROMIUM, needs_chromium

pytestmark = needs_chromium
LIVE_S = 2.0
"""Within which a change is seen by every process."""


@pytest.fixture
def image(docker_client: docker.DockerClient, prepared_data_dir: Path) -> Iterator[str]:
    """Python under another name, in an image of its own that the test may take away."""
    name = f"gexec-test/snake:{secrets.token_hex(4)}"
    dockerfile = f"FROM gexec/python\nLABEL gexec.kind=test test={name}\n"
    docker_client.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=name, rm=True)
    yield name
    with suppress(docker.errors.ImageNotFound):
        docker_client.images.remove(name, force=True)


@pytest.fixture
def two_processes(server: StartServer) -> RunningServer:
    """A server with two processes."""
    return server(GEXEC_WORKERS="2")


@pytest.fixture
def page(two_processes: RunningServer) -> Iterator[Page]:
    """The list of languages in a browser, logged in."""
    password = (two_processes.data_dir / "admin-password").read_text().strip()
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(base_url=two_processes.base_url)
        page.goto("/admin/login/?next=/admin/languages/language/")
        page.fill("#id_username", "admin")
        page.fill("#id_password", password)
        page.click("[type=submit]")
        yield page
        browser.close()


def add_language(page: Page, image: str) -> None:
    page.click("text=Add language")
    fields = {
        "slug": "snake",
        "name": "Snake",
        "aliases": "sn",
        "image": image,
        "source_file": "main.py",
        "run_command": '["python3", "{source}"]',
        "version_command": '["python3", "--version"]',
        "warm_min": "0",
        "warm_max": "0",
        "example": "print('hi')",
    }
    for name, value in fields.items():
        page.fill(f"#id_{name}", value)
    page.click("input[name=_save] >> nth=0")


def statuses(server: RunningServer) -> set[int]:
    """Of several requests, each over a connection of its own: all processes are asked."""
    return {server.execute("print('ssss')", "SN").status for _ in range(6)}


def test_a_language_is_added_tested_enabled_and_missed(
    two_processes: RunningServer, page: Page, image: str, docker_client: docker.DockerClient, python_version: str
) -> None:
    console_errors: list[str] = []
    page.on("console", lambda message: console_errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: console_errors.append(str(error)))
    state, verdict = page.locator("[data-part=state]"), page.locator(".gexec-verdicts .gexec-badge")

    add_language(page, image)
    expect(state).to_have_text("not tested")
    expect(page.locator("[data-button=enable] button")).to_be_disabled()
    assert two_processes.execute("print(1)", "snake").json() == {"error": "unsupported language: snake"}

    page.click("[data-button=test] button")
    expect(verdict).to_have_text("passed", timeout=60_000)
    expect(state).to_have_text("disabled")
    expect(page.locator(".gexec-facts")).to_contain_text(python_version)

    page.click("[data-button=enable] button")
    expect(state).to_have_text("enabled")
    time.sleep(LIVE_S)
    assert statuses(two_processes) == {200}
    assert two_processes.execute("print('ssss')", "snake").json()["stdout"] == "ssss\n"

    remove(docker_client, image)
    page.reload()
    expect(state).to_have_text("image is gone")
    gone = two_processes.execute("print(1)", "snake")
    assert (gone.status, gone.json()) == (503, {"error": "sandbox error: the language's image is missing"})

    page.click("[data-button=disable] button")
    expect(page.locator("[data-button=enable]")).to_be_visible()
    time.sleep(LIVE_S)
    assert statuses(two_processes) == {400}

    page.click("text=History")
    expect(page.locator("#change-history")).to_contain_text("Enabled.")
    assert console_errors == []


def remove(client: docker.DockerClient, image: str) -> None:
    """Take it off the host as soon as no container uses it."""

    def removed() -> bool:
        try:
            client.images.remove(image)
        except docker.errors.APIError:
            return False
        return True

    eventually(removed, every_s=0.2)
