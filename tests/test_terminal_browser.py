"""A person at the terminal of the page at /, with a real browser and real programs: what is typed, cut and told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Route, WebSocketRoute, expect

from testkit.databases import create_database, database_url
from testkit.port_proxy import PortProxy
from testkit.servers import RunningServer, clean_environment, start_server
from testkit.waiting import eventually
from tests.conftest import START_S
from tests.visiting import Visit, needs_chromium, problems_of, seen, shows, started, visiting

pytestmark = needs_chromium
DETACH_S, IDLE_S = 8, 12
CUT = "ERR_|WebSocket connection to"
SOCKETS = re.compile(r"/executions/ws$")
HEAP = "performance.memory.usedJSHeapSize"
READ_EVAL = "import code\ncode.interact(banner='', exitmsg='')\n"


@pytest.fixture(scope="module")
def running(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all."""
    create_database(prepared_postgres, "terminals", "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, "terminals"), GEXEC_RATE_LIMIT="off", GEXEC_CALLER_SHARE="1",
        GEXEC_SLOTS="6", GEXEC_INTERACTIVE="4",
        GEXEC_INTERACTIVE_DETACH_S=str(DETACH_S), GEXEC_INTERACTIVE_IDLE_S=str(IDLE_S),
    )  # fmt: skip
    server = start_server(tmp_path_factory.mktemp("terminals"), environment)
    try:
        server.wait_ready(within_s=START_S)
        yield server
    finally:
        server.stop()


@pytest.fixture
def visit(chromium: Browser, running: RunningServer) -> Iterator[Visit]:
    with visiting(chromium, running) as made:
        yield made


def types(visit: Visit, text: str) -> None:
    visit.page.keyboard.type(text)
    visit.page.keyboard.press("Enter")


def clicks(visit: Visit, text: str, *, times: int = 1) -> None:
    """At the beginning of the first text like that, as a mouse would."""
    box = visit.page.locator(".xterm-rows").get_by_text(text, exact=True).first.bounding_box()
    assert box is not None
    visit.page.mouse.click(box["x"] + 4, box["y"] + box["height"] / 2, click_count=times)


def outcome_of(running: RunningServer) -> Callable[[], Any]:
    """Of the latest execution."""

    def read() -> Any:
        with psycopg.connect(running.environment["DATABASE_URL"]) as database:
            row = database.execute("SELECT outcome FROM executions_execution ORDER BY id DESC LIMIT 1").fetchone()
            return row and row[0]

    return read


def test_one_reads_and_evaluates_interrupts_and_goes_back_in_history(visit: Visit) -> None:
    page = started(visit, "import readline\n" + READ_EVAL)
    shows(visit, ">>>")
    types(visit, "6 * 7")
    shows(visit, "\n42\n")
    types(visit, "while True: pass")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    page.keyboard.press("Control+c")
    shows(visit, "KeyboardInterrupt")
    for key in ("ArrowUp", "ArrowUp", "Backspace", "8", "Enter"):
        page.keyboard.press(key)
    shows(visit, "\n48\n")
    visit.says(re.compile(r"^running \d"))
    page.get_by_role("button", name="End of input").click()
    visit.says("exit code 0")
    shows(visit, "[exit code 0]")
    expect(page.locator("#status")).to_have_text("finished: exit code 0")
    expect(page.get_by_role("button", name="Interrupt")).to_be_disabled()


def test_the_program_has_the_size_of_the_pane(visit: Visit) -> None:
    page = started(visit, "import os\nwhile input() != 'q': os.system('stty size')\n")
    sizes: list[tuple[int, int]] = []

    def size() -> tuple[int, int]:
        before = len(re.findall(r"^\d+ \d+$", seen(visit), re.MULTILINE))
        types(visit, "")
        found = eventually(
            lambda: re.findall(r"^(\d+) (\d+)$", seen(visit), re.MULTILINE), until=lambda lines: len(lines) > before
        )
        return int(found[-1][0]), int(found[-1][1])

    sizes.append(size())
    page.locator("#splitter").press("ArrowRight")
    page.set_viewport_size({"width": 1280, "height": 500})
    page.locator(".xterm-helper-textarea").focus()
    eventually(lambda: page.locator(".xterm-rows > div").count() < sizes[0][0])
    eventually(size, until=lambda now: now[0] < sizes[0][0] and now[1] < sizes[0][1])
    assert sizes[0][1] > 40
    types(visit, "q")
    visit.says("exit code 0")


HOSTILE = r"""
import sys
print("\x1b]0;title\x07\x1b]52;c;c3RvbGVu\x07\x1b]8;;https://elsewhere.example/\x07link\x1b]8;;\x07\a")
print("<img src=x onerror=alert(1)> \x1b[38;2;1;2;3mrgb\x1b[0m \x1b[48;5;200m256\x1b[0m \x1b[3;9;53mlooks\x1b[0m")
sys.stdout.write("\x1b[?1049h\x1b[?1003h\x1b[?25l\x1b[31;44mother screen")
sys.stdout.flush()
input()
"""


