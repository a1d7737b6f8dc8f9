"""A person at the page at /, with a real browser, real containers, and nothing from elsewhere."""

from __future__ import annotations

import base64
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Route, expect

from testkit.databases import create_database, database_url
from testkit.servers import RunningServer, clean_environment, start_server
from testkit.waiting import eventually
from tests.conftest import START_S
from tests.visiting import SOON_MS, Visit, needs_chromium, problems_of, visiting

pytestmark = needs_chromium
RATE, WINDOW_S = 15, 6
NO_STORAGE = (
    """Object.defineProperty(window, "localStorage", {get() { throw new DOMException("no", "SecurityError") }})"""
)
# When each line came, by the page's own clock.
TELL_TIMES = """
addEventListener("DOMContentLoaded", () => {
  window.came = {};
  new MutationObserver(() => {
    const printed = document.getElementById("output")?.textContent ?? "";
    for (const line of printed.split("\\n")) came[line] ??= performance.now();
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
});
"""


@pytest.fixture(scope="module")
def running(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all; each browser is another client, and has a rate of its own."""
    create_database(prepared_postgres, "playground", "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, "playground"),
        GEXEC_RATE_LIMIT=f"{RATE}/{WINDOW_S}s",
        GEXEC_TRUSTED_PROXIES="1",
        GEXEC_SNIPPETS="on",
    )
    server = start_server(tmp_path_factory.mktemp("playground"), environment)
    try:
        server.wait_ready(within_s=START_S)
        yield server
    finally:
        server.stop()


@pytest.fixture
def visit(chromium: Browser, running: RunningServer) -> Iterator[Visit]:
    with visiting(chromium, running) as made:
        yield made


def link_of(program: Any, *, version: str = "1") -> str:
    """A program as the page puts it into a link."""
    deflate = zlib.compressobj(9, wbits=-15)
    packed = deflate.compress(program if isinstance(program, bytes) else json.dumps(program).encode()) + deflate.flush()
    return f"/#{version}" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def test_without_scripts_the_form_runs(chromium: Browser, running: RunningServer) -> None:
    with visiting(chromium, running, java_script_enabled=False) as visit:
        page = visit.page
        page.goto(visit.url + "/?lang=python&example=files")
        assert "from shapes import squared" in page.locator("textarea").first.input_value()
        page.locator("#run-button").click()
        expect(page.locator("#output-box")).to_contain_text("4 squared is 16")
        assert page.locator("textarea").nth(1).input_value().startswith("def squared")
        page.select_option("#language", "go")
        page.get_by_role("button", name="Load").click()
        expect(page.locator("textarea").first).to_have_value(re.compile("package main"))


def test_examples_are_run(visit: Visit) -> None:
    page = visit.open()
    for slug, example, prints in (
        ("python", "hello", "Hello from Python!\n"),
        ("python", "stdin", "3 numbers, sum 42\n"),
        ("python", "args", "Hello, Ada!\nHello, Alan Turing!\n"),
        ("go", "files", "4 squared is 16\n"),
    ):
        page.select_option("#language", slug)
        expect(page.locator(".cm-content")).to_have_attribute("aria-label", re.compile(slug, re.IGNORECASE))
        page.select_option("#example", example)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#output")).to_have_text(prints, timeout=SOON_MS)
        visit.says("exit code 0")


def test_output_comes_while_it_runs(chromium: Browser, running: RunningServer) -> None:
    with visiting(chromium, running, TELL_TIMES) as visit:
        page = visit.open("/?lang=python&example=sleep")
        visit.run()
        visit.says("exit code 0")
        came = page.evaluate("came")
        assert came["5"] - came["1"] >= 300
        expect(page.locator("#status")).to_have_text("finished: exit code 0, 5 lines")


def test_it_is_stopped_and_keeps_what_was_printed(visit: Visit) -> None:
    page = visit.open()
    visit.write("print('before', flush=True)\nwhile True:\n    pass\n")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#output")).to_contain_text("before", timeout=SOON_MS)
    page.keyboard.press("Control+.")
    visit.says("stopped")
    assert "before" in visit.output
    expect(page.locator("#run-button")).to_be_enabled()


def test_a_limit_is_named(visit: Visit) -> None:
    visit.open()
    visit.write("data = []\nwhile True:\n    data.append(bytes(1_000_000))\n")
    visit.run()
    visit.says("memory limit of 128 MB")


TELL_STATES = """
addEventListener("DOMContentLoaded", () => {
  window.states = [];
  const state = document.getElementById("state");
  new MutationObserver(() => states.push(state.textContent)).observe(state, {childList: true, characterData: true});
});
"""


def test_what_goes_on_is_told_as_it_does(chromium: Browser, running: RunningServer) -> None:
    with visiting(chromium, running, TELL_STATES) as visit:
        page = visit.open("/?lang=go")
        visit.run()
        visit.says("exit code 0")
        told: list[str] = page.evaluate("states")
        order = ["sending", "compiling", "running", "exit code 0"]
        assert [word for word in order if any(state.startswith(word) for state in told)] == order
        assert told.index("sending") < told.index("compiling")


def test_limits_of_time_are_told(visit: Visit) -> None:
    asked: dict[str, int] = {}

    def with_limits(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        route.continue_(post_data=json.dumps(body | {"limits": asked}))

    visit.page.route("**/api/v1/executions", with_limits)
    visit.open()
    for limits, does, says in (
        ({"wall_ms": 1500}, "import time\ntime.sleep(60)", "time limit of 1500 ms"),
        ({"cpu_ms": 100, "wall_ms": 10_000}, "while True: pass", "limit of CPU time of 100 ms"),
    ):
        asked = limits
        visit.write(f"print('on', flush=True)\n{does}")
        visit.run()
        visit.says(says)
        assert visit.output == "on\n"


def test_a_cut_connection_is_gone_on_with(visit: Visit) -> None:
    page = visit.open("/?lang=python&example=sleep")
    visit.fine = "ERR_INTERNET_DISCONNECTED|ERR_FAILED|ERR_NETWORK_CHANGED"
    visit.run()
    expect(page.locator("#output")).to_contain_text("1\n", timeout=SOON_MS)
    visit.context.set_offline(True)
    page.wait_for_timeout(300)
    visit.context.set_offline(False)
    visit.says("exit code 0")
    assert visit.output == "1\n2\n3\n4\n5\n"


def test_who_leaves_the_page_leaves_nothing_running(visit: Visit, running: RunningServer) -> None:
    page = visit.open()
    visit.write("print('on', flush=True)\nwhile True: pass\n")
    with page.expect_response("**/api/v1/executions") as started:
        visit.run()
    execution = started.value.headers["x-execution-id"]
    expect(page.locator("#output")).to_contain_text("on", timeout=SOON_MS)
    page.goto("about:blank")
    with psycopg.connect(running.environment["DATABASE_URL"], autocommit=True) as database:
        query = "SELECT outcome FROM executions_execution WHERE id = %s"
        eventually(lambda: database.execute(query, [execution]).fetchone(), until=lambda row: row == ("cancelled",))


def test_a_message_leads_to_its_line(visit: Visit) -> None:
    page = visit.open("/?lang=go&example=error")
    visit.run()
    visit.says("not compiled")
    page.locator(".jump").first.click()
    expect(page.locator(".cm-activeLine")).to_contain_text('var answer int = "forty-two"')
    expect(page.locator(".cm-wrong")).to_have_count(1)
    page.keyboard.type("x")
    expect(page.locator(".cm-wrong")).to_have_count(0)


HOSTILE = r"""
import sys
print("<script>alert(1)</script></pre><img src=x onerror=alert(2)>")
print("\x1b[31;1mred\x1b[0m \x1b]0;title\x07\x1b[2Jbold? \x1b[38;5;200mpink\x1b[0m", "\0 \u202e \x85 \r")
print("oops", file=sys.stderr)
sys.stdout.write("\x1b[")
"""


def test_whatever_is_printed_is_text_and_all_of_it_is_seen(visit: Visit) -> None:
    page = visit.open()
    visit.write(HOSTILE)
    visit.run()
    visit.says("exit code 0")
    shown = visit.output
    assert "<script>alert(1)</script></pre><img src=x onerror=alert(2)>" in shown
    assert "red bold? pink \\x00 \\u202e \\x85 \\x0d\n" in shown
    assert shown.endswith("\\x1b[\n") or "\\x1b[" in shown
    assert page.locator("#output .fg1.bold").text_content() == "red"
    assert page.locator("#output .stderr").text_content() == "stderr: oops\n"
    assert page.locator("#output script, #output img").count() == 0


def test_much_output_stays_usable(visit: Visit) -> None:
    page = visit.open()
    visit.write("for i in range(100_000): print(i)\nprint('x' * 300_000)")
    visit.run()
    visit.says("exit code 0")
    in_page = visit.output
    assert in_page.startswith("0\n1\n2\n")
    assert len(in_page) < 30_000
    assert page.evaluate("document.querySelectorAll('#output *').length") < 200
    page.get_by_role("button", name="more lines: show all").click()
    eventually(lambda: page.evaluate("document.getElementById('output').textContent.includes('\\n99999\\nxxx')"))
    assert page.evaluate("document.getElementById('output').textContent.includes('\\n50000\\n')")


def test_beyond_the_rate_it_counts_down_and_goes_on(visit: Visit, running: RunningServer) -> None:
    page = visit.open()
    visit.fine = "429"
    for _ in range(RATE * 3):
        if running.request("/execute", b"{", headers={"X-Forwarded-For": visit.address}).status == 429:
            break
    visit.run()
    visit.says(re.compile(rf"out of {RATE} runs in {WINDOW_S} seconds: \d s"))
    expect(page.locator("#run-button")).to_be_disabled()
    expect(page.locator("#run-button")).to_be_enabled(timeout=SOON_MS)
    visit.run()
    visit.says("exit code 0")


def test_without_a_connection_it_says_so_and_tries_again(visit: Visit) -> None:
    page = visit.open()
    visit.fine = "ERR_INTERNET_DISCONNECTED"
    visit.context.set_offline(True)
    visit.run()
    visit.says(re.compile("^no connection to the server"))
    visit.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    visit.says("exit code 0")


def test_a_link_holds_the_program_and_never_runs_it(chromium: Browser, running: RunningServer) -> None:
    program = {
        "l": "python",
        "f": [["main.py", "print('żółć 🎉')\r\nimport other"], ["other.py", "print(input())"], ["raw", {"b": "AP8="}]],
        "i": "typed",
        "a": "a 'b c'",
    }
    with visiting(chromium, running) as visit:
        page = visit.open(link_of(program))
        expect(page.locator("#notice")).to_contain_text("look before you run")
        assert page.locator("#files .file").all_text_contents() == ["main.py", "other.py", "raw"]
        assert visit.output == ""
        page.keyboard.press("Control+s")
        again = page.locator("dialog input").input_value()
        page.keyboard.press("Escape")
        visit.run()
        visit.says("exit code 0")
        assert visit.output == "żółć 🎉\ntyped\n"
        page.get_by_role("button", name="raw").click()
        expect(page.locator("#binary")).to_have_text("raw is no text: 2 bytes, given to the program as it is.")
    packed = again.partition("#1")[2]
    raw = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), wbits=-15)
    assert json.loads(raw) == program


def test_the_name_of_a_file_hides_nothing(visit: Visit) -> None:
    page = visit.open(link_of({"l": "python", "f": [["main.py", "1"], ["a\u202eyp.\u200btxt", "x"]], "i": "", "a": ""}))
    expect(page.locator("#files .file")).to_have_text(["main.py", r"a\u202eyp.\u200btxt"])
    page.locator("#files .file").nth(1).click()
    expect(page.get_by_role("button", name=r"Rename a\u202eyp")).to_be_visible()


def test_a_link_that_is_none_leaves_the_example(visit: Visit) -> None:
    page = visit.open()
    for link, says in (
        (link_of(b" " * 50_000_000), "more than a program may have"),
        ("/#1" + "A" * 70_000, "more than a program may have"),
        ("/#1%%%", "cannot be read"),
        ("/#1AAAA", "cannot be read"),
        (link_of({"l": "python", "f": [["../x", ""]]}), "cannot be read"),
        (link_of({"l": "python", "f": "x"}), "cannot be read"),
        (link_of({"l": "<b>no", "f": [["a", ""]]}), "for ?b?no, which is not installed"),
        (link_of({}, version="2"), "another version"),
    ):
        page.evaluate("document.getElementById('notice').textContent = ''")
        page.goto(visit.url + link)
        expect(page.locator("#notice")).to_contain_text(says, timeout=SOON_MS)
        assert 'print("Hello from Python!")' in visit.source


def test_a_draft_survives_and_can_be_reset(visit: Visit) -> None:
    page = visit.open()
    visit.write("print('mine')")
    page.select_option("#language", "go")
    expect(page.locator(".cm-content")).to_contain_text("package main")
    page.select_option("#language", "python")
    expect(page.locator(".cm-content")).to_contain_text("print('mine')")
    visit.open()
    expect(page.locator(".cm-content")).to_contain_text("print('mine')")
    page.get_by_role("button", name="Reset to the example").click()
    expect(page.locator(".cm-content")).to_contain_text("Hello from Python!")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".cm-content")).to_contain_text("print('mine')")


def test_it_works_where_nothing_may_be_kept(chromium: Browser, running: RunningServer) -> None:
    with visiting(chromium, running, NO_STORAGE) as visit:
        visit.open()
        visit.write("print('kept nowhere')")
        visit.run()
        visit.says("exit code 0")
        assert visit.output == "kept nowhere\n"


def test_tests_pass_and_fail_with_their_difference(visit: Visit) -> None:
    page = visit.open("/?lang=python&example=tests")
    page.keyboard.press("Control+Shift+Enter")
    visit.says("finished: 4 of 4 tests passed")
    page.get_by_label("Expected output, ten").fill("Bang\n")
    page.get_by_role("button", name="Run tests").click()
    visit.says("finished: 3 of 4 tests passed")
    page.get_by_role("button", name="Difference").click()
    assert page.locator(".diff .first").text_content() == "\N{MINUS SIGN} Bang\n"
    assert page.locator(".diff .printed").text_content() == "+ Buzz\n"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Paste").click()
    page.locator("dialog textarea").fill("9\n---\nFizz\n---\n25\n---\nBuzz\n")
    page.get_by_role("button", name="Add these tests").click()
    assert page.locator(".tests tbody tr").count() == 6
    page.click("#tab-api")
    expect(page.locator("#panel-api pre")).to_contain_text('"expected_stdout": "Buzz\\n"')


def test_files_are_added_renamed_dropped_and_deleted(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Add a file").click()
    page.keyboard.type("lib/one.py")
    page.keyboard.press("Enter")
    visit.write("x = 1")
    page.get_by_role("button", name="Rename lib/one.py").click()
    page.locator("dialog input").fill("../no.py")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.locator("dialog input").fill("two.py")
    page.keyboard.press("Enter")
    dropped = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array([0, 255])], "raw.bin"));
          data.items.add(new File(["hello"], "note.txt"));
          return data;
        }"""
    )
    page.dispatch_event("#program", "drop", {"dataTransfer": dropped})
    files = page.locator("#files .file")
    expect(files).to_have_text(["main.py", "two.py", "raw.bin", "note.txt"])
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download all as zip").click()
    names = zip_names(downloading.value.path())
    assert names == {"main.py": 28, "two.py": 5, "raw.bin": 2, "note.txt": 5}
    page.get_by_role("button", name="Delete note.txt").click()
    expect(files).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(files).to_have_count(4)


