"""Dify's own client of its sandbox, which only has its address and key changed."""

from __future__ import annotations

import base64
import json
import textwrap
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.rights import Right
from dispatch.testing import FakeBackend
from executions import services
from executions.compat.dify import packages
from executions.models import Execution
from languages.models import Language
from sandbox.errors import EngineUnavailable, PoolBusy
from sandbox.types import Outcome
from testkit.servers import RunningServer
from tests.door_lab import Door, bodies, door, install
from tests.fake_backend import ran, result

RUN = "/v1/sandbox/run"
KEY = "X-Api-Key"
PROGRAM = {"language": "python3", "code": "print(1)", "preload": "", "enable_network": True}

MISTYPED = "json: cannot unmarshal {} into Go struct field .{} of type {}"
MISSING = "Key: '{0}' Error:Field validation for '{0}' failed on the 'required' tag"


def envelope(code: int, message: str, data: Any = None) -> dict[str, Any]:
    return {"code": code, "message": message, "data": data}


def data(stdout: str = "", stderr: str = "", error: str = "", exit_code: int = 0) -> dict[str, Any]:
    return {"stdout": stdout, "stderr": stderr, "error": error, "exit_code": exit_code}


@pytest.fixture
def dify(python: Language, fake_backend: FakeBackend) -> Door:
    packages.known.clear()
    return door(KEY)


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors", "rate_limit_off")
class TestBodies:
    """Every answer, to the letter."""

    @pytest.mark.parametrize(
        ("ended", "told"),
        [
            (ran(b"1\n", stderr=b"warned\n"), data("1\n", "warned\n")),
            (
                ran(b"half", Outcome.NONZERO_EXIT, stderr=b"Boom\n", exit_code=7),
                data("half", "Boom\n", "process exited with code 7\nBoom\n", 7),
            ),
            (ran(b"", Outcome.NONZERO_EXIT, exit_code=1), data("", "", "process exited with code 1", 1)),
            (
                ran(b"a", Outcome.TIMEOUT_WALL, stderr=b"late\n"),
                data("a", "late\n", "process exited with code -1\nerror: timeout\nlate\n", -1),
            ),
            (ran(b"", Outcome.SIGNAL, signal=11), data("", "", "process exited with code -1", -1)),
            (
                ran(b"", Outcome.SIGNAL, signal=31),
                data("", "", "process exited with code -1\nerror: operation not permitted\n", -1),
            ),
            (
                ran(b"x", Outcome.OUT_OF_MEMORY),
                data("x", "", "process exited with code -1\nerror: memory limit of 128 MB exceeded\n", -1),
            ),
            (ran(b"\xff<"), data("\ufffd<")),
        ],
    )
    def test_of_a_program(self, dify: Door, fake_backend: FakeBackend, ended: Any, told: dict[str, Any]) -> None:
        fake_backend.behave = lambda _job: result(ended)
        answer = dify.post(RUN, PROGRAM)
        assert (answer.status_code, answer.json()) == (200, envelope(0, "success", told))
        row = Execution.objects.get()
        assert (row.door, answer["X-Execution-Id"]) == ("dify", str(row.pk))

    @pytest.mark.parametrize(
        ("body", "status", "message"),
        [
            ({**PROGRAM, "language": "ruby"}, 400, "unsupported language"),
            ({**PROGRAM, "language": "nodejs"}, 400, "unsupported language"),
            ({**PROGRAM, "language": 1}, 400, MISTYPED.format("number", "language", "string")),
            ({**PROGRAM, "enable_network": "yes"}, 400, MISTYPED.format("string", "enable_network", "bool")),
            ({"language": "python3"}, 400, MISSING.format("Code")),
            ({"code": ""}, 400, "\n".join(map(MISSING.format, ("Language", "Code")))),
            ("{", 400, "Invalid JSON"),
            ({**PROGRAM, "code": "#" * 300_000}, 200, "files[0] is larger than 262144 bytes"),
        ],
    )  # fmt: skip
    def test_of_what_is_refused(self, dify: Door, body: Any, status: int, message: str) -> None:
        answer = dify.post(RUN, body)
        told = answer.json()
        assert (answer.status_code, told["message"], told["data"]) == (status, message, None)
        assert told["code"] in {-400, -413}

    def test_a_wrong_key_is_answered_with_nothing(self, dify: Door) -> None:
        for headers in ({KEY: "dify-sandbox"}, {"Authorization": "Bearer x"}):
            answer = dify.post(RUN, PROGRAM, **headers)
            assert (answer.status_code, answer.content) == (401, b"")

    def test_no_key_is_none_where_none_is_needed(self, dify: Door, settings: Any) -> None:
        anybody = Door("", KEY)
        assert anybody.post(RUN, PROGRAM).json()["code"] == 0
        settings.GEXEC_REQUIRE_API_KEY = True
        assert (anybody.post(RUN, PROGRAM).status_code, dify.post(RUN, PROGRAM).status_code) == (401, 200)

    def test_a_key_without_the_right_is_told(self, dify: Door) -> None:
        answer = door(KEY, client="reader", rights=[Right.READ]).post(RUN, PROGRAM)
        assert answer.json() == envelope(-403, "this needs a key with the right execute")

    def test_what_may_be_otherwise_soon_is_503(self, dify: Door, fake_backend: FakeBackend, settings: Any) -> None:
        fake_backend.refuse = PoolBusy("full", retry_after_s=3)
        busy = dify.post(RUN, PROGRAM)
        assert (busy.status_code, busy.json()) == (503, envelope(-503, "Too many requests"))
        assert int(busy["Retry-After"]) > 0
        fake_backend.refuse = EngineUnavailable("away")
        assert dify.post(RUN, PROGRAM).status_code == 503
        fake_backend.refuse, settings.GEXEC_KEY_RATE_LIMIT = None, "1/h"
        often = [dify.post(RUN, PROGRAM) for _ in range(2)][-1]
        assert (often.status_code, often.json()) == (503, envelope(-503, "Too many requests"))

    def test_a_fault_of_ours_is_a_code(self, dify: Door, fake_backend: FakeBackend) -> None:
        fake_backend.behave = lambda _job: result(ran(b"", Outcome.SANDBOX_ERROR, started=False, detail="no such file"))
        answer = dify.post(RUN, PROGRAM)
        assert answer.status_code == 200
        message = "sandbox error: the command of this language cannot be started: no such file"
        assert answer.json() == envelope(-500, message)

    def test_a_run_that_was_lost_and_begins_again_is_not_waited_for(
        self, dify: Door, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "BEGUN_AGAIN_WAIT_S", 0.01)
        fake_backend.behave = lambda _job: result(ran(b"", Outcome.SANDBOX_ERROR))
        answer = dify.post(RUN, PROGRAM)
        assert (answer.status_code, answer.json()) == (503, envelope(-503, "the run was lost, and begins again"))

    def test_health(self, dify: Door) -> None:
        for path in ("/health", "/health/"):
            answer = Door("", KEY).get(path)
            assert (answer.status_code, answer.content) == (200, b'"ok"')

    @pytest.mark.parametrize("path", ["/v1/sandbox", "/v1/sandbox/", "/v1/sandbox/x", "/v1/sandbox/run"])
    def test_what_is_not_there(self, dify: Door, path: str) -> None:
        answer = dify.get(path)
        assert (answer.status_code, answer.content) == (404, b"404 page not found")

    def test_dependencies_are_looked_up_once_an_image(self, dify: Door, fake_backend: FakeBackend) -> None:
        listed = [{"name": "jinja2", "version": "3.1.6"}]
        fake_backend.behave = lambda _job: result(ran(json.dumps(listed).encode()))
        path = "/v1/sandbox/dependencies"
        for query in ("?language=python3", "/?language=python3", "/refresh?language=python3"):
            assert dify.get(path + query).json() == envelope(0, "success", {"dependencies": listed})
        assert len(fake_backend.jobs) == 1
        assert dify.get(f"{path}?language=nodejs").json() == envelope(-400, "unsupported language")
        assert dify.get(path).json()["message"].startswith("Key: 'Language' Error:")
        assert dify.post(f"{path}/update", {"language": "python3"}).json() == envelope(0, "success", {})
        assert dify.post(f"{path}/update", {"language": "nodejs"}).status_code == 400

    @pytest.mark.parametrize("printed", [b"", b"no list", b"[1]", b'{"a": 1}'])
    def test_dependencies_that_cannot_be_told_are_none(
        self, dify: Door, fake_backend: FakeBackend, printed: bytes
    ) -> None:
        fake_backend.behave = lambda _job: result(ran(printed))
        answer = dify.get("/v1/sandbox/dependencies?language=python3")
        assert answer.json() == envelope(0, "success", {"dependencies": []})

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        bodies({"language": st.sampled_from(["python3", "nodejs"]), "code": st.just("print(1)"), "preload": st.text()}),
        st.sampled_from([RUN, "/v1/sandbox/dependencies/update"]),
    )
    def test_no_body_is_a_fault(self, dify: Door, body: bytes, path: str) -> None:
        answer = dify.post(path, body)
        assert answer.status_code in {200, 400}
        assert set(answer.json()) == {"code", "message", "data"}


