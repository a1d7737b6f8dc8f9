"""`<gexec-snippet>` on pages of other origins with the strictest policies, in a real browser, with real containers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from testkit.databases import create_database, database_url
from testkit.servers import PROJECT, RunningServer, clean_environment, manage, start_server
from testkit.waiting import eventually
from tests.conftest import START_S
from tests.test_playground_browser import link_of
from tests.visiting import SOON_MS, TELL_POLICY, needs_chromium, problems_of

pytestmark = needs_chromium
HELLO = """
<pre id="first"><code>print("hi &lt;b&gt;")</code></pre>
<gexec-snippet language="python" key="KEY"></gexec-snippet>
"""


class Pages(BaseHTTPRequestHandler):
    """What another site serves: what the test has put there."""

    served: ClassVar[dict[str, tuple[str, str]]] = {}
    """By path, the page and its policy."""

    def do_GET(self) -> None:
        body, policy = self.served.get(self.path, ("", ""))
        self.send_response(200 if body else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Site:
    """Another site, whose pages may use a key; and two others of its port, whose may not."""

    server: RunningServer
    port: int
    key: str
    slow_key: str
    """Of a client that may run one program in a minute."""

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def stranger(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def policy(self) -> str:
        url = self.server.base_url
        ours = f"default-src 'none'; script-src {url}; connect-src {url}; style-src 'none'"
        return f"{ours}; require-trusted-types-for 'script'"

    def serve(self, body: str, *, policy: str | None = None, head: str = "") -> str:
        """The path of a page."""
        body = body.replace("SLOW-KEY", self.slow_key).replace("KEY", self.key)
        path = f"/page-{len(Pages.served)}"
        script = f'<script type="module" src="{self.server.base_url}/embed/v1.js"></script>'
        page = (
            f'<!doctype html><html lang="en"><head><title>Page</title>{head}{script}</head>'
            f"<body><main><h1>Page</h1>{body}</main></body></html>"
        )
        Pages.served[path] = (page, self.policy if policy is None else policy)
        return path

    def executions(self) -> int:
        with psycopg.connect(self.server.environment["DATABASE_URL"], autocommit=True) as database:
            (count,) = database.execute("SELECT count(*) FROM executions_execution").fetchone() or (0,)
            return int(count)


@pytest.fixture(scope="module")
def site(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all, which runs nothing without a key."""
    pages = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    port = pages.server_address[1]
    create_database(prepared_postgres, "widget", "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, "widget"), GEXEC_RATE_LIMIT="off", GEXEC_REQUIRE_API_KEY="true"
    )
    data_dir = tmp_path_factory.mktemp("widget")
    keys = [
        made_key(name, f"http://localhost:{port}", environment | {"GEXEC_DATA_DIR": str(data_dir)})
        for name in ("site", "slow")
    ]
    server = start_server(data_dir, environment)
    try:
        server.wait_ready(within_s=START_S)
        yield Site(server, port, *keys)
    finally:
        server.stop()
        pages.shutdown()
        pages.server_close()


def made_key(name: str, origin: str, environment: dict[str, str]) -> str:
    """A publishable key, as the documentation makes one."""
    made = manage("create_api_key", name, "--client", name, "--publishable", environment=environment)
    options = [f"origins={origin}", *(["rate=1/m"] if name == "slow" else [])]
    done = manage("clients", "set", name, *options, environment=environment)
    assert done.returncode == made.returncode == 0, made.stderr + done.stderr
    return made.stdout.splitlines()[-1]


@dataclass
class Visit:
    page: Page
    wrong: list[str] = field(default_factory=list)
    fine: str = "^$"
    """A pattern of errors on the console that the test brings about."""

    def told(self, text: str) -> None:
        if not re.search(self.fine, text):
            self.wrong.append(text)


@contextmanager
def visiting(
    browser: Browser, site: Site, path: str, *, fine: str = "^$", origin: str = "", **options: Any
) -> Iterator[Page]:
    """A browser of its own. Fails on a violation of the page's policy, an error or a dialog."""
    context = browser.new_context(**options)
    context.add_init_script(TELL_POLICY)
    visit = Visit(context.new_page(), fine=fine)
    visit.page.on("console", lambda message: visit.told(message.text) if message.type in ("error", "warning") else None)
    visit.page.on("pageerror", lambda error: visit.told(f"error: {error}"))
    visit.page.on("dialog", lambda shown: visit.told(f"dialog: {shown.message}"))
    known = (site.origin, site.stranger, site.server.base_url, "about:", "data:", "blob:")
    visit.page.on("request", lambda asked: None if asked.url.startswith(known) else visit.told(asked.url))
    try:
        visit.page.goto((origin or site.origin) + path)
        yield visit.page
        assert visit.wrong == []
    finally:
        context.close()


