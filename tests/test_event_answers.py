"""GET /api/v1/executions/{id}/events and its tokens: who may watch what, and what is told of a row."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from clients.authentication import create
from clients.models import Key
from clients.rights import Right
from dispatch import workers
from dispatch.testing import FakeBackend
from executions import watched
from executions.api import streams
from executions.api.tokens import access_token, short_token
from executions.live import channels, watchers
from executions.live.steps import steps_of
from executions.live.teller import watch as watch_channel
from executions.models import Execution, Status
from executions.results import recorded
from languages.models import Language
from rest.exceptions import Unavailable
from sandbox.errors import EngineUnavailable, PoolBusy
from sandbox.types import Job, JobResult, Outcome, StepResult
from tests.fake_backend import ran, result

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rate_limit_off")]
several_threads = pytest.mark.django_db(transaction=True)
"""Of those whose rows are seen by more than one."""

URL = "/api/v1/executions"


@pytest.fixture(autouse=True)
def own_channels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is left from another test, nor for another one."""
    monkeypatch.setattr(channels, "_channels", None)
    yield
    assert watchers.watchers.count == 0, "a watcher did not give its place back"


def row(**fields: Any) -> Execution:
    defaults: dict[str, Any] = {
        "status": Status.FINISHED, "outcome": "ok", "exit_code": 0, "created_at": timezone.now(),
        "started_at": timezone.now(), "finished_at": timezone.now(), "queue_ms": 1.5, "worker": workers.own_id(),
        "job": {"steps": [{"name": "run"}]}, "attempt": 1,
    }  # fmt: skip
    return Execution.objects.create(**(defaults | fields))


def watch(path: str, **headers: str) -> Any:
    return Client(headers=headers).get(path)