def python_runner(code: str, inputs: dict[str, Any]) -> str:
    """As Dify wraps a code node: the inputs in base64, the result between two marks."""
    sent = base64.b64encode(json.dumps(inputs, ensure_ascii=False).encode()).decode()
    return f"""{code}

import json
from base64 import b64decode

inputs_obj = json.loads(b64decode('{sent}').decode('utf-8'))
output_obj = main(**inputs_obj)
output_json = json.dumps(output_obj, indent=4)
result = f'''<<RESULT>>{{output_json}}<<RESULT>>'''
print(result)
"""


def javascript_runner(code: str, inputs: dict[str, Any]) -> str:
    """The same for JavaScript."""
    sent = base64.b64encode(json.dumps(inputs, ensure_ascii=False).encode()).decode()
    return f"""{code}

var inputs_obj = JSON.parse(Buffer.from('{sent}', 'base64').toString('utf-8'))
var output_obj = main(inputs_obj)
var output_json = JSON.stringify(output_obj)
var result = `<<RESULT>>${{output_json}}<<RESULT>>`
console.log(result)
"""


def template_runner(template: str, inputs: dict[str, Any]) -> str:
    """The same for a template of Jinja."""
    sent = base64.b64encode(json.dumps(inputs, ensure_ascii=False).encode()).decode()
    return textwrap.dedent(f"""
        def main(**inputs):
            import jinja2
            template = jinja2.Template('''{template}''')
            return template.render(**inputs)

        import json
        from base64 import b64decode

        inputs_obj = json.loads(b64decode('{sent}').decode('utf-8'))
        output = main(**inputs_obj)
        result = f'''<<RESULT>>{{output}}<<RESULT>>'''
        print(result)
        """)