def ends(page: Page, status: str | re.Pattern[str], nth: int = 0) -> None:
    """The line beside the buttons."""
    expect(page.locator("gexec-snippet .status").nth(nth)).to_have_text(status, timeout=SOON_MS)


GOOD = re.compile(r"^exit code 0 · ")


def test_two_on_a_page_with_the_strictest_policy(chromium: Browser, site: Site) -> None:
    path = site.serve(HELLO + HELLO.replace('"first"', '"second"').replace("hi", "ho"))
    with visiting(chromium, site, path) as page:
        page.locator("gexec-snippet .run").nth(1).click()
        ends(page, GOOD, nth=1)
        page.locator("gexec-snippet .run").nth(0).click()
        ends(page, GOOD)
        assert page.locator("gexec-snippet .output").all_text_contents() == ["hi <b>\n", "ho <b>\n"]
        # Its looks are its own, whatever the page forbids.
        assert page.locator("gexec-snippet .bar").first.evaluate("bar => getComputedStyle(bar).display") == "flex"


def test_the_editor_comes_when_somebody_goes_into_it(chromium: Browser, site: Site) -> None:
    path = site.serve(HELLO.replace("key=", 'editor="on" key='))
    with visiting(chromium, site, path) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        assert page.locator(".cm-content").count() == 0
        page.locator("#first code").click()
        editor = page.locator("gexec-snippet .cm-content")
        expect(editor).to_be_focused(timeout=SOON_MS)
        assert any("/editor-" in url for url in asked)
        expect(page.locator("#first")).to_be_hidden()
        keyword = page.locator("gexec-snippet .cm-line span").first
        assert keyword.evaluate("word => getComputedStyle(word).color") != "rgb(0, 0, 0)"
        page.keyboard.press("Control+a")
        page.keyboard.type("print(6 * 7)")
        page.keyboard.press("Control+Enter")
        ends(page, GOOD)
        expect(page.locator("gexec-snippet .output")).to_have_text("42\n")
        page.locator("gexec-snippet .reset").click()
        expect(editor).to_have_text('print("hi <b>")')
        expect(page.locator("gexec-snippet .output")).to_be_hidden()


def test_without_scripts_the_program_and_its_output_are_there(chromium: Browser, site: Site) -> None:
    inside = '<pre>print(1)</pre><pre slot="output">printed before</pre>'
    path = site.serve(f'<gexec-snippet language="python" key="KEY">{inside}</gexec-snippet>')
    with visiting(chromium, site, path, java_script_enabled=False) as page:
        expect(page.get_by_text("print(1)")).to_be_visible()
        expect(page.get_by_text("printed before")).to_be_visible()
    with visiting(chromium, site, path) as page:
        expect(page.get_by_text("printed before")).to_be_visible()
        page.locator("gexec-snippet .run").click()
        ends(page, GOOD)
        expect(page.get_by_text("printed before")).to_be_hidden()
        expect(page.get_by_text("print(1)")).to_be_visible()


def test_it_is_written_in_where_it_stands(chromium: Browser, site: Site) -> None:
    inside = '<pre>print("a")</pre>'
    path = site.serve(
        f"<gexec-snippet language='python' key='KEY' editor='basic' actions='run'>{inside}</gexec-snippet>"
        "<p data-changes></p>"
    )
    before = site.executions()
    with visiting(chromium, site, path) as page:
        page.evaluate(
            """() => addEventListener("gexec-change", ({detail}) => {
                const told = JSON.stringify([detail.source, typeof detail.at]);
                document.querySelector("[data-changes]").textContent = told; })"""
        )
        page.locator("pre").first.focus()
        page.keyboard.press("Control+End")
        page.keyboard.press("Enter")
        page.keyboard.type('print("b")')
        page.keyboard.press("Control+Enter")
        ends(page, GOOD)
        expect(page.locator("gexec-snippet .output")).to_have_text("a\nb\n")
        told, kind = json.loads(page.locator("[data-changes]").text_content() or "")
        assert (told.split(), kind) == (['print("a")', 'print("b")'], "number")
        assert site.executions() == before + 1


