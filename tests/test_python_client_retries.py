"""What the client sends again, and what it never does: each operation's steps, answered by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from gexec_client import ApiError, ConnectionFailed, LimitReached, Retries, ServerFault, TimedOut
from gexec_client.flows import Flows
from gexec_client.programs import Body
from gexec_client.requests import get, new_key, post
from gexec_client.retries import Deadline
from gexec_client.steps import Flow, Open, Read, Reply, Send, Shut, Sleep, Step
from tests.client_lab import Cutting, Gexec, client_of
from tests.test_python_client import tag

ENDED = {"id": "x", "status": "finished", "outcome": "ok"}
CUT = ConnectionFailed("cut", sent=True)
NEVER_SENT = ConnectionFailed("refused", sent=False)
KEYED = post("/x", {}, key="k")
PLAIN = post("/x", {})


def reply(status: int = 200, told: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, json.dumps(told or {}).encode())


def problem(status: int, code: str, **headers: str) -> Reply:
    return reply(status, {"code": code, "status": status, "detail": "no"}, **headers)


def play(flow: Flow[Any], answers: Iterable[Reply | Exception | bytes]) -> tuple[Any, list[Step]]:
    """The result, or the exception, and the steps that were asked for; sleeping takes no time."""
    steps: list[Step] = []
    left = list(answers)
    answer: Any = None
    try:
        step = next(flow)
        while True:
            steps.append(step)
            answer = None if isinstance(step, (Sleep, Shut)) else left.pop(0)
            step = flow.throw(answer) if isinstance(answer, BaseException) else flow.send(answer)
    except StopIteration as end:
        return end.value, steps
    except (ApiError, ConnectionFailed, TimedOut, KeyboardInterrupt) as error:
        return error, steps


def flows(**patience: Any) -> Flows:
    return Flows(Retries(**patience))


def sent(steps: Iterable[Step]) -> list[Send]:
    return [each for each in steps if isinstance(each, Send)]


def slept(steps: Iterable[Step]) -> list[float]:
    return [each.seconds for each in steps if isinstance(each, Sleep)]


@pytest.mark.parametrize(
    ("send", "failure"),
    [
        (get("/x"), CUT),
        (get("/x"), problem(500, "internal_error")),
        (get("/x"), reply(502)),
        (KEYED, CUT),
        (KEYED, problem(500, "internal_error")),
        (KEYED, problem(503, "shutting_down")),
        (KEYED, problem(409, "idempotency_in_progress", retry_after="1")),
        (KEYED, problem(408, "request_timeout")),
        (PLAIN, NEVER_SENT),
        (PLAIN, problem(503, "no_slot", retry_after="1")),
        (PLAIN, problem(429, "rate_limited", retry_after="2")),
    ],
)
def test_what_is_safe_is_sent_again_as_it_was(send: Send, failure: Reply | Exception) -> None:
    found, steps = play(flows().ask(send), [failure, reply()])
    assert isinstance(found, Reply)
    assert sent(steps) == [send, send]


@pytest.mark.parametrize(
    ("send", "failure"),
    [
        (PLAIN, CUT),
        (PLAIN, problem(500, "internal_error")),
        (PLAIN, reply(502)),
        (PLAIN, problem(503, "shutting_down")),
        (KEYED, problem(400, "invalid_field")),
        (KEYED, problem(401, "unauthorized")),
        (KEYED, problem(404, "not_found")),
        (KEYED, problem(409, "not_ended")),
        (KEYED, problem(422, "idempotency_mismatch")),
        (KEYED, problem(429, "quota_exceeded", retry_after="3600")),
        (KEYED, problem(429, "quota_exceeded")),
    ],
)
def test_what_is_not_safe_or_of_no_use_is_not(send: Send, failure: Reply | Exception) -> None:
    found, steps = play(flows().ask(send), [failure])
    assert isinstance(found, (ApiError, ConnectionFailed))
    assert sent(steps) == [send]


def test_retry_after_is_heeded_and_told() -> None:
    _, steps = play(flows().ask(KEYED), [problem(503, "no_slot", retry_after="7"), reply()])
    assert slept(steps) == [7.0]
    found, _ = play(flows().ask(KEYED), [problem(429, "quota_exceeded", retry_after="3600")])
    assert isinstance(found, LimitReached)
    assert found.retry_after_s == 3600


def test_tries_are_bounded_and_further_and_further_apart() -> None:
    found, steps = play(flows(attempts=4, first_pause_s=1.0).ask(KEYED), [CUT] * 9)
    assert found is CUT
    assert len(sent(steps)) == 4
    first, second, third = slept(steps)
    assert 0.5 <= first <= 1.0 <= second <= 2.0 <= third <= 4.0
    assert slept(play(flows(attempts=1).ask(KEYED), [CUT])[1]) == []


def test_nothing_is_waited_for_that_comes_after_the_end() -> None:
    failure = problem(503, "no_slot", retry_after="20")
    found, steps = play(flows().ask(KEYED, Deadline(5)), [failure])
    assert isinstance(found, ServerFault)
    assert slept(steps) == []


def test_a_run_has_a_key_of_its_own_and_goes_on_without_its_connection() -> None:
    run = flows().run(Body({"language": "python"}, {}), key=None, include=(), deadline=Deadline(None))
    found, steps = play(run, [CUT, reply(200, ENDED)])
    first, second = sent(steps)
    assert found.outcome == "ok"
    assert first == second
    assert len(first.headers["Idempotency-Key"]) >= 32
    assert json.loads(first.content or b"") == {"language": "python", "wait": True, "on_disconnect": "continue"}
    assert new_key() != new_key()


def test_a_run_that_is_interrupted_is_found_by_its_key_and_cancelled() -> None:
    run = flows().run(Body({"language": "python"}, {}), key=None, include=(), deadline=Deadline(None))
    stream = reply(200, x_execution_id="x")
    begun = b'id: 0\nevent: execution.queued\ndata: {"seq": 0, "id": "x", "access_token": "t"}\n\n'
    found, steps = play(run, [KeyboardInterrupt(), stream, begun, reply(200, ENDED)])  # type: ignore[list-item]  # it is no Exception
    assert isinstance(found, KeyboardInterrupt)
    asked, opened, read, _, cancel = steps
    assert isinstance(asked, Send)
    assert isinstance(opened, Open)
    assert isinstance(read, Read)
    assert isinstance(cancel, Send)
    assert opened.send.content == asked.content
    assert opened.send.headers["Idempotency-Key"] == asked.headers["Idempotency-Key"]
    assert (cancel.path, cancel.headers["X-Access-Token"]) == ("/api/v1/executions/x/cancel", "t")


def test_a_missing_file_that_is_unknown_here_is_the_callers_to_send() -> None:
    missing = reply(422, {"code": "file_missing", "missing": ["sha256:aa", "sha256:bb"]})
    body = Body({"language": "python"}, {"sha256:aa": b""})
    found, steps = play(flows().run(body, key=None, include=(), deadline=Deadline(None)), [missing])
    assert isinstance(found, ApiError)
    assert len(sent(steps)) == 1


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_a_cut_run_is_run_once(gexec: Gexec, kind: str) -> None:
    tags = tag()
    with Cutting(gexec.server.port, [1, 100, None]) as proxy, client_of(kind, proxy.url, gexec.key) as client:
        ended = client.run("python", "import time\ntime.sleep(0.3)\nprint('once')", tags=tags)
        assert (ended.outcome, ended.stdout) == ("ok", "once\n")
        assert proxy.connections == 3
        assert [each.id for each in client.history(tags=tags)] == [ended.id]