def lines(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    return [json.loads(line) for line in b"".join(response.streaming_content).decode().splitlines()]


def events_of(execution: Execution, query: str = "", **headers: str) -> list[dict[str, Any]]:
    path = f"{URL}/{execution.pk}/events?access_token={access_token(execution.pk)}{query}"
    return lines(watch(path, Accept="application/x-ndjson", **headers))


def post(accept: str = "application/x-ndjson", **more: Any) -> Any:
    body = {"language": "python", "source_code": "print(1)"} | more
    return Client(headers={"Accept": accept}).post(URL, json.dumps(body), "application/json")


def refusal(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_finished_row_is_told_from_the_beginning_or_from_where_one_was() -> None:
    execution = row(**recorded([ran(b"out", stderr=b"error", order=((1, 1), (2, 5), (1, 2)))]))
    events = events_of(execution)
    assert [(event["event"], event["seq"]) for event in events] == [
        ("execution.queued", 0), ("execution.started", 1), ("step.started", 2), ("output", 3), ("output", 8),
        ("output", 10), ("step.finished", 11), ("execution.finished", 12),
    ]  # fmt: skip
    assert [(event["stream"], event["text"]) for event in events[3:6]] == [
        ("stdout", "o"), ("stderr", "error"), ("stdout", "ut"),
    ]  # fmt: skip
    assert events[1]["queue_ms"] == 1.5
    assert events[7]["execution"]["run"]["stdout"] == "out"
    assert events_of(execution, "&after=8") == events[5:]
    assert events_of(execution, "&after=3", **{"Last-Event-ID": "11"}) == events[7:], "the header is newer"
    assert watch(f"{URL}/{execution.pk}/events?access_token={access_token(execution.pk)}&after=12").status_code == 204


def test_a_row_that_has_kept_less_than_was_told_still_tells_its_end() -> None:
    execution = row(**recorded([ran(b"")]))
    assert [event["event"] for event in events_of(execution, "&after=5000")] == ["execution.finished"]


def test_what_the_row_has_not_kept_comes_from_the_ring_for_a_while() -> None:
    execution = row(unkept_bytes=200_000, **recorded([ran(b"")]))
    channels._channels = channels.Channels(most_bytes=1 << 20, most_bytes_each=100_000)
    channel = watch_channel(execution.pk)
    for _ in range(4):
        channel.printed("run", 1, b"x" * 40_000)
    channel.end()
    channels.all_channels().close(channel)
    events = events_of(execution)
    assert [event["event"] for event in events] == [
        "execution.queued", "gap", "output", "output", "execution.finished",
    ]  # fmt: skip
    assert (events[1]["from"], events[1]["to"]) == (1, 80_000)


def test_a_second_attempt_is_told_as_such() -> None:
    execution = row(attempt=2, **recorded([ran(b"out")]))
    assert [event["event"] for event in events_of(execution, "&after=90")] == [
        "restarted", "execution.started", "step.started", "output", "step.finished", "execution.finished",
    ]  # fmt: skip
    assert events_of(execution)[0]["event"] == "execution.queued"


def test_what_was_rejected_or_never_ran_ends_at_once() -> None:
    execution = row(status=Status.REJECTED, outcome="", error="busy", started_at=None, exit_code=None, worker=None)
    assert [event["event"] for event in events_of(execution)] == ["execution.queued", "execution.finished"]


def test_nothing_of_a_hidden_test_but_its_verdict_nor_of_the_steps_of_any(python: Language) -> None:
    steps = [
        StepResult(name, Outcome.OK, b"SECRET", exit_code=0, wall_ms=3.1)
        for name in ("test/0", "test/1", "companion/compile")
    ]
    hidden = {"name": "h", "hidden": True, "verdict": "wrong_answer", "checker_message": "SECRET", "wall_ms": 3.1}
    plain = {"name": "a", "hidden": False, "verdict": "passed", "wall_ms": 3.1, "group": "", "points": 1}
    events = events_of(row(tests=[plain, hidden], **recorded(steps)))
    assert [event["event"] for event in events[2:-1]] == ["test.finished", "test.finished"]
    assert events[2] | {"seq": 0} == {
        "event": "test.finished", "seq": 0, "index": 0, "name": "a", "verdict": "passed", "points": 1, "group": "",
        "wall_ms": 3.1,
    }  # fmt: skip
    assert events[3] | {"seq": 0} == {
        "event": "test.finished", "seq": 0, "index": 1, "name": "h", "hidden": True, "verdict": "wrong_answer",
    }  # fmt: skip
    assert "SECRET" not in json.dumps(events[:-1])


@pytest.mark.parametrize(
    ("report", "told"),
    [("verdicts", {"index": 0, "name": "a", "verdict": "passed", "points": 1}), ("summary", None)],
)
def test_of_tests_no_more_is_told_than_was_asked_for(report: str, told: dict[str, Any] | None) -> None:
    test = {"name": "a", "hidden": False, "verdict": "passed", "wall_ms": 3.1, "points": 1}
    events = events_of(row(job={"steps": [{"name": "run"}], "grading": {"report": report}}, tests=[test], steps=[]))
    tests = [event for event in events if event["event"] == "test.finished"]
    assert tests == ([{"event": "test.finished", "seq": 2, **told}] if told else [])


def test_with_tests_the_last_step_is_none_of_its_own() -> None:
    job = {"steps": [{"name": "compile"}, {"name": "run"}]}
    assert steps_of(job) == ["compile", "run"]
    assert steps_of(job | {"grading": {"report": "full"}}) == ["compile"]


@several_threads
def test_one_that_runs_elsewhere_is_followed_by_its_row() -> None:
    execution = row(status=Status.QUEUED, outcome="", exit_code=None, started_at=None, finished_at=None, queue_ms=None)

    def go_on() -> None:
        now = timezone.now()
        rows = Execution.objects.filter(pk=execution.pk)
        time.sleep(0.1)
        rows.update(status=Status.RUNNING, started_at=now, queue_ms=1.0)
        time.sleep(1)
        rows.update(status=Status.FINISHED, outcome="ok", exit_code=0, finished_at=now, **recorded([ran(b"out")]))
        connection.close()

    other = threading.Thread(target=go_on)
    other.start()
    events = events_of(execution)
    other.join()
    assert [(event["event"], event["seq"]) for event in events] == [
        ("execution.queued", 0), ("execution.started", 1), ("step.started", 2), ("output", 5), ("step.finished", 6),
        ("execution.finished", 7),
    ]  # fmt: skip


def test_who_waits_for_another_process_is_sent_off_by_one_that_stops() -> None:
    execution = row(status=Status.RUNNING, outcome="", exit_code=None, finished_at=None)
    threading.Timer(0.3, channels.all_channels().begin_closing).start()
    assert [event["event"] for event in events_of(execution)] == ["execution.queued", "execution.started"]


@several_threads
def test_one_that_is_begun_again_goes_on_in_the_next_attempt() -> None:
    execution = row(status=Status.RUNNING, outcome="", exit_code=None, finished_at=None)
    first = watch_channel(execution.pk)
    first.began(1.0)
    first.step_began("run")
    first.printed("run", 1, b"lost")

    def go_on() -> None:
        time.sleep(0.2)
        channels.all_channels().close(first)
        Execution.objects.filter(pk=execution.pk).update(
            status=Status.FINISHED, outcome="ok", exit_code=0, attempt=2, finished_at=timezone.now(),
            **recorded([ran(b"kept")]),
        )  # fmt: skip
        connection.close()

    other = threading.Thread(target=go_on)
    other.start()
    events = events_of(execution)
    other.join()
    assert [event["event"] for event in events] == [
        "execution.queued", "execution.started", "step.started", "output",
        "restarted", "execution.started", "step.started", "output", "step.finished", "execution.finished",
    ]  # fmt: skip
    assert events[4]["attempt"] == 2
    assert (events[3]["text"], events[7]["text"]) == ("lost", "kept")


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("&after=x", {}, (400, "invalid_field")),
        ("&after=-1", {}, (400, "invalid_field")),
        ("&after=9999999999999999", {}, (400, "invalid_field")),
        ("", {"Last-Event-ID": "a"}, (400, "invalid_field")),
        ("&afterr=1", {}, (400, "unknown_field")),
        ("", {"Accept": "application/json"}, (406, "not_acceptable")),
    ],
)
def test_what_is_refused(query: str, headers: dict[str, str], expected: tuple[int, str]) -> None:
    execution = row()
    path = f"{URL}/{execution.pk}/events?access_token={access_token(execution.pk)}{query}"
    assert refusal(watch(path, **headers)) == expected


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/event-stream"),
        ("*/*", "text/event-stream"),
        ("text/html, text/*;q=0.5", "text/event-stream"),
        ("application/x-ndjson, text/event-stream", "application/x-ndjson"),
        ("text/event-stream;q=0.9, application/x-ndjson", "text/event-stream"),
    ],
)
def test_the_form_that_is_asked_for(accept: str, media_type: str) -> None:
    execution = row()
    response = watch(f"{URL}/{execution.pk}/events?access_token={access_token(execution.pk)}", Accept=accept)
    assert response["Content-Type"] == media_type
    b"".join(response.streaming_content)


