"""Streams of the client: resumed after each cut to the same bytes, and honest about what is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gexec_client import ConnectionFailed, Event, Finished, Gap, Output, Queued, Restarted, UnexpectedAnswer, Unknown
from gexec_client.events import event_in
from gexec_client.flows import Flows
from gexec_client.following import Emit, Following
from gexec_client.programs import Body
from gexec_client.retries import Retries
from gexec_client.sse import Decoder, Message
from gexec_client.steps import Open, Reply, Send, Shut, Sleep, Step
from tests.client_lab import Cutting, Gexec, client_of, events_of
from tests.test_python_client_retries import ENDED, problem, reply

PRINTS = """import sys, time
for number in range(6):
    sys.stdout.buffer.write(b"%d \\xe2\\x82\\xac\\xff\\r\\n" % number + b"x" * 5000)
    sys.stdout.flush()
    time.sleep(0.05)
"""
STREAM = Reply(200, {"content-type": "text/event-stream", "x-execution-id": "x"})


def printed(events: list[Any]) -> bytes:
    return b"".join(each.data for each in events if isinstance(each, Output))


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_a_cut_stream_goes_on_to_the_same_bytes(gexec: Gexec, kind: str) -> None:
    with client_of(kind, gexec.url, gexec.key) as client:
        whole = events_of(client.stream("python", PRINTS))
    # Before the answer, within its headers, before the first event, between and within events.
    cuts = [1, 200, 520, 6000, 9000, 12_000, None]
    patience = {"retries": Retries(attempts=4, first_pause_s=0.02)}
    with Cutting(gexec.server.port, cuts) as proxy, client_of(kind, proxy.url, gexec.key, **patience) as client:
        stream = client.stream("python", PRINTS)
        events = events_of(stream)
        assert proxy.connections >= 5
        assert stream.resumed >= 4
    assert printed(events) == printed(whole) == events[-1].execution.run.stdout_data
    assert len({each.execution_id for each in events if isinstance(each, Queued)}) == 1


class Served:
    """A stream, whose steps are answered by hand."""

    def __init__(self, following: Following, answers: list[Any]) -> None:
        self.steps: list[Step] = []
        self.events: list[Event] = []
        self._answers = answers
        self._play(following)

    def _play(self, following: Following) -> None:
        events = following.events()
        step = next(events)
        try:
            while True:
                if isinstance(step, Emit):
                    self.events.append(step.event)
                    step = next(events)
                    continue
                self.steps.append(step)
                answer = None if isinstance(step, (Sleep, Shut)) else self._answers.pop(0)
                step = events.throw(answer) if isinstance(answer, Exception) else events.send(answer)
        except StopIteration:
            pass

    @property
    def opened(self) -> list[Send]:
        return [each.send for each in self.steps if isinstance(each, Open)]


def told(event: str, seq: int, **data: Any) -> bytes:
    return f"id: {seq}\nevent: {event}\ndata: {json.dumps({'seq': seq, **data})}\n\n".encode()


def new(**patience: Any) -> Following:
    return Following.of_new(Flows(Retries(**patience)), Body({"language": "python"}, {}), None)


QUEUED = told("execution.queued", 0, id="x", access_token="t")
END = told("execution.finished", 9, execution=ENDED)


def test_it_goes_on_behind_the_last_event_that_came() -> None:
    cut = ConnectionFailed("cut", sent=True)
    served = Served(
        new(), [STREAM, QUEUED, told("step.started", 2, step="run"), b"id: 3\nevent: outp", cut, STREAM, END]
    )
    first, second = served.opened
    assert (first.method, first.path) == ("POST", "/api/v1/executions")
    assert (second.method, second.path) == ("GET", "/api/v1/executions/x/events")
    assert (second.headers["Last-Event-ID"], second.headers["X-Access-Token"]) == ("2", "t")
    assert isinstance(served.events[-1], Finished)


def test_before_the_first_event_the_same_request_finds_it_again() -> None:
    served = Served(new(), [STREAM, b"retry: 1000\n\n", ConnectionFailed("cut", sent=True), STREAM, QUEUED + END])
    first, second = served.opened
    assert first == second
    assert first.headers["Idempotency-Key"]


def test_an_answer_that_ends_in_order_is_no_end() -> None:
    served = Served(new(), [STREAM, QUEUED, b"", STREAM, b": ping\n\n", b"", STREAM, END])
    assert [type(each) for each in served.events] == [Queued, Finished]


def test_streams_that_tell_nothing_are_given_up() -> None:
    with pytest.raises(ConnectionFailed):
        Served(new(attempts=3), [STREAM, QUEUED, b"", *[STREAM, b"retry: 1\n\n", b""] * 3])


def test_without_a_place_to_watch_from_the_execution_tells_its_end() -> None:
    full = problem(503, "too_many_watchers", retry_after="1")
    served = Served(new(attempts=2), [STREAM, QUEUED, b"", full, reply(200, ENDED)])
    assert isinstance(served.events[-1], Finished)
    assert isinstance(served.steps[-1], Send)
    assert served.steps[-1].params["wait"] > 0


def test_who_has_seen_the_end_is_told_it_again() -> None:
    following = Following.of_known(Flows(Retries()), "x", None, "9")
    served = Served(following, [Reply(204, {}), reply(200, ENDED)])
    assert [type(each) for each in served.events] == [Finished]


def test_an_answer_that_is_no_stream_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer):
        Served(new(), [Reply(200, {"content-type": "text/html"})])


def test_what_is_lost_or_void_is_told() -> None:
    found = [
        event_in(Message(name, json.dumps(data), ""))[0]
        for name, data in [("gap", {"from": 3, "to": 7}), ("restarted", {"attempt": 2}), ("sung", {"a": 1})]
    ]
    assert found == [Gap(3, 7), Restarted(2), Unknown("sung", {"a": 1})]


@pytest.mark.parametrize("data", ["[]", "{", "{}", '{"step": "run", "stream": "stdout", "base64": "%"}'])
def test_an_event_that_cannot_be_read_is_an_error(data: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        event_in(Message("output", data, ""))


TEXTS = st.text(st.sampled_from("ab \u2028\u0085\x0b\x0c\x1c€:"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_events_are_the_same_however_they_arrive(texts: list[str], end: str, data: st.DataObject) -> None:
    lines = [f"id: {at}{end}event: e{end}data: {text}{end}{end}: ping{end}{end}" for at, text in enumerate(texts)]
    sent = "".join(lines).encode() + b":"
    places = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    pieces = [sent[a:b] for a, b in zip([0, *places], [*places, len(sent)], strict=True)]
    decoder = Decoder()
    found = [message for piece in pieces for message in decoder.feed(piece)]
    assert found == [Message("e", text, str(at)) for at, text in enumerate(texts)]


def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gexec_client.sse.MAX_EVENT_BYTES", 1000)
    for piece in (b"data: " + b"x" * 30, b"data: " + b"x" * 30 + b"\n"):
        with pytest.raises(UnexpectedAnswer):
            list(Decoder().feed(piece * 100))


def test_reading_takes_no_longer_than_there_is_to_read() -> None:
    decoder = Decoder()
    chunk = b"x" * 1000
    assert not [message for _ in range(3000) for message in decoder.feed(chunk)]
