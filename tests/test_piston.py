"""Piston's door, without containers: what it takes, what it refuses with which words, and how it tells of endings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients.authentication import create
from clients.rights import Right
from dispatch.testing import FakeBackend, succeed
from executions.compat.languages import table_of
from executions.compat.piston.answers import stage
from executions.doors import Door
from executions.models import Execution
from executions.outcomes import Outcome as Ending
from executions.results import record_of
from languages import folders
from languages.models import Language
from languages.toolchain import docker_host
from sandbox.types import Job, JobResult, Outcome
from tests.fake_backend import ran, result

pytestmark = [
    pytest.mark.urls("tests.compat_urls"),
    pytest.mark.usefixtures("rate_limit_off", "open_doors", "fake_backend"),
]
FILE = {"content": "print(1)"}
BODY = {"language": "python", "version": "*", "files": [FILE]}
BOTH = ("/api/v2", "/api/v2/piston")


def execute(body: Any = None, prefix: str = "/api/v2", **fields: Any) -> Any:
    """Sent as the most used client for JavaScript does: as text."""
    data = json.dumps((BODY if body is None else body) | fields) if not isinstance(body, bytes) else body
    return Client().post(f"{prefix}/execute", data, content_type="text/plain;charset=UTF-8")


def job_of(backend: FakeBackend, **fields: Any) -> Job:
    """What a request with these fields has run."""
    seen: list[Job] = []

    def behave(job: Job) -> JobResult:
        seen.append(job)
        return succeed(job)

    backend.behave = behave
    answer = execute(**fields)
    assert answer.status_code == 200, answer.content
    return seen[0]


@pytest.fixture
def python_3_10(python: Language) -> Language:
    """An older Python beside the new one."""
    return Language.objects.create(
        slug="python@3.10", name="Python", version="Python 3.10.12", image="p", image_digest="sha256:3",
        source_file="main.py", run_command=["python3", "{source}"], tested_at=timezone.now(), enabled=True,
    )  # fmt: skip


@pytest.mark.parametrize("prefix", BOTH)
@pytest.mark.parametrize("slash", ["", "/"])
class TestRoutes:
    """Each route, with both prefixes, with a slash at its end and without."""

    def test_the_version(self, client: Client, prefix: str, slash: str) -> None:
        assert client.get(f"{prefix}{slash}").json() == {"message": "Piston v3.1.1"}

    def test_the_runtimes(self, client: Client, python: Language, go: Language, prefix: str, slash: str) -> None:
        assert client.get(f"{prefix}/runtimes{slash}").json() == [
            {"language": "go", "version": "1.24.0", "aliases": ["go", "golang"]},
            {"language": "python", "version": "3.13.5", "aliases": ["py", "py3", "python3", "python3.10"]},
        ]

    def test_a_program(self, client: Client, python: Language, prefix: str, slash: str) -> None:
        answer = client.post(f"{prefix}/execute{slash}", json.dumps(BODY), content_type="application/json")
        assert answer.status_code == 200
        assert answer.json()["run"]["code"] == 0

    def test_the_packages(self, client: Client, python: Language, prefix: str, slash: str) -> None:
        told = client.get(f"{prefix}/packages{slash}").json()
        assert {"language": "python", "language_version": "3.13.5", "installed": True} in told
        assert {"language": "c++", "language_version": "14.2.0", "installed": False} in told
        assert len(told) == len(folders.slugs())

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_what_is_no_route(self, client: Client, prefix: str, slash: str, method: str) -> None:
        for path in ("execute", "nowhere", "connect"):
            answer = getattr(client, method)(f"{prefix}/{path}{slash}")
            assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


class TestRefused:
    """Its own words, in the order in which it looks."""

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"language": None}, "language is required as a string"),
            ({"language": 1}, "language is required as a string"),
            ({"language": "", "version": None}, "language is required as a string"),
            ({"version": ""}, "version is required as a string"),
            ({"version": 3.1, "files": None}, "version is required as a string"),
            ({"files": None}, "files is required as an array"),
            ({"files": {}}, "files is required as an array"),
            ({"files": [{}]}, "files[0].content is required as a string"),
            ({"files": [FILE, {"content": 1}]}, "files[1].content is required as a string"),
            ({"files": [None]}, "files[0].content is required as a string"),
            ({"language": "brainfuck"}, "brainfuck-* runtime is unknown"),
            ({"language": "cow", "version": "1.0.0", "files": []}, "cow-1.0.0 runtime is unknown"),
            ({"files": []}, "files must include at least one utf8 encoded file"),
            ({"files": [FILE | {"encoding": "hex"}]}, "files must include at least one utf8 encoded file"),
            ({"files": [FILE | {"encoding": "UTF-8"}]}, "files must include at least one utf8 encoded file"),
            ({"run_timeout": "3000"}, "If specified, run_timeout must be a number"),
            ({"run_timeout": True}, "If specified, run_timeout must be a number"),
            ({"run_memory_limit": "1"}, "If specified, run_memory_limit must be a number"),
            ({"run_timeout": 3001}, "run_timeout cannot exceed the configured limit of 3000"),
            ({"run_cpu_time": 3000.5}, "run_cpu_time cannot exceed the configured limit of 3000"),
            ({"compile_timeout": 10001}, "compile_timeout cannot exceed the configured limit of 10000"),
            ({"compile_cpu_time": 1e308}, "compile_cpu_time cannot exceed the configured limit of 10000"),
            ({"run_timeout": -1}, "run_timeout must be non-negative"),
            ({"compile_cpu_time": -0.5}, "compile_cpu_time must be non-negative"),
            ({"compile_timeout": -1, "run_timeout": 9999}, "compile_timeout must be non-negative"),
            ({"run_timeout": -1, "run_memory_limit": "x"}, "If specified, run_memory_limit must be a number"),
            ({"args": "one"}, "args must be an array of strings"),
            ({"args": [1]}, "args must be an array of strings"),
            ({"stdin": 1}, "stdin must be a string"),
            ({"files": [FILE | {"name": 1}]}, "files[0].name must be a string"),
            ({"files": [FILE | {"name": "a/.."}]}, "files[0].name must name a file"),
            ({"files": [FILE | {"name": "../a"}]}, 'File path "../a" tries to escape parent directory: ../a'),
            ({"files": [FILE | {"name": "a\x00"}]}, "files[0].name cannot contain NUL characters"),
        ],
    )
    def test_the_words(self, python: Language, fields: dict[str, Any], message: str) -> None:
        answer = execute(**fields)
        assert (answer.status_code, answer.json()) == (400, {"message": message})

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"language": NaN}'])
    def test_what_is_no_json(self, python: Language, body: bytes) -> None:
        answer = execute(body)
        assert (answer.status_code, list(answer.json())) == (400, ["message"])

    def test_too_many_requests(self, python: Language, settings: Any) -> None:
        settings.GEXEC_RATE_LIMIT = "1/h"
        execute()
        answer = execute()
        assert (answer.status_code, answer.json()) == (429, {"message": "Requests limited to 1 per 200ms"})
        assert int(answer["Retry-After"]) > 0

    def test_a_key_where_one_is_required(self, client: Client, python: Language, settings: Any) -> None:
        settings.GEXEC_REQUIRE_API_KEY = True
        assert execute().status_code == 401
        keyed = client.post("/api/v2/execute", BODY, "application/json", headers={"authorization": create("k")})
        assert keyed.status_code == 200

    def test_the_configured_limits_are_settings(self, python: Language, settings: Any) -> None:
        settings.GEXEC_PISTON_RUN_TIMEOUT = 5000
        assert execute(run_timeout=5000).status_code == 200
        assert execute(run_timeout=5001).json()["message"].endswith("limit of 5000")


class TestPrograms:
    """What becomes of a request."""

    def test_what_is_left_out(self, fake_backend: FakeBackend, python: Language) -> None:
        (step,) = job_of(fake_backend).steps
        assert (step.limits.wall_ms, step.limits.cpu_ms) == (3000, 3000)
        assert step.limits.memory_bytes == python.memory_mb << 20
        assert (step.argv[-1], step.stdin) == ("main.py", b"\n")

    @pytest.mark.parametrize(
        ("sent", "read"), [("", b"\n"), ("a", b"a\n"), ("a\n", b"a\n"), ("\ud800", b"\xef\xbf\xbd\n")]
    )
    def test_the_last_line_of_stdin_ends(
        self, fake_backend: FakeBackend, python: Language, sent: str, read: bytes
    ) -> None:
        assert job_of(fake_backend, stdin=sent).steps[0].stdin == read

    @pytest.mark.parametrize("nothing", [0, None, "", False])
    def test_what_javascript_takes_for_nothing_is_the_default(
        self, fake_backend: FakeBackend, python: Language, nothing: Any
    ) -> None:
        fields = dict.fromkeys(("run_timeout", "run_cpu_time", "run_memory_limit", "compile_timeout"), nothing)
        assert job_of(fake_backend, **fields).steps[0].limits.wall_ms == 3000

    def test_limits(self, fake_backend: FakeBackend, go: Language) -> None:
        limits = {"compile_timeout": 2000, "run_timeout": 1000.7, "run_cpu_time": 500, "run_memory_limit": 50_000_000}
        compiled, run = job_of(fake_backend, language="golang", args=["a", ""], **limits).steps
        assert compiled.limits.wall_ms == 2000
        assert (run.limits.wall_ms, run.limits.cpu_ms, run.limits.memory_bytes) == (1000, 500, 48 << 20)
        assert run.argv[-2:] == ("a", "")

    @pytest.mark.parametrize("memory", [-1, -7.5, 10**18, 1])
    def test_any_memory_may_be_asked_for_where_no_limit_is_configured(
        self, fake_backend: FakeBackend, python: Language, memory: float
    ) -> None:
        asked = job_of(fake_backend, run_memory_limit=memory, compile_memory_limit=memory)
        assert asked.steps[0].limits.memory_bytes in {128 << 20, 256 << 20, 16 << 20}

    @pytest.mark.parametrize(
        ("encoding", "content", "data"),
        [
            ("base64", "AAH/", b"\x00\x01\xff"),
            ("base64", "AA-_ \nA=garbage", b"\x00\x0f\xbf"),
            ("base64", "A", b""),
            ("hex", "00fg", b"\x00"),
            ("hex", "0", b""),
            ("utf8", "\u00e9", b"\xc3\xa9"),
            ("latin1", "x", b"x"),
        ],
    )
    def test_encodings(
        self, fake_backend: FakeBackend, python: Language, encoding: str, content: str, data: bytes
    ) -> None:
        other = {"name": "data", "content": content, "encoding": encoding}
        files = {file.name: file.content for file in job_of(fake_backend, files=[FILE, other]).files}
        assert files == {"main.py": b"print(1)", "data": data}

    @pytest.mark.parametrize(
        ("files", "names", "run"),
        [
            ([{}], ["main.py"], "main.py"),
            ([{"name": ""}, {}], ["main.py", "file1.code"], "main.py"),
            ([{"name": "my_code"}], ["my_code.py"], "my_code.py"),
            ([{"name": "/a//b/./c.py"}, {"name": "d"}], ["a/b/c.py", "d"], "a/b/c.py"),
            ([{}, {"name": "main.py"}], ["file0.py", "main.py"], "file0.py"),
            ([{"encoding": "hex", "name": "x"}, {"name": "y.py"}], ["x", "y.py"], "y.py"),
            ([{"name": "a.py"}, {"name": "b"}, {"name": "b"}], ["a.py", "b"], "a.py"),
        ],
    )
    def test_names(
        self, fake_backend: FakeBackend, python: Language, files: list[dict[str, str]], names: list[str], run: str
    ) -> None:
        job = job_of(fake_backend, files=[{"content": ""} | file for file in files])
        assert [file.name for file in job.files] == names
        assert job.steps[-1].argv[-1] == run

    def test_javas_public_class_names_its_file(self, fake_backend: FakeBackend, python: Language) -> None:
        Language.objects.create(
            slug="java", name="Java", image="j", image_digest="sha256:9", source_file="Main.java",
            run_command=["java", "{source}"], tested_at=timezone.now(), enabled=True,
        )  # fmt: skip
        files = [{"name": "test.java", "content": "import x;\npublic final class Start { }"}]
        assert job_of(fake_backend, language="java", files=files).files[0].name == "Start.java"

    def test_the_row_tells_the_door(self, python: Language) -> None:
        answer = execute()
        row = Execution.objects.get()
        assert (row.door, answer["X-Execution-Id"]) == ("piston", str(row.pk))


@pytest.mark.parametrize(
    "fields",
    [
        {"language": "java", "files": [{"content": "\n" * 3_000_000}]},
        {"language": "java", "files": [{"content": "public final " * 300_000}]},
        {"version": "^" * 4_000_000},
        {"language": "x" * 4_000_000},
        {"files": [{"content": "", "name": "a/" * 2_000_000}]},
        {"files": [{"content": "x"}, *[{"content": "="}] * 200_000]},
    ],
)
def test_what_is_long_is_refused_without_much_ado(python: Language, settings: Any, fields: dict[str, Any]) -> None:
    settings.GEXEC_PISTON_VERSIONS = "exact"
    Language.objects.create(
        slug="java", name="Java", image="j", image_digest="sha256:9", source_file="Main.java",
        run_command=["java", "{source}"], tested_at=timezone.now(), enabled=True,
    )  # fmt: skip
    assert execute(**fields).status_code in {400, 413}


@pytest.mark.usefixtures("python_3_10")
class TestVersions:
    """Selectors are npm's; what they do not find, a setting decides."""

    @pytest.mark.parametrize(
        ("selector", "found"),
        [
            ("*", "3.13.5"), ("3.x", "3.13.5"), ("^3.10", "3.13.5"),
            ("~3.10", "3.10.12"), ("3.10.12", "3.10.12"), ("<3.13", "3.10.12"),
        ],
    )  # fmt: skip
    def test_the_newest_that_is_selected(self, settings: Any, selector: str, found: str) -> None:
        settings.GEXEC_PISTON_VERSIONS = "exact"
        assert execute(version=selector).json()["version"] == found

    @pytest.mark.parametrize(
        ("fallback", "selector", "found"),
        [
            ("any", "3.10.0", "3.13.5"),
            ("any", "2.7.18", "3.13.5"),
            ("any", "latest", "3.13.5"),
            ("major", "3.10.0", "3.13.5"),
            ("major", "2.7.18", None),
            ("major", "latest", None),
            ("exact", "3.10.0", None),
            ("exact", "x" * 1000, None),
        ],
    )
    def test_one_that_is_not_there(self, settings: Any, fallback: str, selector: str, found: str | None) -> None:
        settings.GEXEC_PISTON_VERSIONS = fallback
        answer = execute(version=selector).json()
        assert answer.get("version") == found
        assert found or answer == {"message": f"python-{selector} runtime is unknown"}

    @pytest.mark.parametrize("name", ["python", "py", "py3", "python3", "python3.10", "cpython", "Python"])
    def test_names(self, python: Language, name: str) -> None:
        Language.objects.filter(slug="python").update(aliases=["cpython"])
        Language.objects.forget_catalogue()
        assert execute(language=name).json()["language"] == "python"

    def test_what_piston_never_had_has_its_own_name(self, client: Client) -> None:
        Language.objects.create(
            slug="tcl", name="Tcl", version="8.6", image="t", image_digest="sha256:4", source_file="main.tcl",
            run_command=["tclsh", "{source}"], tested_at=timezone.now(), enabled=True, aliases=["tclsh"],
        )  # fmt: skip
        told = client.get("/api/v2/runtimes").json()
        assert told[-1] == {"language": "tcl", "version": "8.6.0", "aliases": ["tclsh"]}
        assert execute(language="tclsh").json()["version"] == "8.6.0"

    def test_a_wrong_setting_is_told(self, settings: Any) -> None:
        settings.GEXEC_PISTON_VERSIONS = "newest"
        assert "gexec.E024" in [found.id for found in run_checks()]