PARTS = """
<script type="text/plain" id="util.py">def twice(n): return 2 * n</script>
<template id="data" data-name="in/data.txt">from a file</template>
<pre hidden id="around">import sys, util
##CODE##
print(sys.argv[1:], input())</pre>
<gexec-snippet id="before" language="python" key="KEY" actions="">
  base = 20 + 1
</gexec-snippet>
<gexec-snippet id="all" language="py" key="KEY" depends-on="before" files="util.py data" template="#around"
  stdin="from $&amp; stdin" args="one 'two words'" limits="wall_ms=9000 memory_mb=64"
  show="input" actions="run copy share">
    if True:
        print(util.twice(base), open("in/data.txt").read(), "$&")
</gexec-snippet>
"""


def test_a_program_of_many_parts(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, site.serve(PARTS)) as page:
        told = page.locator("#all").evaluate("snippet => snippet.run()")
        assert told["run"]["stdout"] == "42 from a file $&\n['one', 'two words'] from $& stdin\n"
        assert (told["limits"]["wall_ms"], told["limits"]["memory_mb"]) == (9_000, 64)
        page.locator("#all").get_by_label("Input").fill("typed")
        assert page.locator("#all").evaluate("snippet => snippet.run()")["run"]["stdout"].endswith("typed\n")


def test_what_is_wrong_with_a_page_is_said(chromium: Browser, site: Site) -> None:
    bad = ('files="none"', 'depends-on="none"', """args="'" """, 'tests="x"', 'limits="wall_ms=999999999"', "")
    snippets = [
        f"<gexec-snippet language='{'python' if each else 'nope'}' key='KEY' {each}>1</gexec-snippet>" for each in bad
    ]
    path = site.serve("".join(snippets))
    with visiting(chromium, site, path, fine="status of 400") as page:
        said = page.evaluate(
            """async () => {
                const problems = [];
                addEventListener("gexec-error", ({detail}) => problems.push(detail.code));
                for (const snippet of document.querySelectorAll("gexec-snippet")) await snippet.run();
                return problems; }"""
        )
        assert said == ["bad_snippet"] * 4 + ["limit_exceeded", "unsupported_language"]
        for index, words in enumerate(
            ("no file #none", "no snippet #none", "args is not closed", "no JSON", "wall_ms", "")
        ):
            expect(page.locator("gexec-snippet .status").nth(index)).to_contain_text(words)


HOSTILE = r"""
import sys
print("<script>alert(1)</script></pre><img src=x onerror=alert(2)>")
print("\x1b[31;1mred\x1b[0m \x1b]0;title\x07\x1b[2Jbold? \x1b[38;5;200mpink\x1b[0m", "\0 \u202e \x85 \r")
sys.stdout.flush()
print("oops", file=sys.stderr)
sys.stdout.write("\x1b[")
"""


def test_what_is_printed_is_text(chromium: Browser, site: Site) -> None:
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;")
    markup = 'label-run="&lt;img src=x onerror=alert(3)&gt;" language="python"'
    path = site.serve(f"<gexec-snippet {markup} key='KEY'>{escaped}</gexec-snippet>")
    with visiting(chromium, site, path) as page:
        page.locator("gexec-snippet .run").click()
        ends(page, GOOD)
        output = page.locator("gexec-snippet .output")
        expect(output).to_contain_text("oops")
        text = output.text_content() or ""
        assert (
            "<script>alert(1)</script></pre><img src=x onerror=alert(2)>\nred bold? pink \\x00 \\u202e \\x85 \\x0d\n"
            in text
        )
        assert "stderr: oops\n" in text
        assert text.rstrip().endswith("\\x1b[")
        assert output.locator("img, script").count() == 0
        red = output.locator(".fg1")
        assert red.evaluate("span => getComputedStyle(span).fontWeight") == "700"
        assert red.evaluate("span => getComputedStyle(span).color") != output.evaluate(
            "pre => getComputedStyle(pre).color"
        )


def test_much_output_stays_smooth(chromium: Browser, site: Site) -> None:
    path = site.serve(
        "<gexec-snippet language='python' key='KEY'>print('a\\0' * 60000)\nprint('x' * 100000)</gexec-snippet>"
    )
    with visiting(chromium, site, path) as page:
        told = page.locator("gexec-snippet").evaluate("snippet => snippet.run()")
        expect(page.locator("gexec-snippet .output")).to_contain_text("xxx")
        assert page.locator("gexec-snippet .hid").count() <= 5_000
        assert len(told["run"]["stdout"]) == 220_002