def test_whatever_is_printed_stays_in_the_terminal(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = started(visit, HOSTILE)
    title = page.title()
    shows(visit, "other screen")
    page.mouse.move(1000, 400)
    page.keyboard.press("Enter")
    visit.says("exit code 0")
    shows(visit, "[exit code 0]")
    shows(visit, "<img src=x onerror=alert(1)> rgb 256 looks")
    clicks(visit, "link")
    assert page.title() == title
    assert page.url.startswith(visit.url)
    assert len(visit.context.pages) == 1
    assert page.evaluate("navigator.clipboard.readText()") == ""
    assert page.locator(".screen img, .screen style, .screen [style*=alert]").count() == 0
    # What it left on is off: the mouse is nobody's, and the next line has no colours.
    assert "other screen" not in seen(visit)


def test_much_output_waits_for_the_terminal_and_ends_by_an_interrupt(visit: Visit) -> None:
    page = started(visit, "import os\nos.execvp('yes', ['yes', 'y' * 200])\n")
    shows(visit, "yyyy\n")
    # What is acknowledged goes on to come: more than a window several times over.
    before = page.evaluate(HEAP)
    page.wait_for_timeout(2000)
    assert page.evaluate(HEAP) - before < 100_000_000
    page.keyboard.press("Control+c")
    visit.says("ended by SIGINT")


def test_a_selection_is_copied_and_the_clipboard_pasted(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = started(visit, "while True: print(input().upper())\n")
    clipboard = "navigator.clipboard.readText()"
    page.evaluate("navigator.clipboard.writeText('one\\ntwo\\n')")
    page.get_by_role("button", name="Paste").click()
    shows(visit, "ONE\n")
    shows(visit, "TWO")
    page.keyboard.press("Control+Shift+v")
    eventually(lambda: seen(visit).count("ONE") == 2)
    clicks(visit, "ONE", times=2)
    page.keyboard.press("Control+c")
    eventually(lambda: page.evaluate(clipboard) == "ONE")
    expect(page.locator("#panel-terminal [role=status]")).to_have_text("Copied")
    page.get_by_role("button", name="Copy").click()
    eventually(lambda: "TWO\n" in page.evaluate(clipboard))
    # Nothing is selected any more.
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.press("Control+c")
    visit.says("ended by SIGINT" if "Traceback" not in seen(visit) else "exit code 1")


RAW = """
import os, tty
tty.setraw(0)
said = b"ready"
while True:
    print(said, end="\\r\\n", flush=True)
    said = said.replace(b"ready", b"") + os.read(0, 100)
"""


def test_the_keyboard_comes_in_and_out(visit: Visit) -> None:
    page = started(visit, RAW)
    at_terminal = page.locator(".xterm-helper-textarea")
    expect(at_terminal).to_be_focused()
    shows(visit, "ready")
    for key in ("Tab", "Control+s", "F1", "Escape", "Enter"):
        page.keyboard.press(key)
    # All of them were the program's: no dialog is open.
    shows(visit, r"b'\t\x13\x1bOP\x1b\r'")
    expect(page.locator("dialog")).to_have_count(0)
    expect(at_terminal).to_have_attribute("aria-describedby", "terminal-hint")
    expect(page.locator("#terminal-hint")).to_contain_text("F6 leaves the terminal")
    page.keyboard.press("Shift+F6")
    expect(page.locator("#tab-terminal")).to_be_focused()
    page.keyboard.press("F6")
    expect(at_terminal).to_be_focused()
    page.keyboard.press("F6")
    assert page.evaluate("document.querySelector('header').contains(document.activeElement)")
    page.keyboard.press("Shift+F6")
    expect(at_terminal).to_be_focused()
    page.keyboard.press("Control+.")
    visit.says("stopped")


def test_a_screen_reader_is_told_if_that_is_wanted(visit: Visit) -> None:
    page = started(visit, "print('told')\ninput()\n")
    shows(visit, "told")
    expect(page.locator(".xterm-accessibility")).to_have_count(0)
    page.get_by_role("button", name="Screen reader").click()
    expect(page.locator(".xterm-accessibility")).to_contain_text("told")
    assert problems_of(page) == set()
    visit.open()
    page.click("#tab-terminal")
    expect(page.get_by_role("button", name="Screen reader")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_the_terminal_stands_in_nobodys_way(chromium: Browser, running: RunningServer, scheme: Any, width: int) -> None:
    colours = (
        "for n in (*range(30, 38), *range(90, 98), *range(40, 48)): print(f'\\x1b[{n}mcolour {n}\\x1b[0m')\ninput()\n"
    )
    with visiting(chromium, running, color_scheme=scheme, viewport={"width": width, "height": 900}) as visit:
        page = started(visit, colours)
        shows(visit, "colour 47")
        found = problems_of(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.press("Enter")
        visit.says("exit code 0")
        assert found | problems_of(page) == set()


def test_a_compiled_program_and_its_mistakes(visit: Visit) -> None:
    page = started(visit, 'package main\nfunc main() { var x int = "a" }\n', path="/?lang=go")
    visit.says("not compiled")
    shows(visit, "main.go:2")
    expect(page.locator(".cm-wrong")).to_have_count(1)
    assert not re.search(r"\n {10,}\S", seen(visit)), "lines begin at the left"


def test_after_a_cut_it_goes_on(chromium: Browser, running: RunningServer) -> None:
    with PortProxy(running.port) as proxy, visiting(chromium, proxy) as visit:
        visit.fine = CUT
        page = started(visit, READ_EVAL)
        shows(visit, ">>>")
        types(visit, "a = 20")
        proxy.go_away()
        visit.says(re.compile(r"^the connection was cut: the program waits for \d+ s more"))
        shows(visit, "[the connection was cut; the program waits]")
        # What is typed meanwhile is typed later.
        types(visit, "a + 1")
        proxy.come_back()
        shows(visit, "[the connection is back]")
        shows(visit, "\n21\n")
        visit.says(re.compile("^running"))
        page.keyboard.press("Control+d")
        visit.says("exit code 0")


def test_who_leaves_the_page_leaves_no_program(visit: Visit, running: RunningServer) -> None:
    page = started(visit, "print('on')\nimport time\ntime.sleep(300)\n")
    shows(visit, "on")
    page.goto("about:blank")
    # Well before it would be given up.
    eventually(outcome_of(running), until=lambda outcome: outcome == "cancelled", within_s=DETACH_S - 1)


ENDINGS: list[tuple[str, dict[str, int], str]] = [
    ("import sys\nsys.exit(3)", {}, "exit code 3"),
    ("import os\nos.kill(os.getpid(), 15)", {}, "ended by SIGTERM"),
    ("input()", {"wall_ms": 1000}, "time limit of 1 s"),
    ("data = []\nwhile True: data.append(bytes(1_000_000))", {}, "memory limit of 128 MB"),
]


def test_each_end_is_told(visit: Visit) -> None:
    asked: dict[str, int] = {}

    def between(page_side: WebSocketRoute) -> None:
        """The page asks for no limits: what it starts is given some on the way."""
        server_side = page_side.connect_to_server()

        def passed_on(message: str | bytes) -> None:
            said = json.loads(message)
            if said["type"] == "start":
                said["execution"]["limits"] = asked
            server_side.send(json.dumps(said))

        page_side.on_message(passed_on)

    visit.page.route_web_socket(SOCKETS, between)
    visit.open()
    for source, limits, says in ENDINGS:
        asked = limits
        started(visit, source, opened=True)
        visit.says(says)
        shows(visit, f"[{says}]")


def test_silence_and_absence_end_it(chromium: Browser, running: RunningServer) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(visiting(chromium, running))
        proxy = stack.enter_context(PortProxy(running.port))
        absent = stack.enter_context(visiting(chromium, proxy))
        absent.fine = CUT
        for each in (silent, absent):
            started(each, "print('on')\ninput()\n")
            shows(each, "on")
        proxy.go_away()
        silent.says(re.compile(r"^running; ends in \d s if nothing is typed or printed"))
        expect(silent.page.locator("#status")).to_contain_text("Are you still there?")
        told = f"ended: nothing was typed or shown for {IDLE_S} s"
        silent.says(told)
        shows(silent, f"[{told}]")
        absent.says(re.compile("^the connection was lost, and the run with it"))
        proxy.come_back()
        absent.page.get_by_role("button", name="Try again").click()
        absent.says(re.compile(r"^running \d"))
        absent.page.keyboard.press("Enter")
        absent.says("exit code 0")


def test_where_no_socket_passes_it_says_so(chromium: Browser, running: RunningServer) -> None:
    with PortProxy(running.port, passes_upgrades=False) as proxy, visiting(chromium, proxy) as visit:
        visit.fine = CUT
        started(visit, "print(1)")
        visit.says(re.compile("^no terminal can be had: .* passes no WebSockets on"))
        visit.page.click("#tab-output")
        visit.run()
        visit.says("exit code 0")


def test_where_the_server_has_none_the_tab_says_so(visit: Visit) -> None:
    def without(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace('"interactive": true', '"interactive": false'))

    visit.page.route("**/", without)
    page = visit.open()
    page.click("#tab-terminal")
    expect(page.locator("#panel-terminal")).to_have_text(re.compile("^This server has no terminals"))
    assert problems_of(page) == set()
    visit.run()
    visit.says("exit code 0")
    assert visit.output == "Hello from Python!\n"