def test_only_ones_own_are_watched(python: Language, fake_backend: FakeBackend) -> None:
    keys = [create("a"), create("b")]
    post = Client(headers={"Authorization": f"Api-Key {keys[0]}"}).post
    told = post(URL, json.dumps({"language": "python", "source_code": "1"}), "application/json").json()
    path = f"{URL}/{told['id']}/events"
    assert len(lines(watch(path, Authorization=f"Bearer {keys[0]}", Accept="application/x-ndjson"))) > 3
    assert refusal(watch(path, Authorization=f"Bearer {keys[1]}")) == (404, "not_found")
    assert refusal(watch(path)) == (404, "not_found")
    assert refusal(watch(f"{path}?access_token={access_token(uuid.uuid4())}")) == (404, "not_found")
    assert refusal(Client().post(f"{URL}/{told['id']}/tokens", "{}", "application/json")) == (404, "not_found")


def test_a_key_without_the_right_may_not_watch(python: Language, fake_backend: FakeBackend) -> None:
    key = create("a")
    Key.objects.update(rights=[Right.EXECUTE, Right.READ])
    client = Client(headers={"Authorization": f"Api-Key {key}", "Accept": "text/event-stream"})
    assert refusal(client.get(f"{URL}/{row().pk}/events")) == (403, "forbidden_right")
    body = json.dumps({"language": "python", "source_code": "1"})
    assert refusal(client.post(URL, body, "application/json")) == (403, "forbidden_right")
    assert Execution.objects.count() == 1