def test_it_is_stopped(chromium: Browser, site: Site) -> None:
    path = site.serve(
        "<gexec-snippet language='python' key='KEY'>print('on', flush=True)\nwhile True: pass</gexec-snippet>"
    )
    with visiting(chromium, site, path) as page:
        page.locator("gexec-snippet .run").focus()
        page.keyboard.press("Enter")
        expect(page.locator("gexec-snippet .output")).to_have_text("on\n", timeout=SOON_MS)
        # Who went there by the keyboard is not lost when the button goes.
        expect(page.locator("gexec-snippet .stop")).to_be_focused()
        page.keyboard.press("Enter")
        ends(page, re.compile("^stopped"))
        expect(page.locator("gexec-snippet .run")).to_be_focused()


def test_who_leaves_the_page_leaves_nothing_running(chromium: Browser, site: Site) -> None:
    path = site.serve(
        "<gexec-snippet language='python' key='KEY'>print('on', flush=True)\nwhile True: pass</gexec-snippet>"
    )
    with visiting(chromium, site, path) as page:
        page.evaluate("addEventListener('gexec-run', event => window.name = event.detail.id)")
        page.locator("gexec-snippet .run").click()
        expect(page.locator("gexec-snippet .output")).to_have_text("on\n", timeout=SOON_MS)
        execution = page.evaluate("window.name")
        page.goto(site.origin + site.serve("<p>Elsewhere</p>"))
        # With the browser still open: what a page sends as it goes is lost with a browser that goes right behind it.
        with psycopg.connect(site.server.environment["DATABASE_URL"], autocommit=True) as database:
            query = "SELECT outcome FROM executions_execution WHERE id = %s"
            eventually(lambda: database.execute(query, [execution]).fetchone(), until=lambda row: row == ("cancelled",))


TESTED = """
<script type="application/json" id="cases">[{"stdin": "2", "expected_stdout": "4"},
  {"name": "<b>large", "stdin": "20", "expected_stdout": "400"}]</script>
<gexec-snippet language="python" key="KEY" tests="#cases">print(2 * int(input()))</gexec-snippet>
<gexec-snippet language="python" key="KEY" tests="#cases" show="score">print(int(input()) ** 2)</gexec-snippet>
"""


def test_an_exercise(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, site.serve(TESTED)) as page:
        for index, score in enumerate(("1/2 tests passed", "2/2 tests passed")):
            page.locator("gexec-snippet .run").nth(index).click()
            ends(page, score, nth=index)
        rows = page.locator("gexec-snippet table").first.locator("tr").all_text_contents()
        assert rows == ["Test 1passed", '<b>largewrong answerexpected "400", printed "40"']
        expect(page.locator("gexec-snippet table").nth(1)).to_be_hidden()


