"""SandboxFusion's own client, only its address changed, and what a trainer (verl) sends."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from typing import Any

import pytest
import sandbox_fusion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_fusion import RunCodeRequest, RunJupyterRequest, RunStatus, SummaryMapping

from clients.rights import Right
from dispatch.testing import FakeBackend
from executions.compat.sandboxfusion.program import name_of_fetched
from executions.models import Execution
from languages.models import Language
from sandbox.errors import EngineUnavailable, PoolBusy
from sandbox.types import Artifact, JobResult, Outcome, StepResult
from testkit.servers import RunningServer
from tests.door_lab import Door, bodies, door, install, language
from tests.fake_backend import ran, result

RUN = "/run_code"
PROGRAM = {"code": "print(1)", "language": "python"}
LANGUAGES = (
    "'python', 'cpp', 'nodejs', 'go', 'go_test', 'java', 'php', 'csharp', 'bash', 'typescript', 'sql', 'rust', 'cuda', "
    "'lua', 'R', 'perl', 'D_ut', 'ruby', 'scala', 'julia', 'pytest', 'junit', 'kotlin_script', 'jest', 'verilog', "
    "'python_gpu', 'lean', 'swift' or 'racket'"
)

UNDECODED = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
NO_NUMBER = "Input should be a valid number, unable to parse string as a number"
NOT_WHOLE = "Input should be a valid integer, got a number with a fractional part"
REVERSED_IN_GO = """package main
import "fmt"
func main() { var s string; fmt.Scan(&s); r := []rune(s); fmt.Println(string([]rune{r[2], r[1], r[0]})) }"""


def step(status: str = "Finished", code: int | None = 0, stdout: str = "", stderr: str = "") -> dict[str, Any]:
    return {"status": status, "execution_time": 0.005, "return_code": code, "stdout": stdout, "stderr": stderr}


def told(status: str, run: Any = None, compiled: Any = None, message: str = "", files: Any = None) -> dict[str, Any]:
    return {
        "status": status, "message": message, "compile_result": compiled, "run_result": run, "executor_pod_name": None,
        "files": files or {},
    }  # fmt: skip


@pytest.fixture
def fusion(python: Language, go: Language, fake_backend: FakeBackend) -> Door:
    return door("X-API-Key")


def compiling(stderr: bytes, outcome: Outcome, **fields: Any) -> JobResult:
    return JobResult((StepResult("compile", outcome, stderr=stderr, wall_ms=5.0, **fields),))


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors", "rate_limit_off")
class TestBodies:
    """Every answer, to the letter."""

    @pytest.mark.parametrize(
        ("ended", "expected"),
        [
            (result(ran(b"1\n", stderr=b"w")), told("Success", step(stdout="1\n", stderr="w"))),
            (result(ran(b"", Outcome.NONZERO_EXIT, exit_code=3)), told("Failed", step(code=3))),
            (result(ran(b"", Outcome.SIGNAL, signal=11)), told("Failed", step(code=-11))),
            (result(ran(b"a", Outcome.TIMEOUT_WALL)), told("Failed", step("TimeLimitExceeded", None, "a"))),
            (result(ran(b"a", Outcome.OUTPUT_LIMIT)), told("Failed", step(code=-9, stdout="a"))),
            (
                result(ran(b"\xff")),
                told("Success", step(stdout=f"[DecodeError] {UNDECODED}")),
            ),
            (
                compiling(b"no", Outcome.NONZERO_EXIT, exit_code=2),
                told("Failed", None, step(code=2, stderr="no")),
            ),
            (compiling(b"", Outcome.TIMEOUT_WALL), told("Failed", None, step("TimeLimitExceeded", None))),
        ],
    )  # fmt: skip
    def test_of_a_program(self, fusion: Door, fake_backend: FakeBackend, ended: JobResult, expected: Any) -> None:
        fake_backend.behave = lambda _job: ended
        answer = fusion.post(RUN, PROGRAM | {"language": "go"})
        assert (answer.status_code, answer.json()) == (200, expected)
        assert Execution.objects.get().door == "sandboxfusion"

    def test_of_a_fault_of_ours(self, fusion: Door, fake_backend: FakeBackend) -> None:
        fake_backend.behave = lambda _job: result(ran(b"", Outcome.SANDBOX_ERROR, started=False, detail="no such file"))
        answer = fusion.post(RUN, PROGRAM).json()
        assert (answer["status"], answer["run_result"]) == ("SandboxError", None)
        assert answer["message"].startswith("sandbox error")

    def test_what_may_be_otherwise_soon_is_504(self, fusion: Door, fake_backend: FakeBackend, settings: Any) -> None:
        for refused in (PoolBusy("full", retry_after_s=3), EngineUnavailable("away")):
            fake_backend.refuse = refused
            answer = fusion.post(RUN, PROGRAM)
            assert (answer.status_code, list(answer.json())) == (504, ["detail"])
        fake_backend.refuse, settings.GEXEC_KEY_RATE_LIMIT = None, "1/h"
        often = [fusion.post(RUN, PROGRAM, authorization=f"Api-Key {fusion.key}") for _ in range(2)][-1]
        assert (often.status_code, often.json()) == (504, {"detail": "Too many requests"})

    @pytest.mark.parametrize(
        ("body", "faults"),
        [
            ({}, [("missing", ["code"], "Field required"), ("missing", ["language"], "Field required")]),
            (PROGRAM | {"code": 1}, [("string_type", ["code"], "Input should be a valid string")]),
            (PROGRAM | {"language": "js"}, [("literal_error", ["language"], f"Input should be {LANGUAGES}")]),
            (
                PROGRAM | {"run_timeout": "x"},
                [("float_parsing", ["run_timeout"], NO_NUMBER)],
            ),
            (PROGRAM | {"run_timeout": None}, [("float_type", ["run_timeout"], "Input should be a valid number")]),
            (
                PROGRAM | {"memory_limit_MB": 1.5},
                [("int_from_float", ["memory_limit_MB"], NOT_WHOLE)],
            ),
            (PROGRAM | {"files": []}, [("dict_type", ["files"], "Input should be a valid dictionary")]),
            (PROGRAM | {"files": {"a": 1}}, [("string_type", ["files", "a"], "Input should be a valid string")]),
            (PROGRAM | {"fetch_files": [1]}, [("string_type", ["fetch_files", 0], "Input should be a valid string")]),
            ("{", [("json_invalid", [0], "JSON decode error")]),
        ],
    )  # fmt: skip
    def test_of_what_is_refused(self, fusion: Door, body: Any, faults: list[Any]) -> None:
        answer = fusion.post(RUN, body)
        found = [(each["type"], each["loc"], each["msg"]) for each in answer.json()["detail"]]
        assert answer.status_code == 422
        assert found == [(kind, ["body", *place], text) for kind, place, text in faults]

    @pytest.mark.parametrize("value", ["1e999", "-1e999", "[[1e999]]", '{"a": -1e999}', "[" * 90 + "1" + "]" * 90])
    def test_of_what_is_told_again(self, fusion: Door, value: str) -> None:
        """It is JSON whatever was sent: a number that is too large for one is none in the answer."""
        answer = fusion.post(RUN, f'{{"code": "\u00e9", "language": {value}}}')
        told_again = json.loads(answer.content, parse_constant=pytest.fail)["detail"][0]["input"]
        assert (answer.status_code, told_again) == (
            422,
            json.loads(value.replace("-1e999", "null").replace("1e999", "null")),
        )

    @pytest.mark.parametrize("sign", ["", "-"])
    def test_times_that_no_clock_has(self, fusion: Door, fake_backend: FakeBackend, sign: str) -> None:
        answer = fusion.post(RUN, f'{{"code": "1", "language": "python", "run_timeout": {sign}{"9" * 4000}}}')
        assert (answer.status_code, fake_backend.jobs[0].steps[0].limits.wall_ms == 1) == (200, sign == "-")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (PROGRAM | {"language": "lean"}, "lean is not installed on this server"),
            (PROGRAM | {"language": "rust"}, "rust is not installed on this server"),
            (PROGRAM | {"files": {"a": "YQ"}}, "exception on running code print(1): Incorrect padding None"),
            (
                PROGRAM | {"files": {"../a": ""}},
                "exception on running code print(1): the file '../a' has no place in the work directory None",
            ),
        ],
    )
    def test_of_what_cannot_be_done(self, fusion: Door, body: Any, message: str) -> None:
        answer = fusion.post(RUN, body)
        assert (answer.status_code, answer.json()) == (200, told("SandboxError", message=message))

    def test_a_key_may_be_the_password_of_its_address(self, fusion: Door) -> None:
        for credentials, status in ((f"gexec:{fusion.key}", 200), ("gexec:wrong", 401), ("", 401)):
            basic = base64.b64encode(credentials.encode()).decode()
            assert fusion.post(RUN, PROGRAM, authorization=f"Basic {basic}").status_code == status
        assert Door("", "x").post(RUN, PROGRAM, authorization="Basic $").status_code == 401

    def test_a_right_that_the_key_lacks_is_told(self, fusion: Door) -> None:
        reader = door("Authorization", client="reader", rights=[Right.READ])
        answer = reader.post(RUN, PROGRAM, authorization=f"Api-Key {reader.key}")
        assert (answer.status_code, answer.json()) == (403, {"detail": "this needs a key with the right execute"})

    def test_the_rest(self, fusion: Door) -> None:
        assert fusion.get("/v1/ping").json() == "pong"
        assert (fusion.get(RUN).status_code, fusion.get(RUN).json()) == (405, {"detail": "Method Not Allowed"})
        notebook = fusion.post("/run_jupyter", {"cells": ["1"]})
        assert notebook.status_code == 200
        assert notebook.json()["message"] == "Jupyter is not installed on this server"

    def test_files_limits_and_names(self, fusion: Door, fake_backend: FakeBackend) -> None:
        body = {
            "language": "python", "code": "import main", "stdin": "in", "run_timeout": "1.5", "compile_timeout": 0,
            "memory_limit_MB": 10**9,
            "files": {"main.py": "eD0x", "a/../lib/b.txt": "", "none": None, "IGNORE_THIS_FILE": "YQ"},
            "fetch_files": ["out.txt", "/mnt/data/b", "/etc/passwd", "../x", "/box/c"],
        }  # fmt: skip
        assert fusion.post(RUN, body).status_code == 200
        job = fake_backend.jobs[0]
        assert {file.name: file.content for file in job.files} == {
            "main.py": b"x=1",
            "lib/b.txt": b"",
            "program1.py": b"import main",
        }
        assert job.steps[0].argv == ("python3", "program1.py")
        assert (job.steps[0].stdin, job.steps[0].limits.wall_ms) == (b"in", 1500)
        assert job.steps[0].limits.memory_bytes == 256 << 20
        assert job.artifacts is not None
        assert job.artifacts.patterns == ("out.txt", "b", "c")

    def test_what_is_fetched(self, fusion: Door, fake_backend: FakeBackend) -> None:
        left = (Artifact("out.txt", 2, b"hi"), Artifact("big", 9, None, "too_large"), Artifact("outx.txt", 1, b"x"))
        fake_backend.behave = lambda _job: JobResult((ran(),), left)
        asked = ["out.txt", "/mnt/data/out.txt", "big", "none", "out?.txt"]
        files = fusion.post(RUN, PROGRAM | {"fetch_files": asked}).json()["files"]
        assert files == dict.fromkeys(["out.txt", "/mnt/data/out.txt"], "aGk=")

    def test_java_has_its_own_name_and_php_its_tag(self, fusion: Door, fake_backend: FakeBackend) -> None:
        language("java", "Main.java", compiled=True)
        language("php", "main.php")
        Language.objects.forget_catalogue()
        fusion.post(RUN, {"language": "java", "code": "J", "files": {"Main.java": "eA=="}})
        fusion.post(RUN, {"language": "php", "code": "echo 1;"})
        names = [{file.name: file.content for file in job.files} for job in fake_backend.jobs]
        assert names == [{"Main.java": b"J"}, {"main.php": b"<?php\n\necho 1;"}]

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        bodies(
            {
                "language": st.sampled_from(["python", "go", "lean"]),
                "code": st.just("print(1)"),
                "stdin": st.text(max_size=5),
                "run_timeout": st.floats(allow_nan=False),
                "memory_limit_MB": st.integers(),
                "files": st.dictionaries(st.sampled_from(["a", "a/b", "main.py", "/x", "..", ""]), st.just("eA==")),
                "fetch_files": st.lists(st.text(max_size=5)),
            }
        )
    )
    def test_no_body_is_a_fault(self, fusion: Door, body: bytes) -> None:
        answer = fusion.post(RUN, body)
        assert answer.status_code in {200, 422}
        if answer.status_code == 200:
            assert set(answer.json()) == set(told(""))


@pytest.mark.parametrize(
    ("path", "name"),
    [("a", "a"), ("./a/../b", "b"), ("/box/a", "a"), ("/mnt/data/a/b", "a/b"), ("/a", None), ("..", None), ("", None)],
)
def test_what_is_fetched_lies_in_the_work_directory(path: str, name: str | None) -> None:
    assert name_of_fetched(path) == name


@pytest.fixture(scope="module")
def address(compat_server: RunningServer) -> str:
    """Of the server, with a key, where Bash is installed."""
    install(compat_server, "bash")
    return compat_server.base_url.replace("://", f"://gexec:{compat_server.create_api_key('fusion')}@")


class TestTheirClient:
    """The package of the other service, unchanged but for its endpoint."""

    def ask(self, address: str, language: str, code: str, **more: Any) -> Any:
        request = RunCodeRequest(language=language, code=code, **more)
        return sandbox_fusion.run_code(request, endpoint=address, max_attempts=1)

    @pytest.mark.parametrize(
        ("language", "code"),
        [
            ("python", "print(input()[::-1])"),
            ("go", REVERSED_IN_GO),
            ("bash", "rev"),
        ],
    )  # fmt: skip
    def test_a_program_that_ends_well(self, address: str, language: str, code: str) -> None:
        answer = self.ask(address, language, code, stdin="abc\n")
        assert (answer.status, answer.run_result.stdout, answer.run_result.return_code) == ("Success", "cba\n", 0)
        assert (answer.compile_result is not None) is (language == "go")

    def test_a_compile_error(self, address: str) -> None:
        answer = self.ask(address, "go", "package main\nfunc main() { x }")
        mapping = SummaryMapping(CompileFailed="compile", RunFailed="run", RunTimeout="late")
        assert sandbox_fusion.summary_run_code_result(answer, mapping) == "compile"
        assert "undefined: x" in answer.compile_result.stderr
        assert answer.run_result is None

    def test_a_crash_a_timeout_and_too_much_output(self, address: str) -> None:
        crashed = self.ask(address, "bash", "kill -SEGV $$")
        assert (crashed.status, crashed.run_result.return_code) == (RunStatus.Failed, -11)
        late = self.ask(address, "python", "print('begun', flush=True)\nwhile True: pass", run_timeout=0.5)
        assert (late.status, late.run_result.status, late.run_result.stdout) == (
            "Failed",
            "TimeLimitExceeded",
            "begun\n",
        )
        loud = self.ask(address, "python", "print('x' * 3000000)")
        assert (loud.status, len(loud.run_result.stdout)) == ("Failed", 1 << 20)

    def test_files_go_in_and_come_out(self, address: str) -> None:
        big = base64.b64encode(bytes(range(256)) * 800).decode()
        code = "data = open('in/a.bin', 'rb').read(); open('/mnt/data/out.bin', 'wb').write(data[::-1])"
        answer = self.ask(address, "python", code, files={"in/a.bin": big}, fetch_files=["out.bin", "nothing"])
        assert list(answer.files) == ["out.bin"]
        assert base64.b64decode(answer.files["out.bin"]) == bytes(range(255, -1, -1)) * 800

    def test_many_at_once(self, address: str) -> None:
        async def all_of_them() -> list[Any]:
            requests = [RunCodeRequest(language="python", code=f"print({n})") for n in range(8)]
            return await asyncio.gather(*(sandbox_fusion.run_code_async(each, endpoint=address) for each in requests))

        assert [each.run_result.stdout for each in asyncio.run(all_of_them())] == [f"{n}\n" for n in range(8)]

    def test_a_notebook_is_refused_in_words(self, address: str) -> None:
        with pytest.raises(Exception, match="Jupyter is not installed"):
            sandbox_fusion.run_jupyter(RunJupyterRequest(cells=["1"]), endpoint=address, max_attempts=1)


def test_a_reward_as_verl_asks_for_it(compat_server: RunningServer) -> None:
    """Without a key: it sends none, and gives no reward for any status but 200, nor tries again but for 504."""
    sent = {
        "compile_timeout": 10, "run_timeout": 10, "code": "print(sum(map(int, input().split())))", "stdin": "1 2 39",
        "memory_limit_MB": 1024, "language": "python", "files": {}, "fetch_files": [],
    }  # fmt: skip
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(f"{compat_server.base_url}/run_code", json.dumps(sent).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.loads(response.read())
    assert (answer["status"], answer["compile_result"]) == ("Success", None)
    assert (answer["run_result"]["status"], answer["run_result"]["stdout"]) == ("Finished", "42\n")
