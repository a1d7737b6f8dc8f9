"""clients/python against a real server: what its methods do, from threads and from tasks alike."""

from __future__ import annotations

import inspect
import logging
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from gexec_client import (
    ApiError,
    AsyncClient,
    AsyncInteraction,
    AsyncStream,
    Client,
    Content,
    Execution,
    FilesMissing,
    Finished,
    Interaction,
    InvalidRequest,
    NotFound,
    Output,
    Program,
    Queued,
    StepFinished,
    Stream,
    TimedOut,
    Unauthorized,
    by_digest,
)
from gexec_client.results import result
from testkit.waiting import eventually
from tests.client_lab import Gexec, client_of, events_of

SLEEPING = "import time\nprint('ready', flush=True)\ntime.sleep(60)"


def tag() -> dict[str, str]:
    return {"test": uuid.uuid4().hex}


def test_a_program_is_run(either: Any) -> None:
    ended = either.run("python", "print(int(input()) * 2)", stdin="21\n", tags={"of": "caller"})
    assert (ended.status, ended.outcome, ended.ok, ended.stdout) == ("finished", "ok", True, "42\n")
    assert ended.run.wall_ms > 0
    assert ended.tags == {"of": "caller"}


def test_bytes_are_exact_in_both_directions(caller: Client) -> None:
    data = bytes(range(256))
    ended = caller.run("python", "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])", stdin=data)
    assert ended.run is not None
    assert ended.run.stdout_data == data[::-1]