def test_a_link_leads_to_the_playground_and_runs_nothing(chromium: Browser, site: Site) -> None:
    path = site.serve(
        "<gexec-snippet language='python' key='KEY' actions='share' stdin='in'>print('shared')</gexec-snippet>"
    )
    with visiting(chromium, site, path, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator("gexec-snippet .share").click()
        ends(page, "Copied")
        link = page.evaluate("navigator.clipboard.readText()")
        assert link.startswith(f"{site.server.base_url}/#1")
        before = site.executions()
        page.goto(link)
        expect(page.locator(".cm-line").first).to_have_text("print('shared')", timeout=SOON_MS)
        assert page.locator("#stdin").input_value() == "in"
        assert site.executions() == before


def test_who_has_had_enough_waits(chromium: Browser, site: Site) -> None:
    path = site.serve("<gexec-snippet language='python' key='SLOW-KEY'>print(1)</gexec-snippet>")
    with visiting(chromium, site, path, fine="status of 429") as page:
        page.locator("gexec-snippet .run").click()
        ends(page, GOOD)
        page.locator("gexec-snippet .run").click()
        ends(page, re.compile(r"^out of runs: again in \d+ s$"))
        expect(page.locator("gexec-snippet .run")).to_be_disabled()


@pytest.mark.parametrize("kind", ["a foreign page", "no key", "another server"])
def test_a_key_is_of_no_use_elsewhere(chromium: Browser, site: Site, kind: str) -> None:
    """Nothing is run, and the reader is told why."""
    path = site.serve(HELLO if kind != "no key" else HELLO.replace('key="KEY"', ""))
    if kind == "another server":
        path = site.serve(HELLO.replace("key=", 'server="http://127.0.0.1:9" key='), policy="")
    before = site.executions()
    origin = site.stranger if kind == "a foreign page" else site.origin
    with visiting(
        chromium, site, path, origin=origin, fine="403|CORS|ERR_FAILED|ERR_CONNECTION|ERR_UNSAFE_PORT|127.0.0.1:9"
    ) as page:
        page.locator("gexec-snippet .run").click()
        ends(page, re.compile("has no key" if kind == "no key" else "takes no programs from this page"))
        expect(page.locator("gexec-snippet .run")).to_be_enabled()
        assert page.locator("pre code").text_content() == 'print("hi <b>")'
    assert site.executions() == before


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_it_stands_in_nobodys_way(chromium: Browser, site: Site, scheme: Any, width: int) -> None:
    failing = "import sys\nprint('\\033[32mgreen \\033[35mand\\0')\nsys.exit('bad')"
    hello = HELLO.replace("key=", 'editor="on" show="input" key=')
    body = f"{hello}<gexec-snippet language='python' key='KEY'>{failing}</gexec-snippet>{TESTED}"
    look = '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    path = site.serve(body, policy="", head=look)
    with visiting(chromium, site, path, color_scheme=scheme, viewport={"width": width, "height": 700}) as page:
        page.locator("#first code").focus()
        expect(page.locator(".cm-content")).to_be_focused(timeout=SOON_MS)
        page.evaluate(
            "(async () => { for (const each of document.querySelectorAll('gexec-snippet')) await each.run() })()"
        )
        assert problems_of(page) == set()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# The page in a frame


def framed(site: Site, query: str = "lang=python") -> str:
    """A page that frames the program, and keeps what it is told."""
    address = f"{site.server.base_url}/embed?key={site.key}&{query}"
    return site.serve(
        f'<iframe title="Program" width="600" sandbox="allow-scripts allow-same-origin" src="{address}"></iframe>',
        policy=f"default-src 'none'; frame-src {site.server.base_url}; script-src {site.server.base_url} 'unsafe-eval'",
    )


LISTEN = """
window.told = [];
addEventListener("message", ({data, origin}) => data?.gexec && told.push([data.gexec, data, origin]));
"""
SAY = """data => document.querySelector("iframe").contentWindow.postMessage(data, "*")"""


def test_a_frame_that_is_talked_with(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, site.serve("", policy="")) as page:
        page.add_init_script(LISTEN)
        page.goto(site.origin + framed(site, "lang=python&theme=dark&hide=share"))
        page.wait_for_function("told.some(([name]) => name === 'ready')", timeout=SOON_MS)
        before = site.executions()
        for nothing in ({"gexec": "key", "key": "x"}, {"gexec": "constructor"}, {"gexec": ["run"]}, "run", None):
            page.evaluate(SAY, nothing)
        page.evaluate(SAY, {"gexec": "set", "source": "print('in a frame')"})
        page.evaluate(SAY, {"gexec": "run"})
        page.wait_for_function("told.some(([name]) => name === 'result')", timeout=SOON_MS)
        _, told, origin = page.evaluate("told.find(([name]) => name === 'result')")
        assert (told["execution"]["run"]["stdout"], origin) == ("in a frame\n", site.server.base_url)
        assert site.executions() == before + 1
        assert page.evaluate("told.some(([name, {height}]) => name === 'height' && height > 50)")
        frame = page.frame_locator("iframe")
        expect(frame.locator("gexec-snippet .output")).to_have_text("in a frame\n")
        assert frame.locator("gexec-snippet").get_attribute("theme") == "dark"
        assert frame.locator("gexec-snippet .share").count() == 0
        # Its editor is written in, and its reader's input is read.
        frame.locator("pre code").click()
        expect(frame.locator(".cm-content")).to_be_focused(timeout=SOON_MS)
        page.keyboard.press("Control+a")
        page.keyboard.insert_text("print(input() * 2)")
        frame.get_by_label("Input").fill("ha")
        page.keyboard.press("Control+Enter")
        expect(frame.locator("gexec-snippet .output")).to_have_text("haha\n", timeout=SOON_MS)


REFUSED = "chrome-error://chromewebdata/"


def come_to(page: Page, urls: list[str]) -> None:
    """Wait until the frames of a page show these."""
    for _ in range(SOON_MS // 100):
        if [frame.url for frame in page.frames[1:]] == urls:
            return
        page.wait_for_timeout(100)
    assert [frame.url for frame in page.frames[1:]] == urls


def test_strangers_can_neither_frame_it_nor_anything_else(chromium: Browser, site: Site) -> None:
    addresses = [f"/embed?key={site.key}", "/", "/admin/login/", "/api/docs"]
    frames = "".join(
        f'<iframe title="{number}" src="{site.server.base_url}{path}"></iframe>'
        for number, path in enumerate(addresses)
    )
    path = site.serve(frames, policy="")
    with visiting(chromium, site, path, origin=site.stranger, fine="frame|Refused") as page:
        come_to(page, [REFUSED] * len(addresses))


def test_a_frame_within_a_frame_of_strangers(chromium: Browser, site: Site) -> None:
    """All pages around it have to be of the client."""
    inner = framed(site)
    path = site.serve(f'<iframe title="x" src="{site.origin}{inner}"></iframe>', policy="")
    with visiting(chromium, site, path, origin=site.stranger, fine="frame|Refused") as page:
        come_to(page, [site.origin + inner, REFUSED])


def test_a_program_in_the_address_of_a_frame(chromium: Browser, site: Site) -> None:
    before = site.executions()
    program = {
        "l": "python",
        "f": [["main.py", "import util\nprint(util.x, input())"], ["util.py", "x = 7"]],
        "i": "#data",
    }
    link = link_of(program).removeprefix("/")
    with visiting(chromium, site, framed(site, f"lang=go{link}")) as page:
        frame = page.frame_locator("iframe")
        expect(frame.locator("pre code")).to_contain_text("import util", timeout=SOON_MS)
        assert site.executions() == before
        frame.locator("gexec-snippet .run").click()
        expect(frame.locator("gexec-snippet .output")).to_have_text("7 #data\n", timeout=SOON_MS)
    with visiting(chromium, site, framed(site, "lang=python#1broken!")) as page:
        expect(page.frame_locator("iframe").get_by_role("alert")).to_be_visible(timeout=SOON_MS)


_BLOCKS = re.compile(r"```html\n(.*?)```\n\n```(prints|status)\n(.*?)```", re.DOTALL)


def test_what_the_documentation_shows(chromium: Browser, site: Site) -> None:
    text = (PROJECT / "docs" / "widget.md").read_text()
    blocks = _BLOCKS.findall(text)
    assert len(blocks) == text.count("```html") > 4
    for shown, kind, told in blocks:
        body = shown.replace("https://gexec.example", site.server.base_url).replace("gx_pub_…", "KEY")
        with visiting(chromium, site, site.serve(body)) as page:
            last = page.locator("gexec-snippet").last
            last.locator(".run").click()
            if kind == "status":
                expect(last.locator(".status")).to_have_text(told.strip(), timeout=SOON_MS)
            else:
                expect(last.locator(".output")).to_contain_text(told, timeout=SOON_MS)
    policy = site.policy.split("; style-src")[0].replace(site.server.base_url, "https://gexec.example")
    assert policy in text


def test_a_page_that_talks_as_the_documentation_shows(chromium: Browser, site: Site) -> None:
    text = (PROJECT / "docs" / "widget.md").read_text()
    frame, script = re.findall(r"\n((?:    .*\n)+)", text[text.index("## In a frame") :])
    for old, new in (("https://gexec.example", site.server.base_url), ("gx_pub_…", site.key)):
        frame, script = frame.replace(old, new), script.replace(old, new)
    with visiting(chromium, site, site.serve("<div></div>", policy="")) as page:
        page.evaluate("frame => { document.querySelector('div').innerHTML = frame }", frame)
        page.evaluate(script)
        expect(page.frame_locator("iframe").locator("pre code")).to_have_text("print(6 * 7)", timeout=SOON_MS)
        page.frame_locator("iframe").locator(".run").click()
        expect(page.frame_locator("iframe").locator(".output")).to_have_text("42\n", timeout=SOON_MS)
        assert int(page.locator("iframe").get_attribute("height") or 0) > 50