def test_a_short_token_opens_for_a_while_and_makes_no_other() -> None:
    execution = row()
    tokens = f"{URL}/{execution.pk}/tokens?access_token="
    made = Client().post(tokens + access_token(execution.pk), '{"lifetime_s": 60}', "application/json")
    assert made.status_code == 201
    told = made.json()
    assert told["object"] == "token"
    assert told["expires_at"].endswith("Z")
    events = f"{URL}/{execution.pk}/events?access_token="
    response = watch(events + told["access_token"])
    assert response.status_code == 200
    b"".join(response.streaming_content)
    assert refusal(Client().post(tokens + told["access_token"], "", "application/json")) == (403, "forbidden_right")
    ended, _ = short_token(execution.pk, lifetime_s=0)
    assert refusal(watch(events + ended)) == (404, "not_found")
    wrong = Client().post(tokens + access_token(execution.pk), '{"lifetime_s": 7200}', "application/json")
    assert refusal(wrong) == (400, "invalid_field")


@several_threads
def test_the_first_event_brings_the_token_of_who_has_no_key(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"Hi\n"))
    response = post()
    events = lines(response)
    assert [event["event"] for event in events] == [
        "execution.queued", "execution.started", "step.started", "output", "step.finished", "execution.finished",
    ]  # fmt: skip
    first = events[0]
    assert (first["id"], first["position"]) == (response["X-Execution-Id"], 0)
    assert first["access_token"] == access_token(uuid.UUID(first["id"]))
    assert events[-1]["execution"]["run"]["stdout"] == "Hi\n"
    again = events_of(Execution.objects.get())
    assert [(event["event"], event["seq"]) for event in again] == [(event["event"], event["seq"]) for event in events]
    assert again[-1] == events[-1]


@several_threads
def test_verdicts_come_as_they_are_known_and_again_from_the_row(python: Language, fake_backend: FakeBackend) -> None:
    def behave(job: Job) -> JobResult:
        ran_steps = [step for step in job.steps if step.name != "test/1"]
        return result(*(StepResult(step.name, Outcome.OK, b"SECRET", exit_code=0) for step in ran_steps))

    fake_backend.behave = behave
    hidden = {"name": "h", "hidden": True, "expected_stdout": "other", "group": "g"}
    plain = {"name": "a", "expected_stdout": "SECRET"}
    skipped = {"name": "s", "expected_stdout": "SECRET", "group": "g"}
    last = {"name": "l", "hidden": True, "expected_stdout": "SECRET"}
    events = lines(post(tests=[hidden, skipped, plain, last]))
    tests = [event for event in events if event["event"] == "test.finished"]
    assert [(test["index"], test["name"], test["verdict"]) for test in tests] == [
        (0, "h", "wrong_answer"), (1, "s", "skipped"), (2, "a", "passed"), (3, "l", "passed"),
    ]  # fmt: skip
    assert set(tests[0]) == {"event", "seq", "index", "name", "hidden", "verdict"}
    assert "SECRET" not in json.dumps(events[:-1])
    again = events_of(Execution.objects.get())
    assert [event for event in again if event["event"] == "test.finished"] == tests
    assert [(event["event"], event["seq"]) for event in again] == [(event["event"], event["seq"]) for event in events]


