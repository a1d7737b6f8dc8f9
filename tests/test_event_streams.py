"""Watching executions on a real server: as they run, cut and resumed, after the end, and by those who do not read."""

from __future__ import annotations

import base64
import http.client
import json
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from testkit.databases import create_database, database_url
from testkit.servers import RunningServer, clean_environment, start_server
from testkit.waiting import eventually
from tests.conftest import START_S
from tests.test_shutdown import rows

URL = "/api/v1/executions"
SSE, NDJSON = {"Accept": "text/event-stream"}, {"Accept": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
LONGEST_S = 60


class Event(NamedTuple):
    """One server-sent event."""

    id: str
    name: str
    data: Any


@pytest.fixture(scope="module")
def running(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all."""
    create_database(prepared_postgres, "watched", "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, "watched"), GEXEC_SLOTS="3", GEXEC_WATCHERS="4",
        GEXEC_EVENTS_BYTES="262144", GEXEC_CALLER_SHARE="1",
    )  # fmt: skip
    server = start_server(tmp_path_factory.mktemp("watched"), environment)
    try:
        server.wait_ready(within_s=START_S)
        yield server
    finally:
        server.stop()


def program(source: str, **more: Any) -> dict[str, Any]:
    return {"language": "python", "source_code": source, **more}


@contextmanager
def opened(running: RunningServer, path: str, body: Any = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """An answer whose head has come."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=LONGEST_S)
    with closing(connection):
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers or SSE)
        with closing(connection.getresponse()) as response:
            yield response


def events_in(response: Any) -> Iterator[Event]:
    """As a browser reads them; comments are left out."""
    fields: dict[str, str] = {}
    for line in response:
        text = line.decode().rstrip("\n")
        name, _, value = text.partition(": ")
        if text:
            fields[name] = value
        elif "event" in fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


def watched(running: RunningServer, source: str, **more: Any) -> list[Event]:
    with opened(running, URL, program(source, **more), **SSE) as response:
        assert response.status == 200, response.read()
        return list(events_in(response))


def path_of(events: list[Event]) -> str:
    return f"{URL}/{events[0].data['id']}/events?access_token={events[0].data['access_token']}"


def again(running: RunningServer, path: str, **headers: str) -> list[Event]:
    with opened(running, path, None, **(SSE | headers)) as response:
        return list(events_in(response)) if response.status == 200 else []


def output_of(events: list[Event]) -> bytes:
    pieces = [event.data for event in events if event.name == "output"]
    return b"".join(
        piece["text"].encode() if "text" in piece else base64.b64decode(piece["base64"]) for piece in pieces
    )


CHATTY = """
import sys, time
for number in range(6):
    print("line", number, flush=True)
    print("error", number, file=sys.stderr, flush=True)
    time.sleep(0.03)
"""


def test_what_is_told_while_it_runs_and_again_after_the_end(running: RunningServer) -> None:
    with opened(running, URL, program("print('Hello')"), **SSE) as response:
        assert response.getheader("Content-Type") == "text/event-stream"
        assert response.getheader("X-Accel-Buffering") == "no"
        assert "no-store" in str(response.getheader("Cache-Control"))
        assert response.getheader("Content-Encoding") is None
        text = response.read().decode()
    assert text.startswith("retry: 1000\n\nid: 0\nevent: execution.queued\ndata: {")
    events = list(events_in(line.encode() for line in text.splitlines(keepends=True)))
    assert [(event.id, event.name) for event in events] == [
        ("0", "execution.queued"), ("1", "execution.started"), ("2", "step.started"), ("8", "output"),
        ("9", "step.finished"), ("10", "execution.finished"),
    ]  # fmt: skip
    assert all(event.id == str(event.data["seq"]) for event in events)
    output, step, finished = (event.data for event in events[3:])
    assert (output["step"], output["stream"], output["text"]) == ("run", "stdout", "Hello\n")
    assert (step["outcome"], step["exit_code"], step["stdout_bytes"]) == ("ok", 0, 6)
    assert "stdout" not in step
    assert finished["execution"]["run"]["stdout"] == "Hello\n"
    replayed = again(running, path_of(events))
    assert [event[:2] for event in replayed] == [event[:2] for event in events]
    assert replayed[-1] == events[-1]
    lines = running.request(path_of(events), headers=NDJSON).body.decode().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [event.name for event in events]


def test_cut_at_every_event_and_resumed_it_is_the_same_as_uncut(running: RunningServer) -> None:
    whole = watched(running, CHATTY)
    path = path_of(whole)
    assert len(whole) > 8
    for number in range(len(whole) - 1):
        cut, rest = whole[: number + 1], again(running, path, **{"Last-Event-ID": whole[number].id})
        assert [(event.id, event.name) for event in cut + rest] == [(event.id, event.name) for event in whole]
        assert output_of(cut + rest) == output_of(whole)
    assert [event.id for event in again(running, f"{path}&after={whole[3].id}")] == [event.id for event in whole[4:]]
    with opened(running, path, None, **SSE, **{"Last-Event-ID": whole[-1].id}) as response:
        assert (response.status, response.read()) == (204, b""), "which keeps a browser from coming again"


def test_one_who_comes_while_it_runs_is_told_all_and_the_first_line_comes_at_once(running: RunningServer) -> None:
    with opened(running, URL, program("print(1, flush=True); import time; time.sleep(60)"), **SSE) as response:
        events = events_in(response)
        seen = [next(events) for _ in range(4)]
        assert seen[3].data["text"] == "1\n", "the program sleeps, and its line is here"
        path = path_of(seen)
        with opened(running, path, None, **SSE) as other:
            assert [event.id for event in islice(events_in(other), 4)] == ["0", "1", "2", "4"]
    assert eventually(lambda: again(running, path)[-1].data["execution"]["outcome"]) == "cancelled", "its watcher left"


def test_one_who_does_not_submit_may_leave_and_on_disconnect_says_what_else_goes_on(running: RunningServer) -> None:
    body = program("import time; time.sleep(1); print('done')", on_disconnect="continue")
    with opened(running, URL, body, **SSE) as response:
        events = events_in(response)
        path = path_of([next(events)])
        with opened(running, path, None, **SSE) as other:
            next(events_in(other))
    assert again(running, path)[-1].data["execution"]["outcome"] == "ok"


def test_what_the_ring_has_lost_is_told_as_a_gap_and_after_the_end_the_row_has_it(running: RunningServer) -> None:
    source = "import sys, time; sys.stdout.write('x' * 1_000_000); sys.stdout.flush(); time.sleep(1.5)"
    body = program(source, limits={"output_bytes": 1_000_000})
    with opened(running, URL, body, **SSE) as response:
        events = events_in(response)
        seen = [next(events) for _ in range(4)]
        # It has written all by now, or nearly: this one comes late.
        eventually(lambda: again_briefly(running, path_of(seen)).count("gap"))
        seen += events
    replayed = again(running, path_of(seen))
    assert "gap" not in [event.name for event in replayed]
    assert output_of(replayed) == b"x" * 1_000_000
    # This one was not read from for a moment, and may have lost something as well: it knows how much.
    lost = sum(event.data["to"] - event.data["from"] + 1 for event in seen if event.name == "gap")
    assert len(output_of(seen)) + lost == 1_000_000


def resident_bytes(running: RunningServer) -> int:
    """Of all processes of the server."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in running.pids]
    return sum(pages) * resource.getpagesize()


def again_briefly(running: RunningServer, path: str) -> list[str]:
    with opened(running, path, None, **SSE) as response:
        return [event.name for event in islice(events_in(response), 3)]


def test_output_cannot_break_the_framing_nor_forge_an_event(running: RunningServer) -> None:
    forged = b"\n\nid: 99\nevent: execution.finished\ndata: {}\r\n\r\n\x00\xff\xe2\x82"
    source = f"import sys; sys.stdout.buffer.write({forged!r})"
    for events in ((first := watched(running, source)), again(running, path_of(first))):
        names = [event.name for event in events]
        assert names == ["execution.queued", "execution.started", "step.started", *["output"] * (len(names) - 5),
                         "step.finished", "execution.finished"]  # fmt: skip
        assert output_of(events) == forged


def test_a_hundred_thousand_tiny_writes_are_merged(running: RunningServer) -> None:
    events = watched(running, "import os\nfor _ in range(100_000): os.write(1, b'z')")
    assert output_of(events) == b"z" * 100_000
    assert len(events) < 1000


def test_a_program_that_is_refused_or_cannot_be_compiled(running: RunningServer) -> None:
    refused = running.request(URL, {"language": "python"}, headers=SSE | JSON)
    assert (refused.status, refused.headers["Content-Type"]) == (400, "application/problem+json")
    events = watched(running, "package main\nfunc main() { undefined() }", language="go")
    assert [(event.name, event.data.get("step")) for event in events[2:-2]] == [
        ("step.started", "compile"), *[("output", "compile")] * (len(events) - 5),
    ]  # fmt: skip
    assert events[-1].data["execution"]["outcome"] == "compile_error"


def test_watchers_are_bounded_and_told_when_to_come_again(running: RunningServer) -> None:
    body = program("import time; time.sleep(60)")
    with opened(running, URL, body, **SSE) as response:
        path = path_of([next(events_in(response))])
        with opened(running, path) as a, opened(running, path) as b, opened(running, path) as c:
            for each in (a, b, c):
                next(events_in(each))
            for answer in (running.request(path, headers=SSE), running.request(URL, body, headers=SSE | JSON)):
                assert (answer.status, answer.json()["code"]) == (503, "too_many_watchers")
                assert answer.headers["Retry-After"]
            assert running.request("/ping").status == 200
    eventually(lambda: running.request(path, headers=SSE).status == 200)


def test_one_who_never_reads_costs_little_memory_and_no_connection_to_the_database(running: RunningServer) -> None:
    source = "import sys, time; time.sleep(0.5)\nfor _ in range(120): sys.stdout.write('y' * 65_536)\ntime.sleep(60)"
    body = program(source, limits={"output_bytes": 8_388_608, "wall_ms": 20_000})
    with opened(running, URL, body, **SSE) as response:
        path = path_of([next(events_in(response))])
        before = resident_bytes(running)
        with closing(socket.create_connection(("127.0.0.1", running.port))) as silent:
            silent.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
            time.sleep(2)
            grown = resident_bytes(running) - before
            assert grown < 40_000_000
            active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            assert rows(running, active) == [(0,)]


def test_http_1_0_is_answered_to_the_end_of_the_connection(running: RunningServer) -> None:
    body = json.dumps(program("print(1)")).encode()
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=LONGEST_S)) as client:
        request = f"POST {URL} HTTP/1.0\r\nAccept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(request.encode() + body)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, events = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert events.startswith(b"retry: 1000\n\nid: 0\n")
    assert events.endswith(b"}\n\n")


def test_a_stop_ends_what_is_watched(running: RunningServer) -> None:
    """The last of this file: it ends the server."""
    with opened(running, URL, program("import time; time.sleep(1); print('last')"), **SSE) as response:
        events = events_in(response)
        seen = [next(events), next(events)]
        running.process.send_signal(signal.SIGTERM)
        seen += list(events)
    assert seen[-1].data["execution"]["run"]["stdout"] == "last\n"
    assert running.stop() == 0