@pytest.fixture(scope="module")
def key(compat_server: RunningServer) -> str:
    """Of the server's, where JavaScript is installed."""
    install(compat_server, "javascript")
    return compat_server.create_api_key("dify")


class TestRealPrograms:
    """On a real server, sent and read as Dify's code executor does."""

    def ask(self, server: RunningServer, key: str, language: str, code: str, preload: str = "") -> dict[str, Any]:
        body = {"language": language, "code": code, "preload": preload, "enable_network": True}
        answer = server.request(RUN, body, headers={KEY: key, "Content-Type": "application/json"})
        assert (answer.status, answer.json()["code"], answer.json()["message"]) == (200, 0, "success")
        told: dict[str, Any] = answer.json()["data"]
        return told

    def result(self, told: dict[str, Any]) -> str:
        """As Dify takes it out, which fails where the program has."""
        assert told["error"] == ""
        return str(told["stdout"].split("<<RESULT>>")[1])

    @pytest.mark.parametrize(
        ("language", "runner", "code"),
        [
            ("python3", python_runner, "def main(a, b):\n    return {'sum': a + b, 'text': 'é\\n<<x>>'}"),
            ("nodejs", javascript_runner, "function main({a, b}) {\n  return {sum: a + b, text: 'é\\n<<x>>'}\n}"),
        ],
    )
    def test_a_code_node(self, compat_server: RunningServer, key: str, language: str, runner: Any, code: str) -> None:
        told = self.ask(compat_server, key, language, runner(code, {"a": 2, "b": 40}))
        assert json.loads(self.result(told)) == {"sum": 42, "text": "é\n<<x>>"}

    def test_a_template_node(self, compat_server: RunningServer, key: str) -> None:
        code = template_runner("{% for x in xs %}{{ x }};{% endfor %}", {"xs": [1, "zwölf"]})
        assert self.result(self.ask(compat_server, key, "python3", code, "import jinja2\n")) == "1;zwölf;"

    @pytest.mark.parametrize(
        ("language", "code", "error"),
        [
            ("python3", "import sys; print(1); sys.exit('gone')", "process exited with code 1\ngone"),
            ("nodejs", "console.log(1); throw new Error('gone')", "Error: gone"),
            ("python3", "print(1)\ndef x(:", "SyntaxError"),
            ("python3", "import os; print(1, flush=True); os.abort()", "process exited with code -1"),
        ],
    )
    def test_one_that_fails(self, compat_server: RunningServer, key: str, language: str, code: str, error: str) -> None:
        told = self.ask(compat_server, key, language, code)
        assert error in told["error"]
        assert told["exit_code"]

    def test_no_program_has_a_network(self, compat_server: RunningServer, key: str) -> None:
        code = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
        assert "Network is unreachable" in self.ask(compat_server, key, "python3", code)["error"]

    def test_its_dependencies(self, compat_server: RunningServer, key: str) -> None:
        answer = compat_server.request("/v1/sandbox/dependencies?language=python3", headers={KEY: key})
        assert "Jinja2" in {each["name"] for each in answer.json()["data"]["dependencies"]}
