"""Judge0's door, route by route: bodies as clients know them, to the letter."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.authentication import create
from clients.rights import USUAL, Right
from dispatch import workers
from dispatch.testing import FakeBackend
from executions.compat.judge0 import finding
from executions.compat.judge0.statuses import Status
from executions.compat.languages import table_of
from executions.doors import Door
from executions.jobs import without_contents
from executions.models import CompatToken, Execution
from executions.results import without_output
from languages.models import Language
from sandbox.types import Job, JobResult, Outcome, StepResult
from testkit.servers import PROJECT
from tests.fake_backend import ran, result

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.compat_urls"),
    pytest.mark.usefixtures("open_doors", "rate_limit_off", "nothing_remembered", "fake_backend"),
]
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def bash(db: None, nothing_remembered: None) -> Language:
    return Language.objects.create(
        slug="bash",
        name="Bash",
        version="GNU bash, version 5.2.37",
        image="gexec/bash",
        image_digest="sha256:3",
        source_file="main.sh",
        run_command=["bash", "{source}"],
        tested_at=timezone.now(),
        enabled=True,
    )


def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
    more = {} if body is None else {"data": body, "content_type": "application/json"}
    return getattr(Client(headers=headers), method)(f"/judge0{path}", **more)


def named(name: str, step: StepResult) -> StepResult:
    return replace(step, name=name)


def post(path: str, _headers: dict[str, str] | None = None, **body: Any) -> Any:
    return ask("post", path, {"language_id": 71, "source_code": "print(1)", **body}, **(_headers or {}))


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


def zip_of(**files: str) -> str:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return b64(made.getvalue())


def behaving(backend: FakeBackend, *results: StepResult) -> list[Job]:
    """Each run of a job ends so; the jobs that were run."""
    jobs: list[Job] = []

    def behave(job: Job) -> JobResult:
        jobs.append(job)
        return result(*results)

    backend.behave = behave
    return jobs


DEFAULT_FIELDS = ["stdout", "time", "memory", "stderr", "token", "compile_output", "message", "status"]


class TestMade:
    """POST /submissions."""

    def test_a_token_is_the_answer(self, python: Language) -> None:
        answer = post("/submissions")
        assert (answer.status_code, list(answer.json())) == (201, ["token"])
        assert UUID4.fullmatch(answer.json()["token"])
        row = Execution.objects.get()
        assert (row.door, row.background, row.status) == ("judge0", True, "queued")

    @pytest.mark.parametrize("path", ["/submissions?wait=true", "/submissions/?wait=true"])
    def test_who_waits_gets_all_of_it(self, python: Language, fake_backend: FakeBackend, path: str) -> None:
        behaving(fake_backend, ran(b"hello\n", peak_memory_bytes=3_000_000))
        answer = post(path)
        token = answer.json()["token"]
        assert (answer.status_code, list(answer.json())) == (201, DEFAULT_FIELDS)
        assert answer.json() == {
            "stdout": "hello\n", "time": "0.004", "memory": 2929, "stderr": None, "token": token,
            "compile_output": None, "message": None, "status": {"id": 3, "description": "Accepted"},
        }  # fmt: skip

    def test_all_fields_are_told_with_what_was_asked(self, python: Language, fake_backend: FakeBackend) -> None:
        behaving(fake_backend, ran(b"hello\n", peak_memory_bytes=3_000_000, wall_ms=290.0))
        told = post("/submissions?wait=true&fields=*", stdin="in", command_line_arguments="a b").json()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("created_at"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("finished_at"))
        del told["token"]
        assert told == {
            "source_code": "print(1)", "language_id": 71, "stdin": "in", "expected_output": None, "stdout": "hello\n",
            "status_id": 3, "time": "0.004", "memory": 2929, "stderr": None, "number_of_runs": 1,
            "cpu_time_limit": "5.0", "cpu_extra_time": "1.0", "wall_time_limit": "10.0", "memory_limit": 131072,
            "stack_limit": 64000, "max_processes_and_or_threads": 60,
            "enable_per_process_and_thread_time_limit": False, "enable_per_process_and_thread_memory_limit": False,
            "max_file_size": 1024, "compile_output": None, "exit_code": 0, "exit_signal": None, "message": None,
            "wall_time": "0.29", "compiler_options": None, "command_line_arguments": "a b",
            "redirect_stderr_to_stdout": False, "callback_url": None, "additional_files": None,
            "enable_network": False, "status": {"id": 3, "description": "Accepted"},
            "language": {"id": 71, "name": "Python (3.13.5)"},
        }  # fmt: skip

    def test_base64_goes_in_and_comes_out(self, python: Language, fake_backend: FakeBackend) -> None:
        jobs = behaving(fake_backend, ran(b"\xff" * 46, Outcome.NONZERO_EXIT, exit_code=1))
        answer = post(
            "/submissions?wait=true&base64_encoded=true&fields=source_code,stdin,stdout,message",
            source_code=b64("print('é')".encode()),
            stdin=b64(b"\x00\xff"),
        )
        assert answer.json() == {
            "source_code": b64("print('é')".encode()) + "\n",
            "stdin": "AP8=\n",
            "stdout": b64(b"\xff" * 45) + "\n" + "/w==\n",
            "message": b64(b"Exited with error status 1") + "\n",
        }
        assert (jobs[0].files[0].content, jobs[0].steps[0].stdin) == ("print('é')".encode(), b"\x00\xff")

    def test_what_is_no_text_is_told_so_with_the_token(self, python: Language, fake_backend: FakeBackend) -> None:
        behaving(fake_backend, ran(b"\xff"))
        answer = post("/submissions?wait=true")
        token = answer.json()["token"]
        refused = "cannot be converted to UTF-8, use base64_encoded=true query parameter"
        text = f"some attributes for this submission {refused}"
        assert (answer.status_code, answer.json()) == (201, {"error": text, "token": token})
        again = ask("get", f"/submissions/{token}")
        assert (again.status_code, again.json()) == (400, {"error": text})
        several = ask("get", f"/submissions/batch?tokens={token}")
        assert several.json() == {"error": f"some attributes for one or more submissions {refused}"}
        assert ask("get", f"/submissions/{token}?base64_encoded=true").json()["stdout"] == "/w==\n"
        assert ask("get", f"/submissions/{token}?fields=status_id").json() == {"status_id": 3}

    def test_limits_are_what_was_asked_for_within_the_servers(
        self, python: Language, fake_backend: FakeBackend
    ) -> None:
        jobs = behaving(fake_backend, ran())
        post(
            "/submissions?wait=true", cpu_time_limit=1.5, wall_time_limit="2", memory_limit=512_000, max_file_size=100,
            redirect_stderr_to_stdout="true", command_line_arguments="'a b' ;c",
        )  # fmt: skip
        step = jobs[0].steps[0]
        limits = step.limits
        assert (limits.cpu_ms, limits.wall_ms, limits.output_bytes) == (1500, 2000, 102_400)
        assert limits.file_size_bytes == 102_400
        assert limits.memory_bytes == 256 * 1024 * 1024
        assert step.merge_stderr
        assert step.argv == ("python3", "main.py", "a b", "c")

    def test_a_program_gets_what_its_runtime_needs_where_nothing_is_asked_for(
        self, python: Language, fake_backend: FakeBackend
    ) -> None:
        Language.objects.filter(pk=python.pk).update(memory_mb=192)
        Language.objects.forget_catalogue()
        jobs = behaving(fake_backend, ran())
        assert post("/submissions?wait=true&fields=memory_limit").json() == {"memory_limit": 196_608}
        post("/submissions?wait=true", memory_limit=64_000)
        assert [job.steps[0].limits.memory_bytes for job in jobs] == [192 << 20, 63 << 20]

    def test_files_of_the_archive_lie_beside_the_program(self, go: Language, fake_backend: FakeBackend) -> None:
        jobs = behaving(fake_backend, StepResult("compile", Outcome.OK, exit_code=0), ran())
        archive = zip_of(main__go="not this", lib__go="package main", a__txt="A")
        answer = post(
            "/submissions?wait=true&fields=additional_files",
            language_id=60, source_code="package main", additional_files=archive,
        )  # fmt: skip
        files = {file.name: file.content for file in jobs[0].files}
        assert files == {"main.go": b"package main", "lib.go": b"package main", "a.txt": b"A"}
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(answer.json()["additional_files"]))) as told:
            assert sorted(told.namelist()) == ["a.txt", "lib.go"]

    def test_other_sources_are_compiled_only_where_options_name_them(
        self, go: Language, fake_backend: FakeBackend
    ) -> None:
        Language.objects.filter(pk=go.pk).update(
            compile_command=["go", "build", "{compile_args}", "{sources}"], compile_args=["-v"]
        )
        Language.objects.forget_catalogue()
        jobs = behaving(fake_backend, StepResult("compile", Outcome.OK, exit_code=0), ran())
        more: dict[str, Any] = {"language_id": 60, "additional_files": zip_of(lib__go="package main")}
        post("/submissions?wait=true", **more)
        post("/submissions?wait=true", compiler_options="-v ./lib.go", **more)
        assert [job.steps[0].argv[2:] for job in jobs] == [("main.go",), ("-v", "main.go", "lib.go")]

    def test_a_form_is_read_like_an_object(self, python: Language, fake_backend: FakeBackend) -> None:
        behaving(fake_backend, ran(b"1\n"))
        answer = Client().post(
            "/judge0/submissions?wait=true",
            "language_id=71&source_code=print%281%29",
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.json()["stdout"] == "1\n"

    def test_a_form_has_so_many_fields_and_no_more(self, python: Language) -> None:
        form = "language_id=71&" + "&".join(f"a{number}=1" for number in range(1000))
        answer = Client().post("/judge0/submissions", form, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json()) == (422, {"error": "the form has more than 1000 fields"})

    def test_the_body_may_say_what_the_query_says(self, python: Language, fake_backend: FakeBackend) -> None:
        behaving(fake_backend, ran(b"1\n"))
        answer = post(
            "/submissions?wait=false", wait="true", fields="stdout", base64_encoded="true", source_code="eA=="
        )
        assert answer.json() == {"stdout": "MQo=\n"}


class TestRefused:
    """What is wrong with a submission, by attribute."""

    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({"source_code": None}, {"source_code": ["can't be blank"]}),
            ({"source_code": " \n"}, {"source_code": ["can't be blank"]}),
            ({"source_code": ["x"]}, {"source_code": ["can't be blank"]}),
            ({"language_id": None}, {"language_id": ["can't be blank", "language with id  doesn't exist"]}),
            ({"language_id": 9999}, {"language_id": ["language with id 9999 doesn't exist"]}),
            ({"language_id": 10**30}, {"language_id": [f"language with id {10**30} doesn't exist"]}),
            ({"language_id": 70}, {"language_id": ["language with id 70 doesn't exist"]}),
            ({"language_id": "x"}, {"language_id": ["language with id 0 doesn't exist"]}),
            ({"language_id": 34}, {"language_id": ["language with id 34 is archived and cannot be used anymore"]}),
            ({"wall_time_limit": 100_000}, {"wall_time_limit": ["must be less than or equal to 20.0"]}),
            ({"memory_limit": 5}, {"memory_limit": ["must be greater than or equal to 2048"]}),
            ({"enable_network": True}, {"enable_network": ["enabling network is not allowed"]}),
            ({"compiler_options": "x" * 513}, {"compiler_options": [
                "is too long (maximum is 512 characters)",
                "setting compiler options is only allowed for compiled languages",
            ]}),
            ({"command_line_arguments": "x" * 513}, {
                "command_line_arguments": ["is too long (maximum is 512 characters)"]
            }),
            ({"callback_url": "https://example.com/x"}, {"callback_url": ["setting callback is not allowed"]}),
            ({"callback_url": "a\x00"}, {"callback_url": ["is invalid", "setting callback is not allowed"]}),
            ({"command_line_arguments": "\ud800"}, {"command_line_arguments": ["is invalid"]}),
            ({"command_line_arguments": "x " * 256 + "y"}, {"command_line_arguments": [
                "is too long (maximum is 512 characters)", "has more than 256 words",
            ]}),
            ({"additional_files": "eA=="}, {"additional_files": ["is no zip archive that can be read"]}),
            ({"number_of_runs": 20, "expected_output": "x" * 500_000}, {
                "expected_output": ["is too long (maximum is 8388608 bytes in all runs together)"]
            }),
            ({"source_code": "x" * 262_145}, {"source_code": ["is too long (maximum is 262144 bytes)"]}),
        ],
    )  # fmt: skip
    def test_the_words_are_its_servers(self, python: Language, body: dict[str, Any], errors: dict[str, Any]) -> None:
        answer = post("/submissions", **body)
        assert (answer.status_code, answer.json()) == (422, errors)
        assert not Execution.objects.exists()

    def test_all_that_is_wrong_is_told_at_once_in_its_order(self, python: Language) -> None:
        answer = post(
            "/submissions", number_of_runs=21, cpu_extra_time=6, wall_time_limit=21, memory_limit=512_001,
            stack_limit=128_001, max_processes_and_or_threads=121, max_file_size=4097, cpu_time_limit=16,
        )  # fmt: skip
        assert list(answer.json().items()) == [
            ("number_of_runs", ["must be less than or equal to 20"]),
            ("cpu_time_limit", ["must be less than or equal to 15.0"]),
            ("cpu_extra_time", ["must be less than or equal to 5.0"]),
            ("wall_time_limit", ["must be less than or equal to 20.0"]),
            ("memory_limit", ["must be less than or equal to 512000"]),
            ("stack_limit", ["must be less than or equal to 128000"]),
            ("max_processes_and_or_threads", ["must be less than or equal to 120"]),
            ("max_file_size", ["must be less than or equal to 4096"]),
        ]

    def test_options_that_the_language_does_not_allow(self, go: Language) -> None:
        answer = post("/submissions", language_id=60, compiler_options="-toolexec=/x")
        assert answer.json() == {"compiler_options": ["setting compiler option -toolexec=/x is not allowed"]}

    def test_a_file_in_a_folder_that_is_the_program(self, python: Language) -> None:
        answer = post("/submissions", additional_files=zip_of(**{"main.py/x": "1"}))
        assert answer.status_code == 422
        assert list(answer.json()) == ["additional_files"]

    @pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": NaN}'])
    def test_what_is_no_json_is_refused_without_a_word(self, body: bytes) -> None:
        answer = Client().post("/judge0/submissions", body, content_type="application/json")
        assert (answer.status_code, answer.content) == (400, b"")

    @pytest.mark.parametrize("body", [b"", b"[]", b"1", b'"x"'])
    def test_of_what_is_no_object_nothing_is_read(self, body: bytes) -> None:
        answer = Client().post("/judge0/submissions", body, content_type="application/json")
        assert (answer.status_code, list(answer.json())) == (422, ["source_code", "language_id"])

    def test_fields_that_there_are_not(self, python: Language) -> None:
        answer = post("/submissions?fields=x,stdout,y")
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid fields: [x, y]"})

    def test_a_queue_that_is_full(self, python: Language, settings: Any) -> None:
        settings.GEXEC_CALLER_BACKLOG = 1
        key = {"X-Auth-Token": create("k", rights=USUAL)}
        answers = [post("/submissions", key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 503]
        assert answers[1].json() == {"error": "queue is full"}


class TestEndings:
    """Which status an ending is, and what is told besides."""

    @pytest.mark.parametrize(
        ("step", "status", "message", "exit_code", "exit_signal"),
        [
            (ran(b"x"), 3, None, 0, None),
            (ran(b"", Outcome.NONZERO_EXIT, exit_code=3), 11, "Exited with error status 3", 3, None),
            (ran(b"", Outcome.SIGNAL, signal=11), 7, "Caught fatal signal 11", 0, 11),
            (ran(b"", Outcome.SIGNAL, signal=25), 8, "Caught fatal signal 25", 0, 25),
            (ran(b"", Outcome.SIGNAL, signal=8), 9, "Caught fatal signal 8", 0, 8),
            (ran(b"", Outcome.SIGNAL, signal=6), 10, "Caught fatal signal 6", 0, 6),
            (ran(b"", Outcome.SIGNAL, signal=15), 12, "Caught fatal signal 15", 0, 15),
            (ran(b"", Outcome.TIMEOUT_CPU), 5, "Time limit exceeded", 0, None),
            (ran(b"", Outcome.TIMEOUT_WALL), 5, "Time limit exceeded (wall clock)", 0, None),
            (ran(b"", Outcome.OUT_OF_MEMORY), 12, "Caught fatal signal 9", 0, 9),
            (ran(b"x", Outcome.OUTPUT_LIMIT), 8, "Caught fatal signal 25", 0, 25),
        ],
    )
    def test_of_a_run(
        self, python: Language, fake_backend: FakeBackend, step: StepResult, status: int, message: str | None,
        exit_code: int, exit_signal: int | None,
    ) -> None:  # fmt: skip
        behaving(fake_backend, step)
        told = post("/submissions?wait=true&fields=status,status_id,message,exit_code,exit_signal,time").json()
        assert told == {
            "status_id": status, "time": "0.004", "exit_code": exit_code, "exit_signal": exit_signal,
            "message": message, "status": Status(status).told(),
        }  # fmt: skip

    def test_signals_as_a_shell_tells_them(self, python: Language, fake_backend: FakeBackend, settings: Any) -> None:
        settings.GEXEC_JUDGE0_SHELL_CODES = True
        behaving(fake_backend, ran(b"", Outcome.SIGNAL, signal=11))
        told = post("/submissions?wait=true&fields=status_id,message,exit_code,exit_signal").json()
        assert told == {
            "status_id": 11, "exit_code": 139, "exit_signal": None, "message": "Exited with error status 139"
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("outcome", "said"),
        [
            (Outcome.NONZERO_EXIT, "out err"),
            (Outcome.TIMEOUT_WALL, "Compilation time limit exceeded."),
            (Outcome.OUT_OF_MEMORY, "out err"),
        ],
    )
    def test_of_compiling(self, go: Language, fake_backend: FakeBackend, outcome: Outcome, said: str) -> None:
        step = StepResult("compile", outcome, b"out ", b"err", exit_code=1 if outcome is Outcome.NONZERO_EXIT else None)
        behaving(fake_backend, step)
        told = post("/submissions?wait=true&fields=*", language_id=60).json()
        assert told["status"] == {"id": 6, "description": "Compilation Error"}
        assert told["compile_output"] == said
        names = ("stdout", "stderr", "time", "wall_time", "memory", "message", "exit_code", "exit_signal")
        assert {told[name] for name in names} == {None}
        assert told["finished_at"]

    def test_a_compilers_warnings_stay(self, go: Language, fake_backend: FakeBackend) -> None:
        compiled = StepResult("compile", Outcome.OK, b"", b"warning", exit_code=0)
        behaving(fake_backend, compiled, ran(b"1"))
        told = post("/submissions?wait=true&fields=compile_output,status_id", language_id=60).json()
        assert told == {"compile_output": "warning", "status_id": 3}

    def test_of_a_fault_of_ours(self, python: Language) -> None:
        token = post("/submissions").json()["token"]
        error = "sandbox error: the container was lost"
        Execution.objects.update(status="finished", outcome="sandbox_error", error=error, finished_at=timezone.now())
        told = ask("get", f"/submissions/{token}?fields=status_id,message,stdout,time,x_gexec").json()
        assert (told["status_id"], told["message"], told["stdout"], told["time"]) == (13, error, None, None)
        assert told["x_gexec"]["outcome"] == "sandbox_error"

    def test_of_one_that_never_had_its_turn(self, python: Language) -> None:
        token = post("/submissions").json()["token"]
        Execution.objects.update(status="rejected", error="no slot became free", finished_at=timezone.now())
        told = ask("get", f"/submissions/{token}?fields=status_id,message").json()
        assert told == {"message": "no slot became free", "status_id": 13}

    @pytest.mark.parametrize(
        ("printed", "expected", "status"),
        [
            ("3\n", "3", 3), ("3", "3\n\n", 3), ("3 \n4\n", "3\n4", 3), ("3\r\n", "3", 3),
            (" 3\n", "3", 4), ("3", "4", 4), ("", "", 4), ("", "\n", 4), ("\n", "", 3),
            ("x", "", 4),
        ],
    )  # fmt: skip
    def test_an_output_is_compared_as_there(
        self, python: Language, fake_backend: FakeBackend, printed: str, expected: str, status: int
    ) -> None:
        jobs = behaving(fake_backend, named("test/0", ran(printed.encode())))
        told = post("/submissions?wait=true&fields=status_id,stdout,expected_output,stdin", stdin="i",
                    expected_output=expected).json()  # fmt: skip
        assert told == {
            "stdin": "i", "expected_output": expected, "stdout": printed or None, "status_id": status
        }  # fmt: skip
        assert jobs[0].steps[0].stdin == b"i"
        assert "i" not in [test["stdin"].get("text") for test in Execution.objects.get().job["grading"]["tests"]]

    def test_several_runs_have_their_means(self, python: Language, fake_backend: FakeBackend) -> None:
        steps = [named(name, ran(b"1", cpu_ms=ms, peak_memory_bytes=size)) for name, ms, size in
                 (("run", 15, 1024_000), ("run/1", 16, 1024_000), ("run/2", 16, 2048_000))]  # fmt: skip
        jobs = behaving(fake_backend, *steps)
        told = post("/submissions?wait=true&fields=time,memory,number_of_runs", number_of_runs=3).json()
        assert told == {"time": "0.0156666666666667", "memory": 1333, "number_of_runs": 3}
        assert [step.name for step in jobs[0].steps] == ["run", "run/1", "run/2"]
        assert all(step.fresh for step in jobs[0].steps)

    def test_the_first_run_that_fails_is_the_last(self, python: Language, fake_backend: FakeBackend) -> None:
        behaving(fake_backend, named("test/0", ran(b"1")), named("test/1", ran(b"2")))
        told = post("/submissions?wait=true&fields=stdout,status_id", number_of_runs=3, expected_output="1").json()
        assert told == {"stdout": "2", "status_id": 4}


class TestRead:
    """GET by tokens."""

    def test_one_that_waits_and_one_that_runs(self, python: Language) -> None:
        token = post("/submissions").json()["token"]
        told = ask("get", f"/submissions/{token}/").json()
        assert told == dict.fromkeys(DEFAULT_FIELDS) | {"token": token, "status": Status.IN_QUEUE.told()}
        Execution.objects.update(status="running", started_at=timezone.now(), worker=workers.own_id())
        assert ask("get", f"/submissions/{token}?fields=status_id,finished_at").json() == {
            "status_id": 2, "finished_at": None
        }  # fmt: skip

    @pytest.mark.parametrize("token", ["x", "00000000-0000-4000-8000-000000000000", "{x}", "a" * 300])
    def test_one_that_there_is_not(self, token: str) -> None:
        answer = ask("get", f"/submissions/{token}")
        assert (answer.status_code, answer.content) == (404, b"")

    def test_our_own_id_is_no_token(self, python: Language) -> None:
        post("/submissions")
        assert ask("get", f"/submissions/{Execution.objects.get().pk}").status_code == 404

    def test_a_token_goes_with_its_row(self, python: Language) -> None:
        token = post("/submissions").json()["token"]
        Execution.objects.all()._raw_delete("default")
        assert ask("get", f"/submissions/{token}").status_code == 404
        assert not CompatToken.objects.exists()

    def test_a_verdict_outlives_what_was_printed(self, python: Language, fake_backend: FakeBackend) -> None:
        behaving(fake_backend, named("test/0", ran(b"1\n")))
        token = post("/submissions?wait=true", expected_output="1").json()["token"]
        row = Execution.objects.get()
        Execution.objects.update(output=b"", steps=without_output(row.steps))
        assert ask("get", f"/submissions/{token}?fields=status_id,stdout").json() == {"stdout": None, "status_id": 3}

    def test_a_row_of_which_nothing_was_kept(self, python: Language, fake_backend: FakeBackend) -> None:
        token = post("/submissions?wait=true", expected_output="1").json()["token"]
        row = Execution.objects.get()
        Execution.objects.update(source="", job=without_contents(row.job), output=b"", steps=[])
        told = ask("get", f"/submissions/{token}?fields=*").json()
        assert (told["source_code"], told["stdout"], told["status_id"]) == (None, None, 13)


class TestBatches:
    """Several at a time."""

    def test_each_has_its_token_or_its_errors_in_order(self, python: Language) -> None:
        good = {"language_id": 71, "source_code": "1"}
        answer = ask("post", "/submissions/batch?wait=true", {"submissions": [good, {}, good, "x", [1]]})
        assert answer.status_code == 201
        bad = {
            "source_code": ["can't be blank"], "language_id": ["can't be blank", "language with id  doesn't exist"]
        }  # fmt: skip
        told = answer.json()
        assert (told[1], told[3], told[4]) == (bad, bad, bad)
        tokens = [told[0]["token"], told[2]["token"]]
        read = ask("get", f"/submissions/batch?fields=token,status_id&tokens={tokens[1]},x,{tokens[0]}")
        assert read.json() == {
            "submissions": [{"status_id": 1, "token": tokens[1]}, None, {"status_id": 1, "token": tokens[0]}]
        }  # fmt: skip
        named = ask("get", "/submissions/batch?fields=token", Tokens=tokens[0])
        assert named.json() == {"submissions": [{"token": tokens[0]}]}

    def test_archives_that_hold_much_have_less_room_together(self, python: Language) -> None:
        item = {"language_id": 71, "source_code": "1", "additional_files": zip_of(a__txt="x" * 10_000_000)}
        answer = ask("post", "/submissions/batch", {"submissions": [item] * 4})
        refused = {"additional_files": ["has, with those before it, more than 20480 kilobytes"]}
        assert [each == refused for each in answer.json()] == [False, False, True, True]

    def test_an_answer_holds_so_much_and_no_more(
        self, python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(finding, "MOST_BYTES", 3000)
        behaving(fake_backend, ran(b"x" * 1000))
        key = {"X-Auth-Token": create("k", rights=USUAL)}
        tokens = [post("/submissions?wait=true", key).json()["token"] for _ in range(4)]
        refused = {"error": "submissions are larger than 64 MB together: ask for fewer of them, or of their fields"}
        for path, ok in (
            (f"/submissions/batch?tokens={','.join(tokens)}", False),
            (f"/submissions/batch?tokens={','.join(tokens[:3])}", True),
            (f"/submissions/batch?tokens={','.join(tokens[:3])}&fields=*", False),
            ("/submissions", False),
            ("/submissions?per_page=3", True),
            ("/submissions?per_page=3&fields=source_code", False),
        ):
            answer = ask("get", path, **key)
            assert (answer.status_code == 200) is ok
            assert ok or answer.json() == refused

    def test_what_was_sent_is_read_only_where_it_is_told(self, python: Language) -> None:
        token = post("/submissions").json()["token"]
        for fields in ("", "?fields=*", "?fields=source_code"):
            with CaptureQueriesContext(connection) as queries:
                assert ask("get", f"/submissions/{token}{fields}").status_code == 200
            (query,) = (each["sql"] for each in queries if "compattoken" in each["sql"])
            assert ('"job"' in query) is bool(fields)

    def test_none_that_is_valid(self) -> None:
        assert ask("post", "/submissions/batch", {"submissions": [{}]}).status_code == 422

    @pytest.mark.parametrize(
        ("path", "count", "error"),
        [
            ("", 21, "number of submissions in a batch should be less than or equal to 20"),
            ("", 0, "there should be at least one submission in a batch"),
        ],
    )
    def test_how_many_there_may_be(self, path: str, count: int, error: str) -> None:
        made = ask("post", "/submissions/batch", {"submissions": [{}] * count})
        read = ask("get", f"/submissions/batch?tokens={','.join('x' * count)}")
        assert (made.status_code, made.json()) == (read.status_code, read.json()) == (400, {"error": error})

    @pytest.mark.parametrize("body", [{}, {"submissions": None}, {"submissions": "abc"}, {"submissions": {"a": 1}}])
    def test_what_is_no_list_has_none(self, body: dict[str, Any]) -> None:
        answer = ask("post", "/submissions/batch", body)
        assert answer.json() == {"error": "there should be at least one submission in a batch"}

    def test_all_of_it_waits_or_none(self, python: Language, settings: Any) -> None:
        settings.GEXEC_CALLER_BACKLOG = 1
        key = {"X-Auth-Token": create("k", rights=USUAL)}
        good = {"language_id": 71, "source_code": "1"}
        answer = ask("post", "/submissions/batch", {"submissions": [good, good]}, **key)
        assert (answer.status_code, answer.json()) == (503, {"error": "queue is full"})
        assert not Execution.objects.exists()


class TestKeys:
    """Who may do what."""

    def test_a_key_is_taken_from_every_place(self) -> None:
        key = create("k", rights=USUAL)
        for answer in (
            ask("post", "/authenticate", **{"X-Auth-Token": key}),
            ask("post", f"/authenticate?X-Auth-Token={key}"),
            ask("post", "/authenticate/", **{"X-RapidAPI-Key": key}),
            ask("post", "/authorize", **{"X-Auth-User": key}),
            ask("post", f"/authorize?X-Auth-User={key}"),
            ask("post", "/authorize", **{"X-Auth-Token": key}),
        ):
            assert (answer.status_code, answer.content) == (200, b"")

    @pytest.mark.parametrize("path", ["/languages", "/about", "/submissions/x", "/workers"])
    def test_a_wrong_key_is_refused_without_a_word(self, path: str) -> None:
        answer = ask("get", path, **{"X-Auth-Token": "wrong"})
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (401, b"", "text/html")

    def test_a_key_is_needed_where_the_server_says_so(self, settings: Any) -> None:
        settings.GEXEC_REQUIRE_API_KEY = True
        assert ask("get", "/languages").status_code == 401
        assert ask("post", "/authenticate").status_code == 401
        assert ask("get", "/languages", **{"X-Auth-Token": create("k", rights=USUAL)}).status_code == 200

    def test_nobody_is_authorized_without_the_right(self) -> None:
        key = create("k", rights=[Right.EXECUTE])
        for headers in ({}, {"X-Auth-User": key}):
            for answer in (ask("post", "/authorize", **headers), ask("get", "/submissions", **headers)):
                assert (answer.status_code, answer.content) == (403, b"")

    def test_the_second_key_is_the_one_that_is_authorized(self) -> None:
        first, second = create("a", rights=[Right.EXECUTE]), create("b", rights=USUAL)
        assert ask("post", "/authorize", **{"X-Auth-Token": first, "X-Auth-User": second}).status_code == 200
        assert ask("post", "/authorize", **{"X-Auth-Token": second, "X-Auth-User": first}).status_code == 403
        assert ask("get", "/submissions", **{"X-Auth-Token": first, "X-Auth-User": second}).status_code == 200
        assert ask("get", "/submissions", **{"X-Auth-Token": second, "X-Auth-User": first}).status_code == 403

    def test_a_client_lists_its_own_alone(self, python: Language) -> None:
        mine, other = (create(name, rights=USUAL) for name in ("a", "b"))
        tokens = [post("/submissions", {"X-Auth-Token": mine}).json()["token"] for _ in range(3)]
        post("/submissions", {"X-Auth-Token": other})
        post("/submissions")
        told = ask("get", "/submissions?per_page=2&fields=token", **{"X-Auth-User": mine}).json()
        assert told == {
            "submissions": [{"token": tokens[2]}, {"token": tokens[1]}],
            "meta": {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 2, "total_count": 3},
        }
        told = ask("get", "/submissions?per_page=2&page=2&fields=token", **{"X-Auth-User": mine}).json()
        assert (told["submissions"], told["meta"]["prev_page"]) == ([{"token": tokens[0]}], 1)

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ("page=0", "invalid page: 0"), ("page=x", "invalid page: 0"), ("page=-3", "invalid page: -3"),
            ("per_page=-1", "invalid per_page: -1"),
        ],
    )  # fmt: skip
    def test_pages_that_there_are_not(self, query: str, error: str) -> None:
        answer = ask("get", f"/submissions?{query}", **{"X-Auth-User": create("k", rights=USUAL)})
        assert (answer.status_code, answer.json()) == (400, {"error": error})

    def test_whoever_has_a_token_reads(self, python: Language) -> None:
        mine, other = (create(name, rights=USUAL) for name in ("a", "b"))
        token = post("/submissions", {"X-Auth-Token": mine}).json()["token"]
        assert ask("get", f"/submissions/{token}", **{"X-Auth-Token": other}).status_code == 200

    def test_deleting_is_off_unless_it_is_on(self, python: Language) -> None:
        key = {"X-Auth-User": create("k", rights=Right)}
        answer = ask("delete", "/submissions/x", **key)
        assert (answer.status_code, answer.json()) == (400, {"error": "delete not allowed"})
        assert ask("delete", "/submissions/x").status_code == 403
        assert ask("delete", "/submissions/x", **{"X-Auth-User": create("l", rights=USUAL)}).status_code == 403

    def test_a_client_deletes_its_own_once_they_have_ended(
        self, python: Language, fake_backend: FakeBackend, settings: Any
    ) -> None:
        settings.GEXEC_JUDGE0_DELETE = True
        mine, other = ({"X-Auth-User": create(name, rights=Right)} for name in ("a", "b"))
        behaving(fake_backend, ran(b"1"))
        open_one = post("/submissions", mine).json()["token"]
        answer = ask("delete", f"/submissions/{open_one}", **mine)
        assert (answer.status_code, answer.json()) == (
            400, {"error": "submission cannot be deleted because its status is 1 (In Queue)"},
        )  # fmt: skip
        token = post("/submissions?wait=true", mine).json()["token"]
        assert ask("delete", f"/submissions/{token}", **other).status_code == 404
        gone = ask("delete", f"/submissions/{token}?fields=stdout,token", **mine)
        assert (gone.status_code, gone.json()) == (200, {"stdout": "MQ==\n", "token": token})
        assert ask("get", f"/submissions/{token}").status_code == 404

    def test_statistics_are_the_callers_own(self, python: Language, fake_backend: FakeBackend) -> None:
        mine, other = (create(name, rights=USUAL) for name in ("a", "b"))
        behaving(fake_backend, ran(b"1"))
        for key, count in ((mine, 2), (other, 1)):
            for _ in range(count):
                post("/submissions?wait=true", {"X-Auth-Token": key})
        told = ask("get", "/statistics?invalidate_cache=true", **{"X-Auth-Token": mine}).json()
        assert (told["submissions"]["total"], told["submissions"]["today"]) == (2, 2)
        assert len(told["submissions"]["last_30_days"]) == 31
        assert told["languages"] == [{"language": {"id": 71, "name": "Python (3.13.5)"}, "count": 2}]
        assert told["statuses"] == [{"status": {"id": 3, "name": "Accepted"}, "count": 2}]
        assert ask("get", "/statistics?invalidate_cache=true").json()["submissions"]["total"] == 0

    def test_a_key_of_web_pages_runs_and_reads_one_at_a_time(self, python: Language) -> None:
        key = {"X-Auth-Token": create("p", publishable=True), "Origin": "https://page.example"}
        from clients.models import Client as Tenant  # noqa: PLC0415

        Tenant.objects.update(origins=["https://page.example"])
        token = post("/submissions", key).json()["token"]
        assert ask("get", f"/submissions/{token}", **key).status_code == 200
        assert ask("get", "/submissions", **key).status_code == 403
        answer = ask("post", "/submissions/batch", {"submissions": [{}]}, **key)
        assert answer.status_code == 403
        assert post("/submissions", key, number_of_runs=2).json() == {
            "number_of_runs": ["must be less than or equal to 1"]
        }


class TestLanguages:
    """What can be used, and what each is."""

    def test_the_table_names_languages_that_there_are(self) -> None:
        entries = table_of(Door.JUDGE0).entries
        ids = [number for entry in entries for number in (entry["id"], *entry.get("also", []))]
        assert len(ids) == len(set(ids))
        assert {entry["id"] for entry in entries} == set(range(1, 90))
        folders = {path.name for path in (PROJECT / "languages" / "images").iterdir()}
        assert {entry.slug for entry in entries} - {""} <= folders

    def test_those_that_are_installed_are_listed(self, python: Language, bash: Language) -> None:
        assert ask("get", "/languages").json() == [
            {"id": 46, "name": "Bash (5.2.37)"}, {"id": 44, "name": "Executable"},
            {"id": 89, "name": "Multi-file program"}, {"id": 43, "name": "Plain Text"},
            {"id": 71, "name": "Python (3.13.5)"},
        ]  # fmt: skip
        every = {entry["id"]: entry for entry in ask("get", "/languages/all").json()}
        assert every[34] == {"id": 34, "name": "Python (3.6.0)", "is_archived": True}
        assert every[71] == {"id": 71, "name": "Python (3.13.5)", "is_archived": False}

    def test_one_is_told_with_its_commands(self, go: Language, bash: Language) -> None:
        assert ask("get", "/languages/60/").json() == {
            "id": 60, "name": "Go (1.24)", "is_archived": False, "source_file": "main.go",
            "compile_cmd": "go build -o main main.go", "run_cmd": "./main",
        }  # fmt: skip
        assert ask("get", "/languages/89").json()["run_cmd"] is None
        assert ask("get", "/languages/43").json()["run_cmd"] == "cat text.txt"
        for unknown in ("71", "0", "x", "999"):
            assert ask("get", f"/languages/{unknown}").status_code == 404

    def test_later_ids_are_taken_and_listed_if_asked_for(
        self, python: Language, fake_backend: FakeBackend, settings: Any
    ) -> None:
        behaving(fake_backend, ran())
        told = post("/submissions?wait=true&fields=language,language_id", language_id=109).json()
        assert told == {"language_id": 109, "language": {"id": 109, "name": "Python (3.13.5)"}}
        settings.GEXEC_JUDGE0_NEW_IDS = True
        assert [entry["id"] for entry in ask("get", "/languages").json()] == [71, 92, 100, 109, 113]

    def test_a_client_sees_the_languages_that_it_may_use(self, python: Language, go: Language) -> None:
        from clients.models import Client as Tenant  # noqa: PLC0415

        key = {"X-Auth-Token": create("k", rights=USUAL)}
        Tenant.objects.update(languages=["go"])
        assert [entry["id"] for entry in ask("get", "/languages", **key).json()] == [60]
        assert post("/submissions", key).json() == {"language_id": ["language with id 71 doesn't exist"]}

    def test_a_plain_text_and_a_program_as_it_is(self, bash: Language, fake_backend: FakeBackend) -> None:
        jobs = behaving(fake_backend, ran())
        post("/submissions?wait=true", language_id=43, source_code="text")
        post(
            "/submissions?wait=true&base64_encoded=true", language_id=44, source_code=b64(b"\x7fELF\x00\xff"),
            command_line_arguments="a",
        )  # fmt: skip
        text, program = jobs
        assert (text.files[0].name, text.steps[0].argv) == ("text.txt", ("cat", "text.txt"))
        assert program.steps[0].argv == ("bash", "-c", 'exec ./a.out "$@"', "run", "a")
        assert (program.files[0].content, program.files[0].executable) == (b"\x7fELF\x00\xff", True)
        told = ask("get", "/submissions/batch?fields=source_code&base64_encoded=true&tokens="
                   + ",".join(str(each.token) for each in CompatToken.objects.all()))  # fmt: skip
        assert {"source_code": "f0VMRgD/\n"} in told.json()["submissions"]

    def test_a_program_of_several_files_has_its_scripts(
        self, bash: Language, go: Language, fake_backend: FakeBackend
    ) -> None:
        jobs = behaving(fake_backend, ran())
        for files in ({"run": "echo"}, {"run__sh": "x", "compile__sh": "x", "a__go": "", "b__go": ""}, {"a__txt": ""}):
            post("/submissions?wait=true", language_id=89, source_code="", additional_files=zip_of(**files))
        assert [[step.argv for step in job.steps] for job in jobs] == [
            [("bash", "run")], [("bash", "compile.sh"), ("bash", "run.sh")], [("bash", "run")],
        ]  # fmt: skip
        rows = Execution.objects.order_by("id")
        assert [row.language_slug for row in rows] == ["bash", "go", "bash"]
        assert b"exit 127" in jobs[2].files[0].content

    def test_a_program_of_several_files_needs_them(self, bash: Language) -> None:
        assert post("/submissions", language_id=89).json() == {
            "source_code": ["must be blank"], "additional_files": ["can't be blank"]
        }  # fmt: skip


class TestInformation:
    """What the server tells of itself."""

    def test_it_is_the_release_that_clients_look_up(self) -> None:
        assert ask("get", "/about").json()["version"] == "1.13.1"
        assert ask("get", "/version").content == b"1.13.1"

    def test_texts(self) -> None:
        for path in ("/license", "/isolate", "/version"):
            answer = ask("get", path)
            assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert b"Apache" in ask("get", "/license").content or b"MIT" in ask("get", "/license").content

    def test_workers_have_what_clients_need(self, python: Language) -> None:
        post("/submissions")
        (queue,) = ask("get", "/workers").json()
        assert list(queue) == ["queue", "size", "available", "idle", "working", "paused", "failed"]
        assert (queue["queue"], queue["size"]) == ("1.13.1", 1)

    def test_the_configuration(self) -> None:
        told = ask("get", "/config_info").json()
        assert (told["max_queue_size"], told["enable_submission_delete"]) == (10_000, False)

    def test_the_machine_and_the_statuses(self) -> None:
        assert ask("get", "/system_info").json()["CPU(s)"]
        assert ask("get", "/statuses").json()[13] == {"id": 14, "description": "Exec Format Error"}

    @pytest.mark.parametrize(("method", "path"), [("get", "/x"), ("put", "/submissions"), ("get", "/"), ("get", "")])
    def test_what_is_not_there(self, method: str, path: str) -> None:
        answer = ask(method, path)
        assert (answer.status_code, answer.content) == (404, b"")

    def test_it_stands_at_the_root_as_well(self) -> None:
        for path in ("/about", "/about/", "/languages/all", "/submissions/x"):
            assert Client().get(path).status_code in (200, 404)
        assert Client().get("/about").json()["version"] == "1.13.1"


ONE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = ONE | st.lists(ONE, max_size=3) | st.dictionaries(st.text(max_size=5), ONE, max_size=3)
NAMES = st.sampled_from([
    "source_code", "language_id", "stdin", "expected_output", "number_of_runs", "cpu_time_limit", "cpu_extra_time",
    "wall_time_limit", "memory_limit", "stack_limit", "max_processes_and_or_threads", "max_file_size",
    "compiler_options", "command_line_arguments", "redirect_stderr_to_stdout", "callback_url", "additional_files",
    "enable_network", "wait", "fields", "base64_encoded", "submissions", "enable_per_process_and_thread_time_limit",
])  # fmt: skip
BODIES = st.dictionaries(
    NAMES, ANYTHING | st.sampled_from([71, 60, 89, "print(1)", "true", zip_of(run="x")]), max_size=8
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    BODIES,
    st.lists(BODIES | ANYTHING, max_size=3),
    st.sampled_from(["", "?wait=true&fields=*", "?base64_encoded=true"]),
)
def test_whatever_comes_is_answered(
    python: Language, go: Language, bash: Language, body: dict[str, Any], batch: list[Any], query: str
) -> None:
    for path, sent in (("/submissions", body), ("/submissions/batch", {"submissions": batch, **body})):
        answer = ask("post", f"{path}{query}", json.dumps(sent))
        assert answer.status_code in (200, 201, 400, 413, 422, 503), answer.content
        if answer.status_code == 201 and isinstance(told := answer.json(), dict) and "token" in told:
            again = ask("get", f"/submissions/{told['token']}?fields=*&base64_encoded=true")
            assert again.status_code == 200


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_asked_is_answered(db: None, token: str, fields: str, tokens: str) -> None:
    for path, query in (
        (f"/submissions/{token.replace('/', '').replace('?', '').replace('#', '')}", {"fields": fields}),
        ("/submissions/batch", {"tokens": tokens, "fields": fields}),
        ("/languages/" + token.replace("/", ""), {}),
    ):
        answer = Client().get(f"/judge0{path}", query)
        assert answer.status_code in (200, 400, 403, 404), path