@several_threads
def test_what_has_ended_is_forgotten_after_a_while(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines(post())
    execution_id = Execution.objects.get().pk
    assert channels.all_channels().find(execution_id) is not None
    monkeypatch.setattr(channels, "KEPT_S", 0.0)
    assert channels.all_channels().find(execution_id) is None
    assert channels.all_channels().kept_bytes == 0


@several_threads
def test_output_is_streamed_for_those_alone_who_watch(python: Language, fake_backend: FakeBackend) -> None:
    asked: list[bool] = []
    submit = fake_backend.submit

    def submitted(task: Any, **more: Any) -> Any:
        asked.append(task.stream_output)
        return submit(task, **more)

    fake_backend.submit = submitted  # type: ignore[method-assign]  # to see what it is asked
    lines(post())
    assert post(accept="application/json").status_code == 200
    body = json.dumps({"language": "python", "source_code": "1"})
    assert Client().post("/execute", body, "application/json").status_code == 200
    assert asked == [True, False, False]


@several_threads
def test_the_same_request_again_watches_the_same_execution(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"Hi\n"))
    body = json.dumps({"language": "python", "source_code": "print(1)"})
    client = Client(headers={"Accept": "application/x-ndjson", "Idempotency-Key": "k"})
    first, second = (client.post(URL, body, "application/json") for _ in range(2))
    told, again = lines(first), lines(second)
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert [event["seq"] for event in told] == [event["seq"] for event in again]
    assert again[-1] == told[-1]
    assert Execution.objects.count() == 1
    assert refusal(client.post(URL, body.replace("1", "2"), "application/json")) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("error", "code"),
    [(PoolBusy("full", retry_after_s=2), "no_slot"), (EngineUnavailable("gone"), "engine_unavailable")],
)
@several_threads
def test_what_cannot_be_started_is_a_plain_error(
    error: Exception, code: str, python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "REFUSED_AT_ONCE_S", 60.0)
    fake_backend.refuse = error
    response = post()
    assert refusal(response) == (503, code)
    assert response.json()["execution_id"]
    assert response["Retry-After"]


@several_threads
def test_what_gets_no_turn_is_told_to_who_has_waited(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "REFUSED_AT_ONCE_S", 0.0)

    def busy(run: Any) -> None:
        time.sleep(0.2)
        raise PoolBusy("full", retry_after_s=2)

    fake_backend.take = busy  # type: ignore[method-assign]  # a queue that is left without a turn
    fake_backend.warm = False
    events = lines(post())
    assert [event["event"] for event in events] == ["execution.queued", "execution.finished"]
    assert (events[1]["execution"]["status"], events[1]["execution"]["outcome"]) == ("rejected", None)


@several_threads
def test_an_answer_that_is_given_up_cancels_what_runs_and_gives_its_place_back(
    python: Language, fake_backend: FakeBackend
) -> None:
    Language.objects.update(run_command=["sleep", "60"])
    response = post()
    iterator = iter(response.streaming_content)
    next(iterator)
    response.close()
    assert Execution.objects.get().outcome == "cancelled"


@several_threads
def test_one_that_is_never_read_gives_its_place_back_too(python: Language, fake_backend: FakeBackend) -> None:
    post().close()
    assert watchers.watchers.count == 0


def test_each_caller_has_a_share_of_the_watchers(settings: Any) -> None:
    settings.GEXEC_WATCHERS, settings.GEXEC_CALLER_SHARE = 3, 0.5
    places = watchers.Watchers()
    leave = places.enter("a")
    places.enter("a")
    with pytest.raises(Unavailable, match="you watch too many"):
        places.enter("a")
    places.enter("b")
    with pytest.raises(Unavailable, match="too many executions are watched"):
        places.enter("c")
    leave()
    places.enter("c")
    assert places.count == 3


def test_a_sign_of_life_comes_where_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PING_S", 0.0)
    execution = row(status=Status.RUNNING, outcome="", exit_code=None, finished_at=None)
    response = watch(f"{URL}/{execution.pk}/events?access_token={access_token(execution.pk)}")
    iterator = iter(response.streaming_content)
    assert next(iterator).startswith(b"retry: 1000\n\nid: 0\n")
    assert next(iterator) == b": ping\n\n"
    response.close()


def test_no_answer_lasts_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST_S", 0.0)
    execution = row(status=Status.RUNNING, outcome="", exit_code=None, finished_at=None)
    assert [event["event"] for event in events_of(execution)] == ["execution.queued", "execution.started"]