def test_the_table_names_languages_that_there_are_and_no_name_is_two_languages() -> None:
    entries = table_of(Door.PISTON).entries
    assert {entry.slug for entry in entries} <= set(folders.slugs())
    for entry in entries:
        for name in {entry["name"], *entry["aliases"], *entry.get("also", ())}:
            others = [each for each in entries if name in {each["name"], *each["aliases"], *each.get("also", ())}]
            assert others == [entry], name


class TestEndings:
    """Golden stages, but for the numbers."""

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"stdout": b"1\n"}, {"code": 0, "stdout": "1\n", "output": "1\n"}),
            (
                {"outcome": Outcome.NONZERO_EXIT, "exit_code": 3, "stderr": b"no\n"},
                {"code": 3, "status": "RE", "message": "Exited with error status 3",
                 "stderr": "no\n", "output": "no\n"},
            ),
            (
                {"outcome": Outcome.SIGNAL, "signal": 11},
                {
                    "code": 139, "status": "RE", "message": "Exited with error status 139",
                    "stderr": "Segmentation fault\n", "output": "Segmentation fault\n",
                },
            ),
            (
                {"outcome": Outcome.OUT_OF_MEMORY},
                {
                    "code": 137, "status": "RE", "message": "Exited with error status 137",
                    "stderr": "Killed\n", "output": "Killed\n",
                },
            ),
            (
                {"outcome": Outcome.TIMEOUT_WALL, "stdout": b"so far"},
                {
                    "signal": "SIGKILL", "status": "TO", "message": "Time limit exceeded (wall clock)",
                    "stdout": "so far", "output": "so far",
                },
            ),
            (
                {"outcome": Outcome.TIMEOUT_CPU},
                {"signal": "SIGKILL", "status": "TO", "message": "Time limit exceeded"},
            ),
            (
                {"outcome": Outcome.OUTPUT_LIMIT, "stdout": b"x", "stdout_truncated": True},
                {"signal": "SIGKILL", "status": "OL", "message": "stdout length exceeded",
                 "stdout": "x", "output": "x"},
            ),
            (
                {"outcome": Outcome.OUTPUT_LIMIT, "stderr": b"x", "stderr_truncated": True},
                {"signal": "SIGKILL", "status": "EL", "message": "stderr length exceeded",
                 "stderr": "x", "output": "x"},
            ),
            (
                {"stdout": b"ac", "stderr": b"b\xff", "order": ((1, 1), (2, 2), (1, 1))},
                {"code": 0, "stdout": "ac", "stderr": "b\ufffd", "output": "ab\ufffdc"},
            ),
        ],
    )  # fmt: skip
    def test_a_stage(self, fields: dict[str, Any], told: dict[str, Any]) -> None:
        nothing = {
            "signal": None,
            "stdout": "",
            "stderr": "",
            "code": None,
            "output": "",
            "message": None,
            "status": None,
        }
        numbers = {"memory": 1024, "cpu_time": 4, "wall_time": 6}
        step = ran(**({"peak_memory_bytes": 1024, "wall_ms": 5.6} | fields))
        assert stage(record_of(step)) == nothing | numbers | told

    def test_a_compile_error_is_the_run_too(self, fake_backend: FakeBackend, go: Language) -> None:
        failed = ran(b"", Outcome.NONZERO_EXIT, exit_code=2, stderr=b"syntax error\n")
        fake_backend.behave = lambda _job: result(
            type(failed)("compile", failed.outcome, stderr=failed.stderr, exit_code=2)
        )
        told = execute(language="go").json()
        assert list(told) == ["compile", "run", "language", "version"]
        assert told["compile"] == told["run"]
        assert (told["run"]["code"], told["run"]["output"]) == (2, "syntax error\n")

    def test_where_nothing_is_compiled_there_is_no_compile(self, python: Language) -> None:
        assert list(execute().json()) == ["run", "language", "version"]

    def test_a_fault_of_ours_has_no_body(self, fake_backend: FakeBackend, python: Language) -> None:
        fake_backend.behave = lambda _job: result(ran(outcome=Outcome.SANDBOX_ERROR, started=False))
        answer = execute()
        assert (answer.status_code, answer.content) == (500, b"")
        assert Execution.objects.get().outcome == Ending.SANDBOX_ERROR