def zip_names(path: Path) -> dict[str, int]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {entry.filename: entry.file_size for entry in archive.infolist()}


def test_the_call_follows_the_editor(visit: Visit) -> None:
    page = visit.open()
    page.click("#tab-api")
    code = page.locator("#panel-api pre")
    visit.write("print('it''s')")
    expect(code).to_contain_text("'\\''it")
    for client, has in (
        ("python", "requests.post("),
        ("javascript", "await fetch("),
        ("php", "curl_init("),
        ("go", "http.NewRequest("),
    ):
        page.select_option("#panel-api select", client)
        expect(code).to_contain_text(has)
        expect(code).to_contain_text("/api/v1/executions")


def test_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.open()
    focused: Callable[[], str] = lambda: str(page.evaluate("document.activeElement.id"))  # noqa: E731 (read aloud)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#language").focus()
    page.keyboard.press("F6")
    assert focused() == "editor"
    page.keyboard.press("Control+Home")
    page.keyboard.type("#")
    page.keyboard.press("Tab")
    assert focused() == "editor"
    page.keyboard.press("Control+Enter")
    visit.says("exit code 0")
    page.keyboard.press("F6")
    assert focused() == "tab-output"
    page.keyboard.press("ArrowRight")
    assert focused() == "tab-input"
    page.keyboard.press("Shift+F6")
    assert focused() == "editor"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert focused() == "splitter"
    before = page.locator("#splitter").get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    assert page.locator("#splitter").get_attribute("aria-valuenow") != before
    page.keyboard.press("F1")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    assert focused() == "splitter"


