"""jobe's door, without containers: what it takes, what it refuses with which words, and how it tells of endings."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients.authentication import create
from clients.rights import Right
from dispatch.testing import FakeBackend, succeed
from executions.compat.languages import table_of
from executions.doors import Door
from executions.models import Execution
from files import services
from languages import folders
from languages.models import Language
from sandbox.errors import PoolBusy
from sandbox.types import Job, JobResult, Outcome, StepResult
from tests.fake_backend import ran, result

pytestmark = [
    pytest.mark.urls("tests.compat_urls"),
    pytest.mark.usefixtures("rate_limit_off", "open_doors", "fake_backend"),
]
API = "/jobe/index.php/restapi"
SPEC = {"language_id": "python3", "sourcecode": "print(1)", "sourcefilename": "__tester__.python3"}
MISSING = "One or more of the specified files is missing/unavailable"
SIGNALLED = "warning: command terminated with signal"
SYNTAX_ERROR = b'  File "/box/prog.py", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\n'


def post(spec: Any = None, *, key: str = "", **fields: Any) -> Any:
    body = json.dumps({"run_spec": (SPEC if spec is None else spec) | fields})
    return Client(headers={"x-api-key": key} if key else {}).post(f"{API}/runs", body, "application/json")


def put(file_id: str, contents: bytes, *, key: str) -> Any:
    body = json.dumps({"file_contents": base64.b64encode(contents).decode()})
    return Client(headers={"x-api-key": key} if key else {}).put(f"{API}/files/{file_id}", body)


def job_of(backend: FakeBackend, **fields: Any) -> Job:
    """What a run_spec with these fields has run."""
    seen: list[Job] = []

    def behave(job: Job) -> JobResult:
        seen.append(job)
        return succeed(job)

    backend.behave = behave
    answer = post(**fields)
    assert answer.status_code == 200, answer.content
    return seen[0]


def told(backend: FakeBackend, *steps: StepResult, **fields: Any) -> dict[str, Any]:
    """The answer without its id, where these steps are run."""
    backend.behave = lambda _job: result(*steps)
    answer = post(**fields).json()
    assert answer.pop("run_id") == str(Execution.objects.get().pk)
    return dict(answer)


def installed(slug: str, source_file: str, **fields: Any) -> Language:
    run = {"run_command": ["run", "{source}"], "tested_at": timezone.now(), "enabled": True, "version": "v1.2.3"}
    values = {"slug": slug, "name": slug, "image": slug, "image_digest": f"sha256:{slug}", "source_file": source_file}
    return Language.objects.create(**(values | run | fields))


@pytest.fixture
def c(db: None, nothing_remembered: None) -> Language:
    """An enabled C, which compiles."""
    compile_args = ["-Wall", "-Werror", "-std=*", "-lm", "-D*"]
    command = ["gcc", "{sources}", "{compile_args}"]
    return installed("c", "main.c", version="14.2.0", compile_command=command, compile_args=compile_args)


@pytest.fixture
def key(python: Language) -> str:
    return create("moodle")


class TestRoutes:
    """Each, with a slash at its end and without."""

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_languages(self, client: Client, python: Language, c: Language, go: Language, slash: str) -> None:
        pairs = [["c", "14.2.0"], ["go", "1.24"], ["python3", "3.13.5"]]
        assert client.get(f"{API}/languages{slash}").json() == pairs

    @pytest.mark.parametrize("path", ["", "/", "/nothing", "/runs", "/files", "/files/0123456789abcdef/x"])
    def test_what_is_no_route(self, client: Client, python: Language, path: str) -> None:
        answer = client.get(f"{API}{path}")
        assert (answer.status_code, answer.json()) == (404, "Not Found")

    def test_every_language_of_its_table_is_one_of_ours(self) -> None:
        assert {entry.slug for entry in table_of(Door.JOBE).entries} <= set(folders.slugs())


class TestRefused:
    """Its own words: a JSON string; and text for keys and rates."""

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"sourcecode": None}, "run_spec is missing the required attribute 'sourcecode'"),
            ({"sourcecode": None, "language_id": None}, "run_spec is missing the required attribute 'sourcecode'"),
            ({"language_id": None}, "run_spec is missing the required attribute 'language_id'"),
            ({"language_id": "cow", "parameters": {"cputime": 999}}, "Language 'cow' is not known"),
            ({"language_id": "PYTHON3"}, "Language 'PYTHON3' is not known"),
            ({"parameters": {"cputime": 121}}, "cputime exceeds maximum allowed on this Jobe server (120 secs)"),
            ({"parameters": {"cputime": "1.3e2"}}, "cputime exceeds maximum allowed on this Jobe server (120 secs)"),
            ({"parameters": {"cputime": " 200s"}}, "cputime exceeds maximum allowed on this Jobe server (120 secs)"),
            ({"sourcefilename": "a/b"}, "The sourcefilename for the run_spec is illegal"),
            ({"sourcefilename": "../x"}, "The sourcefilename for the run_spec is illegal"),
            ({"sourcefilename": ".hidden"}, "The sourcefilename for the run_spec is illegal"),
            ({"sourcefilename": "a;b"}, "The sourcefilename for the run_spec is illegal"),
            ({"sourcefilename": 1}, "The sourcefilename for the run_spec is illegal"),
            (
                {"file_list": [["short", "a"]]},
                "Invalid file specifier: Array\n(\n    [0] => short\n    [1] => a\n)\n",
            ),
            ({"file_list": [["0123456789", "a/b"]]}, None),
            ({"file_list": [["0123456789", ".."]]}, None),
            ({"file_list": [["0123456789", ""]]}, None),
            ({"file_list": [["012345678/", "a"]]}, None),
            ({"file_list": [["0123456789"]]}, None),
            ({"file_list": "x"}, None),
        ],
    )
    def test_the_words(self, python: Language, fields: dict[str, Any], message: str | None) -> None:
        answer = post(**fields)
        assert answer.status_code == 400
        assert isinstance(answer.json(), str)
        assert message is None or answer.json() == message

    @pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"'])
    def test_what_is_no_json(self, client: Client, python: Language, body: str) -> None:
        answer = client.post(f"{API}/runs", body, content_type="application/json")
        assert (answer.status_code, answer.json()) in [
            (400, "Non-JSON post data received"),
            (400, "No run_spec attribute found in post data"),
        ]

    def test_keys(self, client: Client, python: Language, settings: Any) -> None:
        settings.GEXEC_REQUIRE_API_KEY = True
        for sent, words in (({}, "Missing API key"), ({"x-api-key": "wrong"}, "Unknown API key")):
            answer = Client(headers=sent).get(f"{API}/languages")
            assert (answer.status_code, answer.content.decode()) == (403, words)
        assert post(key=create("k")).status_code == 200

    def test_too_many_requests(self, python: Language, settings: Any) -> None:
        settings.GEXEC_RATE_LIMIT = "1/h"
        post()
        answer = post()
        assert (answer.status_code, answer.content.decode()) == (429, "Max RUN rate for this server exceeded")

    def test_no_slot_is_an_overloaded_server(self, fake_backend: FakeBackend, python: Language) -> None:
        def busy(_job: Job) -> JobResult:
            raise PoolBusy("full", retry_after_s=1)

        fake_backend.behave = busy
        answer = post()
        assert (answer.status_code, answer.json()["outcome"], answer.json()["stderr"]) == (200, 21, "")


class TestFiles:
    """Files by an id that their sender chose; CodeRunner sends them when it is told that they are missing."""

    ID = hashlib.md5(b"support").hexdigest()

    def test_as_coderunner_does_it(self, fake_backend: FakeBackend, key: str) -> None:
        files = {"file_list": [[self.ID, "data.txt"]]}
        refused = post(key=key, **files)
        assert (refused.status_code, refused.json()) == (404, MISSING)
        assert put(self.ID, b"support", key=key).status_code == 204
        job = job_of(fake_backend, key=key, **files)
        assert {file.name: file.content for file in job.files}["data.txt"] == b"support"
        assert Execution.objects.get().door == "jobe"

    def test_head_tells_whether_it_is_there(self, key: str) -> None:
        asked = Client(headers={"x-api-key": key})
        assert asked.head(f"{API}/files/{self.ID}").status_code == 404
        put(self.ID, b"support", key=key)
        assert asked.head(f"{API}/files/{self.ID}").status_code == 204

    @pytest.mark.parametrize("file_id", ["%00", "12345678%00", "..%2f..%2fetc", "%ff%ff%ff%ff%ff%ff%ff%ff", "a" * 3000])
    def test_what_is_no_id_is_nowhere(self, key: str, file_id: str) -> None:
        assert Client(headers={"x-api-key": key}).head(f"{API}/files/{file_id}").status_code == 404

    def test_another_client_has_none_of_it(self, key: str) -> None:
        put(self.ID, b"support", key=key)
        other = create("another school")
        assert Client(headers={"x-api-key": other}).head(f"{API}/files/{self.ID}").status_code == 404
        assert post(key=other, file_list=[[self.ID, "x"]]).status_code == 404
        put(self.ID, b"changed", key=other)
        assert post(key=key, file_list=[[self.ID, "x"]]).status_code == 200

    def test_the_same_id_again_is_another_file(self, fake_backend: FakeBackend, key: str) -> None:
        for contents in (b"old", b"new"):
            put("workbook1", contents, key=key)
        job = job_of(fake_backend, key=key, file_list=[["workbook1", "x"], ["workbook1", "y", True]])
        assert {file.name: file.content for file in job.files} == {SPEC["sourcefilename"]: b"print(1)"} | dict.fromkeys(
            ("x", "y"), b"new"
        )

    def test_names_are_bounded(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "NAMES_AT_MOST", 1)
        answers = [put(each, b"x", key=key) for each in ("12345678", "12345678", "23456789")]
        assert [answer.status_code for answer in answers] == [204, 204, 429]
        assert answers[-1].json() == "put: this client has stored as much as it may"

    def test_without_a_key_nothing_is_stored(self, python: Language) -> None:
        answer = put(self.ID, b"support", key="")
        assert (answer.status_code, answer.content.decode()) == (403, "Missing API key")
        assert post(file_list=[[self.ID, "x"]]).status_code == 404

    @pytest.mark.parametrize(
        ("file_id", "body", "told"),
        [
            ("12345678", {}, "put: missing file_contents parameter"),
            ("12345678", {"file_contents": 1}, "put: missing file_contents parameter"),
            ("12345678", {"file_contents": "!"}, "put: contents of file 12345678 are not valid base-64"),
            ("short", {"file_contents": ""}, "The file id is illegal"),
            ("1234-5678", {"file_contents": ""}, "The file id is illegal"),
            ("é" * 9, {"file_contents": ""}, "The file id is illegal"),
        ],
    )
    def test_what_is_refused(self, key: str, file_id: str, body: Any, told: str) -> None:
        answer = Client(headers={"x-api-key": key}).put(f"{API}/files/{file_id}", json.dumps(body))
        assert (answer.status_code, answer.json()) == (400, told)


class TestPrograms:
    """What becomes of a run_spec."""

    def test_what_is_left_out(self, fake_backend: FakeBackend, python: Language) -> None:
        (step,) = job_of(fake_backend).steps
        limits = step.limits
        assert (limits.cpu_ms, limits.wall_ms, limits.output_bytes) == (5000, 10_000, 2_000_000)
        assert (limits.file_size_bytes, limits.memory_bytes) == (20_000_000, python.memory_mb << 20)
        assert (step.argv[-1], step.stdin) == ("__tester__.python3", b"")

    def test_parameters(self, fake_backend: FakeBackend, python: Language) -> None:
        parameters = {
            "cputime": "2", "memorylimit": 200, "disklimit": 1, "streamsize": 0.5, "numprocs": 20,
            "runargs": ["a 'b c'", "d"], "interpreterargs": ["-X", "dev"],
        }  # fmt: skip
        job = job_of(fake_backend, input="1\n", parameters=parameters)
        (step,) = job.steps
        assert (step.limits.cpu_ms, step.limits.wall_ms, step.limits.memory_bytes) == (2000, 4000, 190 << 20)
        assert (step.limits.file_size_bytes, step.limits.output_bytes) == (1_000_000, 500_000)
        assert (step.argv[-3:], step.stdin) == (("a", "b c", "d"), b"1\n")

    @pytest.mark.parametrize("parameters", [{"memorylimit": 0}, {"cputime": "x; rm"}, {"memorylimit": -5}, [], None])
    def test_what_is_no_number_is_the_default(
        self, fake_backend: FakeBackend, python: Language, parameters: Any
    ) -> None:
        limits = job_of(fake_backend, parameters=parameters).steps[0].limits
        assert (limits.cpu_ms, limits.memory_bytes) == (5000, python.memory_mb << 20)

    def test_more_than_may_be_is_lowered(self, fake_backend: FakeBackend, python: Language) -> None:
        parameters = {"memorylimit": 10**6, "numprocs": 10**6, "streamsize": 10**6, "cputime": 100}
        limits = job_of(fake_backend, parameters=parameters).steps[0].limits
        assert (limits.memory_bytes, limits.output_bytes, limits.wall_ms) == (256 << 20, 8 << 20, 60_000)

    @pytest.mark.parametrize(
        ("parameters", "args"),
        [
            ({}, ("-Wall", "-Werror", "-std=c99")),
            ({"compileargs": ["-std=c11 -DX='a b'", "-x c"], "linkargs": ["-lm"]}, ("-std=c11", "-DX=a b", "-lm")),
            ({"compileargs": []}, ()),
            ({"compileargs": "-Wall", "linkargs": [1]}, ()),
        ],
    )
    def test_compile_args(self, fake_backend: FakeBackend, c: Language, parameters: Any, args: tuple[str, ...]) -> None:
        job = job_of(fake_backend, language_id="c", sourcefilename="__tester__.c", parameters=parameters)
        assert job.steps[0].argv == ("gcc", "__tester__.c", *args)

    def test_other_files_are_not_compiled(self, fake_backend: FakeBackend, c: Language) -> None:
        key = create("k")
        put("12345678", b"int x;", key=key)
        files = {"file_list": [["12345678", "other.c"]]}
        job = job_of(fake_backend, key=key, language_id="c", sourcefilename="a.c", **files)
        assert job.steps[0].argv[:2] == ("gcc", "a.c")

    @pytest.mark.parametrize(
        ("language", "source_file", "spec", "name"),
        [
            ("java", "Main.java", {"sourcecode": "public  class A { }"}, "A.java"),
            ("java", "Main.java", {"sourcecode": "public class A {", "sourcefilename": "prog.java"}, "A.java"),
            ("java", "Main.java", {"sourcecode": "class A {}"}, "prog.java"),
            ("java", "Main.java", {"sourcecode": "class A {}", "sourcefilename": "B.java"}, "B.java"),
            ("nodejs", "main.js", {"sourcecode": "1", "sourcefilename": "__tester__.nodejs"}, "__tester__.nodejs.js"),
            ("nodejs", "main.js", {"sourcecode": "1"}, "prog.js"),
            ("go", "main.go", {"sourcecode": "1", "sourcefilename": "__tester__.go"}, "main.go"),
            ("go", "main.go", {"sourcecode": "1", "sourcefilename": "a.go"}, "a.go"),
            ("pascal", "main.pas", {"sourcecode": "1", "sourcefilename": "__tester__.pascal"}, "__tester__.pascal.pas"),
        ],
    )
    def test_names(
        self, fake_backend: FakeBackend, db: None, nothing_remembered: None, language: str, source_file: str,
        spec: Any, name: str,
    ) -> None:  # fmt: skip
        installed({"nodejs": "javascript"}.get(language, language), source_file)
        job = job_of(fake_backend, spec=spec | {"language_id": language})
        assert [file.name for file in job.files] == [name]


@pytest.mark.parametrize(
    "fields",
    [
        {"language_id": "java", "sourcecode": "public class A " * 250_000},
        {"parameters": {"runargs": ["a " * 2_000_000]}},
        {"file_list": [["0123456789", "a"]] * 200_000},
        {"file_list": [["0123456789", "a" * 4_000_000]]},
        {"sourcefilename": "a" * 4_000_000},
        {"parameters": {"cputime": "9" * 4_000_000}},
    ],
)
def test_what_is_long_is_refused_without_much_ado(python: Language, fields: dict[str, Any]) -> None:
    installed("java", "Main.java")
    assert post(**fields).status_code in {400, 404, 413}


@pytest.mark.parametrize("number", ["1e999", "-1e999", '"1e999"', '"-1e999"'])
@pytest.mark.parametrize("name", ["cputime", "memorylimit", "numprocs", "streamsize", "disklimit"])
def test_a_number_without_end_is_the_most_or_nothing(python: Language, name: str, number: str) -> None:
    run_spec = json.dumps(SPEC | {"parameters": {name: "?"}}).replace('"?"', number)
    answer = Client().post(f"{API}/runs", f'{{"run_spec": {run_spec}}}', "application/json")
    is_refused = name == "cputime" and "-" not in number
    assert answer.status_code == (400 if is_refused else 200)


class TestEndings:
    """Golden results."""

    @pytest.mark.parametrize(
        ("step", "outcome", "stdout", "stderr"),
        [
            (ran(b"1\n"), 15, "1\n", ""),
            (ran(b"1\n", stderr=b"hm\n"), 12, "1\n", "hm\n"),
            (ran(b"1\n", Outcome.NONZERO_EXIT, exit_code=3), 15, "1\n", ""),
            (ran(b"1\n", Outcome.NONZERO_EXIT, exit_code=1, stderr=b"no\n"), 12, "1\n", "no\n"),
            (ran(b"1\n", Outcome.SIGNAL, signal=11, stderr=b"x"), 12, "1\n", ""),
            (ran(b"", Outcome.SIGNAL, signal=6, stderr=b"x\n"), 12, "", f"x\n{SIGNALLED} 6\n"),
            (ran(b"", Outcome.OUT_OF_MEMORY), 12, "", f"{SIGNALLED} 9\n"),
            (ran(b"so far", Outcome.TIMEOUT_WALL, stderr=b"x"), 13, "so far", ""),
            (ran(b"", Outcome.TIMEOUT_CPU), 13, "", ""),
            (ran(b"yy", Outcome.OUTPUT_LIMIT, stdout_truncated=True), 13, "yy", ""),
            (ran(b"\xe9\t\x01~\x7f\n"), 15, "\\xe9\t\\x01~\\x7f\n", ""),
            (ran("é\x01".encode()), 15, "é\x01", ""),
        ],
    )  # fmt: skip
    def test_a_run(
        self, fake_backend: FakeBackend, python: Language, step: StepResult, outcome: int, stdout: str, stderr: str
    ) -> None:
        wanted = {"outcome": outcome, "cmpinfo": "", "stdout": stdout, "stderr": stderr}
        assert told(fake_backend, step) == wanted

    @pytest.mark.parametrize(
        "step",
        [
            StepResult("compile", Outcome.NONZERO_EXIT, stderr=b"x.c:1: error\n", exit_code=1),
            StepResult("compile", Outcome.NONZERO_EXIT, stdout=b"x.c:1: error\n", exit_code=1),
        ],
    )
    def test_a_compiler_that_fails(self, fake_backend: FakeBackend, c: Language, step: StepResult) -> None:
        wanted = {"outcome": 11, "cmpinfo": "x.c:1: error\n", "stdout": "", "stderr": ""}
        assert told(fake_backend, step, language_id="c", sourcefilename="x.c") == wanted

    def test_a_warning_is_an_error(self, fake_backend: FakeBackend, c: Language) -> None:
        compiled = StepResult("compile", Outcome.OK, stderr=b"x.c:1: warning\n", exit_code=0)
        answer = told(fake_backend, compiled, ran(b"1"), language_id="c", sourcefilename="x.c")
        assert answer == {"outcome": 11, "cmpinfo": "x.c:1: warning\n", "stdout": "", "stderr": ""}

    def test_compiling_that_takes_too_long(self, fake_backend: FakeBackend, c: Language) -> None:
        answer = told(fake_backend, StepResult("compile", Outcome.TIMEOUT_WALL), language_id="c", sourcefilename="x.c")
        assert (answer["outcome"], "timed out" in answer["cmpinfo"]) == (11, True)

    def test_pythons_syntax_is_looked_at_first(self, fake_backend: FakeBackend, python: Language) -> None:
        refused = ran(b"", Outcome.NONZERO_EXIT, exit_code=1, stderr=SYNTAX_ERROR)
        wanted = {"outcome": 11, "cmpinfo": SYNTAX_ERROR.decode(), "stdout": "", "stderr": ""}
        assert told(fake_backend, refused) == wanted

    @pytest.mark.parametrize("head", ["PHP Parse error:  ", "\nParse error: "])
    def test_phps_syntax_is_looked_at_first(
        self, fake_backend: FakeBackend, db: None, nothing_remembered: None, head: str
    ) -> None:
        installed("php", "main.php")
        stderr = f"{head}syntax error, unexpected end of file in a.php on line 2\n"
        refused = ran(b"", Outcome.NONZERO_EXIT, exit_code=255, stderr=stderr.encode())
        answer = told(fake_backend, refused, language_id="php", sourcefilename="a.php")
        assert (answer["outcome"], answer["cmpinfo"], answer["stderr"]) == (11, stderr, "")

    def test_a_syntax_error_in_what_it_imports_is_its_own(self, fake_backend: FakeBackend, python: Language) -> None:
        stderr = b"Traceback (most recent call last):\n" + SYNTAX_ERROR
        assert told(fake_backend, ran(b"", Outcome.NONZERO_EXIT, exit_code=1, stderr=stderr))["outcome"] == 12

    def test_a_fault_of_ours(self, fake_backend: FakeBackend, python: Language) -> None:
        answer = told(fake_backend, ran(outcome=Outcome.SANDBOX_ERROR, started=False, detail="x"))
        assert (answer["outcome"], answer["stderr"].startswith("sandbox error")) == (20, True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(st.integers(-1, 200), st.text("0123456789.e- "), _JSON)
        for name in ("cputime", "memorylimit", "disklimit", "streamsize", "numprocs", "compileargs", "runargs")
    }
    | {"linkargs": st.lists(st.text("-lm '\\\""), max_size=3)},
)
_SPECS = st.fixed_dictionaries(
    {"language_id": st.one_of(st.just("python3"), st.text(), _JSON), "sourcecode": st.one_of(st.text(), _JSON)},
    optional={
        "sourcefilename": st.one_of(st.text(), _JSON),
        "input": st.one_of(st.text(), _JSON),
        "file_list": st.one_of(st.lists(st.lists(st.one_of(st.just("0123456789"), _JSON), max_size=4)), _JSON),
        "parameters": st.one_of(_PARAMETERS, _JSON),
    },
)


def _bodies() -> Iterable[st.SearchStrategy[Any]]:
    return st.fixed_dictionaries({"run_spec": _SPECS}), st.fixed_dictionaries({"file_contents": _JSON}), _JSON


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(*_bodies()), path=st.sampled_from(["runs", "files/0123456789"]))
def test_whatever_is_sent_is_answered(python: Language, key: str, body: Any, path: str) -> None:
    sent = Client(headers={"x-api-key": key}).generic(
        "POST" if path == "runs" else "PUT", f"{API}/{path}", json.dumps(body)
    )
    assert sent.status_code in {200, 204, 400, 404, 413}
    if sent.status_code >= 400:
        assert isinstance(sent.json(), str)


def test_rights_are_those_of_everywhere(python: Language) -> None:
    reader = create("reader", rights=[Right.READ])
    assert post(key=reader).status_code == 403
    assert put("12345678", b"x", key=reader).status_code == 403