class TestPackages:
    """Languages, let be used or not."""

    def send(self, method: str, key: str, **fields: Any) -> Any:
        headers = {"authorization": key} if key else {}
        return Client(headers=headers).generic(method, "/api/v2/packages", json.dumps(fields))

    @pytest.fixture
    def admin(self) -> str:
        return create("k", client="operator", rights=Right)

    def test_only_keys_with_the_right_may(self, python: Language) -> None:
        for key in ("", create("usual")):
            for method in ("POST", "DELETE"):
                answer = self.send(method, key, language="python", version="3.13.5")
                assert (answer.status_code, list(answer.json())) == (403, ["message"])
        assert Language.objects.get().enabled

    def test_off_and_on_again(self, python: Language, admin: str, monkeypatch: pytest.MonkeyPatch) -> None:
        told = self.send("DELETE", admin, language="python", version="3.x")
        assert (told.status_code, told.json()) == (200, {"language": "python", "version": "3.13.5"})
        assert execute().json() == {"message": "python-* runtime is unknown"}
        assert self.send("DELETE", admin, language="py", version="*").status_code == 400

        class Images:
            def find(self, _name: str) -> Any:
                return type("Image", (), {"id": "sha256:1"})

        monkeypatch.setattr(docker_host, "images", lambda **_: Images())
        told = self.send("POST", admin, language="py", version="*")
        assert (told.status_code, told.json()) == (200, {"language": "python", "version": "3.13.5"})
        assert execute().status_code == 200
        assert self.send("POST", admin, language="py", version="*").json() == {"message": "Already installed"}

    def test_one_that_is_not_built_is_refused(
        self, python: Language, admin: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.send("DELETE", admin, language="python", version="*")
        monkeypatch.setattr(docker_host, "images", lambda **_: type("No", (), {"find": lambda _self, _name: None})())
        answer = self.send("POST", admin, language="python", version="*")
        assert (answer.status_code, "not enabled" in answer.json()["message"]) == (400, True)

    def test_one_of_which_only_the_folder_is_there_is_refused(self, python: Language, admin: str) -> None:
        answer = self.send("POST", admin, language="rust", version="1.x")
        assert (answer.status_code, "manage.py languages install rust" in answer.json()["message"]) == (400, True)
        assert self.send("DELETE", admin, language="rust", version="*").json() == {"message": "Package not installed"}

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"language": "cow", "version": "1"}, "cow-1"),
            ({}, "undefined-undefined"),
            ({"language": 1}, "undefined-undefined"),
        ],
    )
    def test_what_there_is_not(self, python: Language, admin: str, fields: Any, named: str) -> None:
        answer = self.send("POST", admin, **fields)
        told = {"message": f"Requested package {named} does not exist"}
        assert (answer.status_code, answer.json()) == (404, told)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NUMBER = st.one_of(st.none(), st.integers(-2, 4000), st.floats(-1, 1e9), _JSON)