def test_a_program_is_stored_shown_to_others_and_deleted(
    chromium: Browser, running: RunningServer, visit: Visit
) -> None:
    page = visit.open()
    visit.write("print('stored')")
    page.keyboard.press("Control+s")
    page.get_by_role("button", name="Store on the server").click()
    expect(page.locator("#notice")).to_contain_text("Stored, for everybody", timeout=SOON_MS)
    path = page.evaluate("location.pathname")
    assert re.fullmatch("/s/[0-9A-Za-z]{12}", path)
    with visiting(chromium, running) as other:
        other.open(path)
        expect(other.page.locator("#notice")).to_contain_text("look before you run")
        assert (other.source, other.page.locator("#state").text_content()) == ("print('stored')", "")
        other.run()
        other.says("exit code 0")
        assert other.output == "stored\n"
    visit.open(path)
    assert visit.source == "print('stored')"
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator("#notice")).to_contain_text("It is deleted.", timeout=SOON_MS)
    visit.fine = "404"
    visit.open(path)
    expect(page.get_by_role("alert")).to_contain_text("There is no such program")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_nothing_stands_in_anybodys_way(chromium: Browser, running: RunningServer, scheme: Any, width: int) -> None:
    with visiting(
        chromium,
        running,
        color_scheme=scheme,
        viewport={"width": width, "height": 700},
        reduced_motion="reduce",
    ) as visit:
        page = visit.open("/?lang=python&example=error")
        visit.run()
        visit.says("exit code 1")
        found = problems_of(page)
        for tab in ("input", "tests", "api"):
            page.click(f"#tab-{tab}")
            found |= problems_of(page)
        for key in ("Control+s", "F1"):
            page.keyboard.press(key)
            found |= problems_of(page)
            page.keyboard.press("Escape")
        assert found == set()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