def test_a_source_has_files_beside_it(caller: Client, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1,2\n")
    files: dict[str, Content] = {"lib/hello.py": "word = 'hello'", "data.csv": tmp_path / "data.csv"}
    source = "from lib.hello import word\nprint(word, open('data.csv').read(), __file__.rpartition('/')[2])"
    assert caller.run("python", source, files=files).stdout == "hello 1,2\n main.py\n"
    with pytest.raises(ValueError, match=r"main\.py"):
        caller.run("python", source, files={"main.py": ""})


def test_what_a_program_does_is_a_result(caller: Client) -> None:
    ended = caller.run("python", "import sys\nprint('x')\nsys.exit(3)")
    assert (ended.outcome, ended.exit_code, ended.stdout, ended.ok) == ("nonzero_exit", 3, "x\n", False)
    ended = caller.run("go", "package main\nfunc main() { x }")
    assert (ended.outcome, ended.run) == ("compile_error", None)
    assert "undefined: x" in ended.stderr


def test_a_refusal_carries_what_is_wrong(caller: Client) -> None:
    with pytest.raises(InvalidRequest) as refused:
        caller.run("python", "1", limits={"memory_mb": 1_000_000})
    error = refused.value
    assert (error.status, error.code, error.pointer) == (400, "limit_exceeded", "#/limits/memory_mb")
    assert error.errors[0].detail in error.detail
    assert error.request_id


def test_one_is_submitted_waited_for_and_cancelled(caller: Client) -> None:
    submitted = caller.submit("python", SLEEPING)
    assert not submitted.ended
    with pytest.raises(TimedOut) as late:
        caller.wait(submitted, timeout_s=0.2)
    assert late.value.execution is not None
    assert late.value.execution.id == submitted.id
    assert caller.get(submitted.id).id == submitted.id
    caller.cancel(submitted, reason="too late")
    ended = caller.wait(submitted)
    assert (ended.outcome, ended.error) == ("cancelled", "execution cancelled: too late")


def test_all_with_a_tag_are_cancelled(caller: Client) -> None:
    tags = tag()
    submitted = [caller.submit("python", SLEEPING, tags=tags) for _ in range(2)]
    assert caller.cancel_tagged("test", tags["test"]) == 2
    assert {caller.wait(each).outcome for each in submitted} == {"cancelled"}


def test_a_stream_tells_all_that_happens(either: Any) -> None:
    source = "import sys\nprint('out')\nprint('err', file=sys.stderr)"
    events = events_of(either.stream("python", source, files={"x": b"\xff"}))
    assert isinstance(events[0], Queued)
    assert isinstance(events[-1], Finished)
    printed = {name: b"".join(e.data for e in events if isinstance(e, Output) and e.stream == name) for name in
               ("stdout", "stderr")}  # fmt: skip
    assert printed == {"stdout": b"out\n", "stderr": b"err\n"}
    assert [e.outcome for e in events if isinstance(e, StepFinished)] == ["ok"]
    again = events_of(either.watch(events[0].execution_id))
    assert isinstance(again[-1], Finished)
    assert again[-1].execution.run == events[-1].execution.run


def test_who_leaves_a_stream_cancels_what_it_runs(either: Any) -> None:
    with either.stream("python", SLEEPING) as stream:
        next(event for event in stream if isinstance(event, Output))
        execution_id = stream.execution_id
    assert either.wait(execution_id).outcome == "cancelled"


def test_who_leaves_what_another_has_submitted_cancels_nothing(caller: Client) -> None:
    submitted = caller.submit("python", SLEEPING)
    with caller.watch(submitted) as stream:
        next(event for event in stream if isinstance(event, Output))
    assert caller.get(submitted).status == "running"
    caller.cancel(submitted)


def test_what_takes_too_long_here_is_cancelled_there(either: Any) -> None:
    tags = tag()
    with pytest.raises(TimedOut):
        either.run("python", SLEEPING, tags=tags, timeout_s=0.5)
    ended = eventually(lambda: next(either.history(tags=tags)), until=lambda one: one.ended)
    assert ended.outcome == "cancelled"
    assert len(list(either.history(tags=tags))) == 1


def test_tests_are_run(caller: Client) -> None:
    ended = caller.run_tests(
        "python",
        "print(input()[::-1])",
        tests=[{"name": "a", "stdin": "ab", "expected_stdout": "ba"}, {"stdin": b"x\xff", "expected_stdout": "z"}],
        grading={"compare": "exact"},
    )
    assert ended.score is not None
    assert ended.tests is not None
    assert (ended.verdict, ended.score.passed, ended.ok) == ("presentation_error", 0, False)
    assert [test.verdict for test in ended.tests] == ["presentation_error", "wrong_answer"]
    assert ended.tests[1].first_difference is not None
    assert ended.tests[1].first_difference.expected == "z"


def test_a_batch(caller: Client) -> None:
    items: list[Program] = [{"source_code": "print(1)"}, {"source_code": ""}, {"source_code": "print(3)", "files": {}}]
    unknown = by_digest(uuid.uuid4().bytes)
    batch = caller.batch(items, defaults={"language": "python", "stdin": unknown})
    assert batch.items[1].error is not None
    assert batch.items[1].error["code"] == "invalid_field"
    ended = caller.wait_batch(batch)
    assert ended.ended
    assert [item.execution.stdout for item in ended.items if item.execution] == ["1\n", "3\n"]
    assert caller.cancel_batch(batch).counts == caller.get_batch(batch.id).counts


def test_only_files_that_the_server_lacks_are_uploaded(caller: Client) -> None:
    content = by_digest(uuid.uuid4().bytes)
    source = "import sys\nprint(len(sys.stdin.buffer.read()))"
    assert caller.run("python", source, stdin=content).stdout == "16\n"
    (known,) = caller.upload(content.data)
    assert known.id == content.id
    assert caller.download(known) == content.data
    assert caller.run("python", source, stdin=known).stdout == "16\n"
    caller.delete_file(known)
    with pytest.raises(FilesMissing) as missing:
        caller.run("python", source, stdin=known)
    assert missing.value.missing == [content.id]
    assert events_of(caller.stream("python", source, stdin=content))[-1].execution.stdout == "16\n"


def test_uploads_are_made_once(gexec: Gexec) -> None:
    asked: list[tuple[str, str, int]] = []

    def hook(response: httpx.Response) -> None:
        asked.append((response.request.method, response.request.url.path, response.status_code))

    content = by_digest(uuid.uuid4().bytes)
    with httpx.Client(event_hooks={"response": [hook]}) as http:
        caller = Client(gexec.url, gexec.key, http=http)
        for _ in range(2):
            caller.run("python", "print(1)", stdin=content)
        caller.upload(content.data, b"new" + content.data)
    executions, files = "/api/v1/executions", "/api/v1/files"
    assert asked == [
        ("POST", executions, 422), ("PUT", files, 201), ("POST", executions, 200), ("POST", executions, 200),
        ("POST", f"{files}/check", 200), ("PUT", files, 201),
    ]  # fmt: skip
    assert "authorization" not in http.headers


def test_artifacts_are_fetched(caller: Client) -> None:
    source = (
        "import os\nos.mkdir('out')\nopen('out/a b.txt', 'w').write('here')\nopen('big', 'wb').write(bytes(200_000))"
    )
    ended = caller.run("python", source, artifacts=["out/*", "big"])
    found = {each.name: caller.artifact(ended, each) for each in ended.artifacts}
    assert found == {"out/a b.txt": b"here", "big": bytes(200_000)}
    assert caller.artifact(ended.id, "out/a b.txt") == b"here"
    with pytest.raises(ValueError, match="no id or name"):
        caller.artifact(ended.id, "../x")


def test_history_comes_in_pages(either: Any) -> None:
    tags = tag()
    made = [either.run("python", f"print({n})", tags=tags).id for n in range(3)]
    assert [each.id for each in either.history(tags=tags, page_size=2)] == made[::-1]
    assert [each.id for each in either.history(tags=tags, outcome="signal")] == []


def test_languages_and_the_key_itself(caller: Client) -> None:
    assert {each.slug for each in caller.languages()} >= {"python", "go"}
    assert caller.language("py").source_file == "main.py"
    assert caller.me().client == "tests"
    with pytest.raises(NotFound):
        caller.language("klingon")


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_without_a_key_the_answer_opens_its_execution(gexec: Gexec, kind: str) -> None:
    with client_of(kind, gexec.url, "") as caller:
        submitted = caller.submit("python", SLEEPING)
        with pytest.raises(NotFound):
            caller.get(submitted.id)
        caller.cancel(submitted)
        assert caller.wait(submitted.id, access_token=submitted.access_token).outcome == "cancelled"
        with caller.stream("python", SLEEPING) as stream:
            next(event for event in stream if isinstance(event, Output))
        assert caller.wait(stream.execution_id, access_token=stream.access_token).outcome == "cancelled"


def test_tasks_can_do_all_of_it(gexec: Gexec) -> None:
    with client_of("asyncio", gexec.url, gexec.key) as caller:
        tags = tag()
        submitted = caller.submit("python", SLEEPING, tags=tags)
        assert caller.cancel_tagged("test", tags["test"]) == 1
        assert caller.cancel(caller.wait(submitted)).outcome == caller.get(submitted.id).outcome == "cancelled"
        assert caller.run_tests("python", "print(1)", tests=[{"expected_stdout": "1"}], files={"x": ""}).ok
        batch = caller.batch([{"language": "python", "source_code": "print(1)"}])
        assert caller.wait_batch(batch).items[0].execution.ok
        assert caller.cancel_batch(batch).ended
        assert caller.get_batch(batch.id).ended
        content = by_digest(uuid.uuid4().bytes)
        left = caller.run("python", "open('x', 'w').write('left')", artifacts=["x"], stdin=content)
        assert caller.artifact(left.id, "x") == b"left"
        known, again = caller.upload(content.data, content.data)
        assert known == again
        assert caller.download(known) == content.data
        caller.delete_file(known)
        assert caller.me().client == "tests"
        # Packages are told where one is asked for.
        assert caller.language("py").model_copy(update={"packages": ()}) in caller.languages()


def test_a_key_is_shown_nowhere(gexec: Gexec, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = gexec.key[:-1] + ("x" if gexec.key[-1] != "x" else "y")
    shown = []
    for key in (gexec.key, wrong):
        with Client(gexec.url, key) as caller:
            shown.append(repr(caller))
            try:
                shown.append(repr(caller.submit("python", "print(1)")))
            except Unauthorized as error:
                shown += [repr(error), str(error), repr(error.problem), repr(error.__cause__)]
    with pytest.raises(ValueError, match="characters") as bad, Client(gexec.url, gexec.key + "\n\nx"):
        pass
    text = "".join([*shown, str(bad.value), caplog.text])
    assert "POST" in caplog.text
    assert gexec.key[-20:-1] not in text
    with Client(gexec.url, "") as caller:
        submitted = caller.submit("python", "print(1)")
    assert submitted.access_token
    assert submitted.access_token not in repr(submitted)


def test_both_kinds_have_the_same_names() -> None:
    def surface(kind: type) -> dict[str, Any]:
        methods = {name: each for name, each in inspect.getmembers(kind) if not name.startswith("_")}
        return {
            name: [str(each) for each in inspect.signature(method).parameters.values()] if callable(method) else None
            for name, method in methods.items()
        }

    assert surface(Client) == surface(AsyncClient)
    assert surface(Stream) == surface(AsyncStream)
    assert surface(Interaction) == surface(AsyncInteraction)


def test_what_a_newer_server_adds_is_let_through() -> None:
    told = {
        "id": "x",
        "status": "resting",
        "outcome": "enchanted",
        "run": {"outcome": "enchanted", "aura": 7},
        "new": 1,
    }
    execution = result(Execution, told)
    assert execution.run is not None
    assert (execution.outcome, execution.run.model_extra, execution.model_extra) == (
        "enchanted", {"aura": 7}, {"new": 1},
    )  # fmt: skip


@pytest.mark.parametrize("server", ["localhost:8080", "ftp://x", "http://me:secret@x", "http://", "http://x?y"])
def test_an_address_that_is_none_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match="address") as refused:
        Client(server, "")
    assert "secret" not in str(refused.value)


def test_an_error_of_no_gexec_is_one_all_the_same(gexec: Gexec) -> None:
    with Client(gexec.url + "/nowhere", gexec.key) as caller, pytest.raises(ApiError) as refused:
        caller.run("python", "print(1)")
    assert refused.value.status == 404