_FILES = st.lists(
    st.fixed_dictionaries(
        {
            "content": st.one_of(st.text(), st.text("AZaz09+/=_-")),
            "name": st.one_of(st.none(), st.text("a./\x00é"), _JSON),
        },
        optional={"encoding": st.sampled_from(["utf8", "hex", "base64", "latin1", 1, None])},
    ),
    max_size=4,
)  # fmt: skip
_BODIES = st.fixed_dictionaries(
    {"language": st.one_of(st.just("python"), st.text(), _JSON)},
    optional={
        "version": st.one_of(st.sampled_from(["*", "3.x", "^3", ">=1 <4 || 7"]), st.text(), _JSON),
        "files": st.one_of(_FILES, _JSON),
        "stdin": st.one_of(st.text(), _JSON),
        "args": st.one_of(st.lists(st.text(), max_size=3), _JSON),
        **{
            f"{step}_{kind}": _NUMBER for step in ("run", "compile") for kind in ("timeout", "cpu_time", "memory_limit")
        },
    },
)


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_BODIES | _JSON, method=st.sampled_from(["execute", "packages"]))
def test_whatever_is_sent_is_answered(python: Language, body: Any, method: str) -> None:
    answer = Client().post(f"/api/v2/{method}", json.dumps(body), content_type="text/plain")
    assert answer.status_code in {200, 400, 403, 404, 413}
    if answer.status_code != 200:
        assert isinstance(answer.json()["message"], str)
