"""Judge0's own SDK and two other clients of it, as they are, against a real server: only address and key differ."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import judge0
import judge0api
import pytest
import requests
from judge0.base_types import LanguageAlias, Status
from judge0.filesystem import File, Filesystem
from judge0.submission import Submission
from judge0_client import Judge0Client, MultiFileSubmission, SingleFileSubmission

from testkit.servers import RunningServer

HELLO = base64.b64decode(
    "f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAABAAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAA"
    "AAAAAAAAQAAAAAAAnAAAAAAAAACcAAAAAAAAAAAQAAAAAAAAuAEAAAC/AQAAAEiNNRAAAAC6AwAAAA8FuDwAAAAx/w8FaGkK"
)
"""A program of 156 bytes for x86-64 that says hi."""
GO_HELLO = """package main
import "fmt"
func main() {
	var name string
	fmt.Scan(&name)
	fmt.Println("hello " + name)
}
"""


@pytest.fixture(scope="module")
def key(compat_server: RunningServer) -> str:
    return compat_server.create_api_key("judge0")


@pytest.fixture(scope="module")
def sdk(compat_server: RunningServer, key: str) -> Iterator[judge0.Client]:
    client = judge0.Client(endpoint=f"{compat_server.base_url}/judge0", headers={"X-Auth-Token": key})
    yield client
    client.client.close()


def run(sdk: judge0.Client, *submissions: Submission) -> list[Submission]:
    """All at once, each to its end."""
    return list(judge0.run(client=sdk, submissions=list(submissions)))


def python(source: str, **more: Any) -> Submission:
    return Submission(source_code=source, language=LanguageAlias.PYTHON, **more)


def test_the_sdk_knows_the_server(sdk: judge0.Client) -> None:
    assert sdk.version == "1.13.1"
    assert {71, 60, 46, 43, 44, 89} <= {language.id for language in sdk.languages}
    assert sdk.config.max_submission_batch_size == 20
    assert sdk.get_language(60).compile_cmd
    assert len(sdk.get_statuses()) == 14


def test_the_sdk_runs_programs_to_whatever_end(sdk: judge0.Client) -> None:
    files = Filesystem(content=[File(name="lib/data.txt", content="42")])
    ended = run(
        sdk,
        python("print(input()[::-1])", stdin="olleh", expected_output="hello"),
        python("print(input()[::-1])", stdin="olleh", expected_output="other"),
        python("import sys; print(sys.argv[1:])", command_line_arguments="a 'b c'"),
        python("import os; os.kill(os.getpid(), 11)"),
        python("1/0"),
        python("while True: pass", cpu_time_limit=0.3),
        python("import time; time.sleep(9)", wall_time_limit=1),
        python("print('x' * 3_000_000)"),
        python("x = 'x' * 200_000_000", memory_limit=64_000),
        python("print(open('lib/data.txt').read())", additional_files=files),
        python("import sys; sys.stdout.buffer.write(b'\\xff\\x00')"),
        python("print(1)", number_of_runs=3, expected_output="1"),
        Submission(source_code=GO_HELLO, language=LanguageAlias.GO, stdin="go"),
        Submission(source_code="package main\nfunc main() { nothing }\n", language=LanguageAlias.GO),
        Submission(
            source_code="echo $1; echo err >&2; exit 3", language=LanguageAlias.BASH, command_line_arguments="q"
        ),
        Submission(source_code="cat; echo err >&2", language=46, stdin="in\n", redirect_stderr_to_stdout=True),
        Submission(source_code=HELLO, language=LanguageAlias.EXECUTABLE),
        Submission(source_code="as it is", language=LanguageAlias.PLAIN_TEXT),
    )
    assert [each.status for each in ended] == [
        Status.ACCEPTED, Status.WRONG_ANSWER, Status.ACCEPTED, Status.RUNTIME_ERROR_SIGSEGV, Status.RUNTIME_ERROR_NZEC,
        Status.TIME_LIMIT_EXCEEDED, Status.TIME_LIMIT_EXCEEDED, Status.RUNTIME_ERROR_SIGXFSZ,
        Status.RUNTIME_ERROR_OTHER, Status.ACCEPTED, Status.ACCEPTED, Status.ACCEPTED, Status.ACCEPTED,
        Status.COMPILATION_ERROR, Status.RUNTIME_ERROR_NZEC, Status.ACCEPTED, Status.ACCEPTED, Status.ACCEPTED,
    ]  # fmt: skip
    assert [ended[at].stdout for at in (0, 2, 9, 11, 12, 14, 15, 16, 17)] == [
        "hello\n", "['a', 'b c']\n", "42\n", "1\n", "hello go\n", "q\n", "in\nerr\n", "hi\n", "as it is",
    ]  # fmt: skip
    assert ended[10].stdout == "\\xff\x00"
    assert "ZeroDivisionError" in str(ended[4].stderr)
    assert len(str(ended[7].stdout)) == 1024 * 1024
    assert "nothing" in str(ended[13].compile_output)
    assert (ended[14].stderr, ended[14].exit_code) == ("err\n", 3)
    assert all(each.created_at and each.finished_at and each.token for each in ended)
    assert 0 < (ended[0].time or 0) < 5
    assert (ended[0].memory or 0) > 100


def test_the_sdk_makes_a_submission_of_each_test(sdk: judge0.Client) -> None:
    ended = judge0.run(
        client=sdk,
        source_code="print(int(input()) * 2)",
        language=LanguageAlias.PYTHON,
        test_cases=[("1", "2"), ("2", "5")],
    )
    assert [each.status for each in ended] == [Status.ACCEPTED, Status.WRONG_ANSWER]


def test_the_sdk_builds_a_program_of_several_files(sdk: judge0.Client) -> None:
    files = [
        File(name="main.go", content=GO_HELLO),
        File(name="compile", content="gobuild /tmp/hello main.go"),
        File(name="run", content="/tmp/hello"),
    ]
    built, unbuilt = run(
        sdk,
        Submission(source_code="", language=89, additional_files=Filesystem(content=files), stdin="you"),
        Submission(source_code="", language=89, additional_files=Filesystem(
            content=[File(name="compile", content="echo no; exit 1"), File(name="run", content="echo never")]
        )),
    )  # fmt: skip
    assert (built.status, built.stdout) == (Status.ACCEPTED, "hello you\n")
    assert (unbuilt.status, unbuilt.compile_output, unbuilt.stdout) == (Status.COMPILATION_ERROR, "no\n", None)


def test_judge0api_waits_for_its_answers(compat_server: RunningServer, key: str) -> None:
    client = judge0api.Client(f"{compat_server.base_url}/judge0", auth_token=key, auth_user=key)
    try:
        done = judge0api.submission.submit(
            client, b"print(input())", 71, stdin=b"5", expected_output=b"5", cpu_time_limit=2
        )
        assert (done.status, done.stdout, done.message) == ({"id": 3, "description": "Accepted"}, b"5\n", None)
        failed = judge0api.submission.submit(client, b"package main\nfunc main() { x }", 60)
        assert failed.status["id"] == judge0api.Judge0Status.COMPILATION_ERR.value
        read = judge0api.submission.get(client, failed.token)
        assert b"undefined: x" in read.compile_output
        assert read.language_id == 60
        with pytest.raises(requests.HTTPError, match="422"):
            judge0api.submission.submit(client, b"x", 9999)
    finally:
        client.session.close()


def test_judge0api_is_told_of_a_wrong_key(compat_server: RunningServer) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        judge0api.Client(f"{compat_server.base_url}/judge0", auth_token="wrong")


def test_judge0_client_polls(compat_server: RunningServer, key: str) -> None:
    async def talk() -> None:
        # At the root of the server, as one's own Judge0 stands.
        async with Judge0Client(compat_server.base_url, auth_token=key, timeout=60) as client:
            about, workers = await client.get_about(), await client.get_workers()
            assert (about.version, workers[0].queue) == ("1.13.1", "1.13.1")
            assert await client.get_isolate()
            assert "License" in await client.get_license()
            made = [
                await client.create_submission(each)
                for each in (
                    SingleFileSubmission(source_code="import helper", language_id=71, additional_files={
                        "helper.py": "print('helped')"}),
                    SingleFileSubmission(source_code="exit 7", language_id=46),
                    MultiFileSubmission(additional_files={"run": "cat data", "data": b"\xe2\x82\xac"}),
                )
            ]  # fmt: skip
            told = [await ended(client, each.token) for each in made]
            assert [(each.status.id, each.stdout) for each in told] == [(3, "helped\n"), (11, None), (3, "€")]
            assert told[1].message == "Exited with error status 7"

    async def ended(client: Judge0Client, token: str) -> Any:
        for _ in range(1200):
            told = await client.get_submission(token)
            if told.status.id > 2:
                return told
            await asyncio.sleep(0.05)
        raise TimeoutError(token)

    asyncio.run(talk())
