"""Interactive executions over a real server: what a client and a program say to each other, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import docker
import psycopg
import pytest
from django.test import Client as Http
from pytest_django.fixtures import Settings
from websockets.exceptions import InvalidStatus

from testkit.containers import containers_of
from testkit.databases import create_database, database_url
from testkit.processes import resident_bytes, workers
from testkit.servers import RunningServer, clean_environment, start_server
from testkit.waiting import eventually
from tests.conftest import START_S, StartServer
from tests.talking import RawSocket, Talk, frame, talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DETACH_S, IDLE_S = 4, 10
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def running(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all."""
    create_database(prepared_postgres, "talked", "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, "talked"), GEXEC_SLOTS="5", GEXEC_INTERACTIVE="3",
        GEXEC_INTERACTIVE_DETACH_S=str(DETACH_S), GEXEC_INTERACTIVE_IDLE_S=str(IDLE_S), GEXEC_CALLER_SHARE="0.6",
        GEXEC_WAIT_MS="60000",
    )  # fmt: skip
    server = start_server(tmp_path_factory.mktemp("talked"), environment)
    try:
        server.wait_ready(within_s=START_S)
        yield server
    finally:
        server.stop()


@pytest.fixture
def talked(running: RunningServer) -> Iterator[Talk]:
    with talk(running.port) as connection:
        yield connection


def row(running: RunningServer, talked: Talk) -> dict[str, Any]:
    """The execution as its own client may see it."""
    answer = running.request(f"/api/v1/executions/{talked.id}", headers={"X-Access-Token": talked.token})
    execution: dict[str, Any] = answer.json()
    return execution


def final_row(running: RunningServer, talked: Talk) -> dict[str, Any]:
    return eventually(lambda: row(running, talked), until=lambda found: found["status"] not in {"queued", "running"})


def test_an_interpreter_is_talked_to(running: RunningServer, talked: Talk) -> None:
    talked.shell("exec('python3', '-q', '-i')", env={"TERM": "dumb"})
    talked.until(">>> ")
    talked.type("6 * 7\n")
    talked.until("\r\n42\r\n")
    talked.type("while True: pass\n\n")
    talked.until("... ")
    time.sleep(0.3)
    talked.type("\x03")
    talked.until("KeyboardInterrupt")
    talked.type("8 * 9\n")
    talked.until("\r\n72\r\n")
    talked.type("\x04")
    execution = talked.end()
    assert (talked.code, execution["status"], execution["outcome"]) == (1000, "finished", "ok")
    assert "cause" not in talked.events[-1]
    names = [event["type"] for event in talked.events if event["type"] not in {"output", "window"}]
    assert names == ["execution.queued", "execution.started", "step.started", "step.finished", "execution.finished"]
    assert "42" in row(running, talked)["run"]["stdout"]


def test_a_shell_has_jobs_and_a_window(talked: Talk) -> None:
    talked.shell()
    talked.until("$ ")
    talked.type("sleep 600\n")
    talked.until("sleep 600\r\n")
    time.sleep(0.3)
    talked.type("\x1a")
    talked.until("Stopped")
    talked.type("bg; jobs; kill %1\n")
    talked.until("Running")
    talked.say("resize", cols=132, rows=50)
    talked.type("stty size; tty; echo $TERM\n")
    for told in ("50 132\r\n", "/dev/pts/0\r\n", "xterm-256color\r\n"):
        talked.until(told)
    talked.type("exit 3\n")
    assert talked.end()["run"]["exit_code"] == 3


def test_a_program_that_fills_the_screen_works(talked: Talk) -> None:
    # ncurses itself sleeps over a size that changes right before it waits for a key without end.
    screen = """
import curses
def main(window):
    window.timeout(100)
    while True:
        rows, columns = window.getmaxyx()
        window.erase()
        window.addstr(rows - 1, 0, f"<{columns}x{rows}>")
        window.refresh()
        if window.getch() == ord("q"):
            return
curses.wrapper(main)
print("left")
"""
    talked.start(screen, tty=True)
    talked.until("<80x24>")
    talked.say("resize", cols=61, rows=17)
    talked.until("<61x17>")
    talked.type("q")
    talked.until("left\r\n")
    assert talked.end()["outcome"] == "ok"


def test_stdin_stays_open_without_a_terminal(talked: Talk) -> None:
    source = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)\nprint('end', file=sys.stderr)"
    talked.start(source, stdin="open", args=[])
    for word in ("one", "two", "drei\u00df"):
        talked.type(f"{word}\n")
        talked.until(word.upper())
    talked.say("stdin", base64="eA==")
    talked.say("stdin_close")
    talked.until("X")
    execution = talked.end()
    assert (execution["outcome"], execution["run"]["stderr"]) == ("ok", "end\n")


def test_signals_reach_the_program(talked: Talk) -> None:
    source = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: print("told", flush=True))
print("ready", flush=True)
while True: time.sleep(0.02)
"""
    talked.start(source)
    talked.until("ready")
    talked.say("signal", signal="SIGUSR1")
    talked.until("told")
    talked.say("signal", signal="SIGTERM")
    execution = talked.end()
    assert (execution["outcome"], execution["run"]["signal_name"]) == ("signal", "SIGTERM")


def test_megabytes_are_typed_as_the_program_takes_them(talked: Talk) -> None:
    block = "0123456789abcde\n" * 4096
    source = "import sys, hashlib\ndata = sys.stdin.buffer.read()\nprint(len(data), hashlib.sha256(data).hexdigest())"
    talked.start(source)
    talked.until_told("window")
    for _ in range(80):
        while talked.room < len(block):
            assert talked.next() is not None
        talked.room -= len(block)
        talked.type(block)
    talked.say("stdin_close")
    expected = hashlib.sha256(block.encode() * 80).hexdigest()
    talked.until(f"{80 * len(block)} {expected}")
    assert talked.end()["outcome"] == "ok"


def test_more_than_the_window_is_refused(running: RunningServer, talked: Talk) -> None:
    talked.start("import time; print('ready', flush=True); time.sleep(60)")
    talked.until("ready")
    for _ in range(6):
        talked.type("x" * 65_536)
    assert talked.end()["code"] == "stdin_overflow"
    assert (talked.code, talked.reason) == (4413, "stdin_overflow")
    assert final_row(running, talked)["outcome"] == "cancelled"


def test_who_does_not_acknowledge_stops_the_program_and_no_more(running: RunningServer, talked: Talk) -> None:
    megabytes = 8
    source = f"""
import sys
for number in range({megabytes}):
    sys.stdout.buffer.write(b"".join(b"%1023d\\n" % (number * 1024 + line) for line in range(1024)))
"""
    talked.acknowledges = False
    talked.start(source)
    talked.until_told("step.started")
    before = sum(resident_bytes(pid) for pid in running.pids)
    with suppress(TimeoutError):
        while talked.next(timeout_s=2):
            pass
    assert not talked.code
    assert len(talked.output()) <= 512 * 1024
    assert row(running, talked)["status"] == "running"
    # Nothing is lost by it, and at no time there is much of it in memory.
    talked.acknowledges = True
    talked.say("ack", seq=talked.after)
    most = 0
    while talked.next() is not None:
        if len(talked.events) % 64 == 0:
            most = max(most, sum(resident_bytes(pid) for pid in running.pids))
    assert most - before < 8 * 1024 * 1024
    lines = talked.output().split()
    assert lines == [str(number).encode() for number in range(megabytes * 1024)]
    kept = final_row(running, talked)
    assert (kept["outcome"], kept["run"]["stdout_truncated"]) == ("ok", True)


def test_who_comes_back_has_the_same_bytes(running: RunningServer, talked: Talk) -> None:
    source = "import time\nfor n in range(400): print(n, flush=True); time.sleep(0.005)\ninput()"
    talked.start(source)
    talked.until("50\n")
    talked.connection.socket.close()
    for _ in range(2):
        protocols = ("gexec.v1", f"gexec.token.{talked.token}")
        with talk(running.port, protocols=protocols, leaves_it=True) as again:
            again.say("attach", id=talked.id, after=talked.after)
            again.until("0\n")
            talked.events += again.events
            talked.after = again.after
    with talk(running.port, additional_headers={"X-Access-Token": talked.token}) as again:
        again.say("attach", id=talked.id, after=talked.after)
        again.until("399\n")
        again.type("\n")
        assert again.end()["outcome"] == "ok"
        talked.events += again.events
    assert talked.output() == "".join(f"{number}\n" for number in range(400)).encode()
    seen = [event["seq"] for event in talked.events if "seq" in event]
    assert seen == sorted(set(seen))
    # What has ended can be read again, from its beginning.
    with talk(running.port, protocols=("gexec.v1", f"gexec.token.{talked.token}")) as later:
        later.say("attach", id=talked.id, after=-1)
        assert later.end()["id"] == talked.id
        assert later.output() == talked.output()
        assert later.code == 1000


def test_who_closes_right_behind_a_message_may_come_back(running: RunningServer, talked: Talk) -> None:
    """While there is something to tell: what is said to nobody any more is no fault of ours, and ends nothing."""
    talked.start("import time\nwhile True: print('on', flush=True); time.sleep(0.001)")
    talked.until("on")
    attach = json.dumps({"type": "attach", "id": talked.id, "after": -1}).encode()
    for _ in range(5):
        with RawSocket(running.port, token=talked.token, behind=frame(TEXT, attach)) as raw:
            assert raw.head().startswith("HTTP/1.1 101 ")
            while b'"output"' not in (raw.frame() or (0, b'"output"'))[1]:
                pass
            raw.send(frame(TEXT, b'{"type": "ack", "seq": 1}') + frame(CLOSE, (1000).to_bytes(2, "big")))
            assert raw.close_code() == 1000
    # It would have ended by now.
    path = f"/api/v1/executions/{talked.id}/cancel"
    answer = running.request(path, b'{"reason": "enough"}', headers=JSON | {"X-Access-Token": talked.token})
    assert "enough" in answer.json()["error"]


def test_a_second_connection_takes_over(running: RunningServer, talked: Talk) -> None:
    talked.start("print(input(), flush=True)")
    talked.until_told("step.started")
    with talk(running.port, additional_headers={"X-Access-Token": talked.token}) as second:
        second.say("attach", id=talked.id, after=talked.after)
        talked.end()
        assert (talked.code, talked.reason) == (4409, "attached_elsewhere")
        second.type("hi\n")
        second.until("hi\n")
        assert second.end()["outcome"] == "ok"


def test_nobody_else_comes_in(running: RunningServer, talked: Talk) -> None:
    talked.start("input()")
    talked.until_told("step.started")
    for headers, code in (({}, 4404), ({"X-Access-Token": "x" * 22}, 4404)):
        with talk(running.port, additional_headers=headers) as stranger:
            stranger.say("attach", id=talked.id)
            assert stranger.end()["status"] == code - 4000
            assert stranger.code == code
    talked.type("\n")
    assert talked.end()["outcome"] == "ok"


def test_who_stays_away_is_hung_up_on(running: RunningServer, talked: Talk) -> None:
    talked.start(
        "import signal, time\nsignal.signal(1, lambda *_: exit('hung up'))\nprint('on')\ntime.sleep(600)", tty=True
    )
    talked.until("on")
    with talk(running.port, leaves_it=True) as deaf:
        deaf.start("import signal, time\nsignal.signal(1, signal.SIG_IGN)\nprint('on')\ntime.sleep(600)", tty=True)
        deaf.until("on")
    talked.connection.close()
    ended = final_row(running, talked)
    assert (ended["outcome"], "hung up" in ended["run"]["stdout"]) == ("nonzero_exit", True)
    ended = final_row(running, deaf)
    assert (ended["outcome"], "came back" in ended["error"]) == ("cancelled", True)


def test_silence_ends_it(running: RunningServer, talked: Talk) -> None:
    with talk(running.port) as silent:
        began = time.monotonic()
        talked.start("import time\ntime.sleep(600)")
        execution = talked.end()
        assert time.monotonic() - began > IDLE_S
        assert (execution["outcome"], "nothing was typed" in execution["error"]) == ("cancelled", True)
        assert talked.events[-1]["cause"] in execution["error"]
        assert silent.end()["code"] == "request_timeout"
        assert silent.code == 4408


def test_it_is_cancelled_over_its_connection_and_by_others(running: RunningServer, talked: Talk) -> None:
    talked.start("while True: print('x' * 1000)")
    talked.until("x")
    talked.say("cancel")
    assert talked.end()["outcome"] == "cancelled"
    with talk(running.port) as other:
        other.acknowledges = False
        other.start("while True: print('x' * 1000)")
        other.until("x")
        path = f"/api/v1/executions/{other.id}/cancel"
        answer = running.request(path, b'{"reason": "enough"}', headers=JSON | {"X-Access-Token": other.token})
        assert (answer.status, answer.json()["outcome"]) == (200, "cancelled")
        assert "enough" in other.end()["error"]


def test_limits_hold(talked: Talk) -> None:
    talked.start("while True: print(sum(range(10**5)), flush=True)", limits={"cpu_ms": 300, "wall_ms": 50_000})
    assert talked.end()["outcome"] == "timeout_cpu"


def test_a_lost_container_ends_it(running: RunningServer, talked: Talk, docker_client: docker.DockerClient) -> None:
    talked.start("print('on')\nimport time\ntime.sleep(600)", tty=True)
    talked.until("on")
    used = [
        container
        for container in map(docker_client.containers.get, containers_of(docker_client.api, running.data_dir))
        if "--terminal" in container.attrs["Args"]
    ]
    for container in used:
        container.kill()
    execution = talked.end()
    assert (execution["outcome"], talked.code) == ("sandbox_error", 1000)


def test_one_caller_has_a_share_of_the_places(running: RunningServer, talked: Talk) -> None:
    talked.start("input()")
    talked.until_told("step.started")
    with talk(running.port) as second, talk(running.port) as third:
        second.start("input()")
        second.until_told("step.started")
        assert third.start("input()").end()["code"] == "too_many_concurrent"
        assert (third.code, third.events[-1]["retry_after_s"]) == (4429, 5)
        second.type("\n")
        second.end()
    talked.type("\n")
    talked.end()


@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        ("no JSON", "invalid_json", 400),
        ("[]", "invalid_json", 400),
        ("{}", "missing_field", 400),
        ('{"type": "sing"}', "invalid_field", 400),
        ('{"type": "ack", "seq": 0}', "invalid_field", 400),
        ('{"type": "start"}', "missing_field", 400),
        ('{"type": "start", "type": "start"}', "duplicate_key", 400),
        ('{"type": "start", "execution": {}, "size": 3}', "unknown_field", 400),
        ('{"type": "start", "execution": {"language": "python"}}', "missing_field", 400),
        ('{"type": "start", "execution": {"language": "nope", "source_code": "1"}}', "unsupported_language", 400),
        ('{"type": "start", "execution": {"language": "python", "source_code": "1", "wait": 3}}', "invalid_field", 400),
        ('{"type": "start", "execution": {}, "tty": {"cols": 0}}', "invalid_field", 400),
        ('{"type": "start", "execution": {}, "tty": {"cols": 80, "rows": 1e3}}', "invalid_field", 400),
        ('{"type": "start", "execution": {}, "stdin": "shut"}', "invalid_field", 400),
        ('{"type": "attach", "id": 3}', "invalid_field", 400),
        ('{"type": "attach", "id": "01a21be4-cc99-7d85-bdef-6b3a4c91e1d0"}', "not_found", 404),
    ],
)
def test_what_cannot_be_done_is_told(talked: Talk, said: str, code: str, status: int) -> None:
    talked.connection.send(said)
    problem = talked.end()
    assert (problem["code"], problem["status"]) == (code, status)
    assert (talked.code, talked.reason) == (4000 + status, code)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"type": "start", "execution": {}}, "already_started"),
        ({"type": "ack", "seq": 1 << 40}, "invalid_field"),
        ({"type": "signal", "signal": "SIGKILL"}, "invalid_field"),
        ({"type": "resize", "cols": 100_000, "rows": 3}, "invalid_field"),
        ({"type": "stdin", "text": "a", "base64": "YQ=="}, "invalid_field"),
        ({"type": "stdin", "base64": "*"}, "invalid_field"),
    ],
)
def test_what_cannot_be_said_ends_the_execution(
    running: RunningServer, talked: Talk, said: dict[str, Any], code: str
) -> None:
    talked.start("input()")
    talked.until_told("step.started")
    talked.connection.send(json.dumps(said))
    assert talked.end()["code"] == code
    assert final_row(running, talked)["outcome"] == "cancelled"


def test_keys_and_pages_are_checked(running: RunningServer) -> None:
    with talk(running.port, protocols=("gexec.v1", "gexec.token.gx_live_wrong")) as guess:
        assert guess.end()["code"] == "unauthorized"
        assert guess.code == 4401
    key = running.create_api_key("talker")
    with talk(running.port, protocols=("gexec.v1", f"gexec.token.{key}")) as known:
        assert known.connection.subprotocol == "gexec.v1"
        known.start("print(int(input()) * 7)")
        known.until_told("step.started")
        by_key = {"Authorization": f"Bearer {key}"}
        short = running.request(f"/api/v1/executions/{known.id}/tokens", b"{}", headers=JSON | by_key).json()[
            "access_token"
        ]
        with talk(running.port, additional_headers={"X-Access-Token": short}, leaves_it=True) as reader:
            reader.say("attach", id=known.id)
            assert reader.end()["code"] == "forbidden_right"
            assert reader.code == 4403
        known.type("6\n")
        assert known.end()["run"]["stdout"] == "42\n"
        assert not known.token
        assert running.request(f"/api/v1/executions/{known.id}", headers=by_key).status == 200
    with pytest.raises(InvalidStatus) as refused, talk(running.port, origin="https://elsewhere.example"):
        pass
    assert refused.value.response.status_code == 403
    with talk(running.port, origin=f"http://127.0.0.1:{running.port}") as own:
        assert own.start("print(1)").end()["outcome"] == "ok"
    with talk(running.port, protocols=()) as plain:
        assert plain.start("print(1)").end()["outcome"] == "ok"
    answer = running.request("/api/v1/executions/ws")
    assert (answer.status, answer.json()["code"]) == (426, "upgrade_required")


@pytest.mark.django_db
def test_each_connection_counts_as_a_request_that_executes(settings: Settings) -> None:
    settings.GEXEC_RATE_LIMIT = "1/m"
    codes = [Http(REMOTE_ADDR="203.0.113.77").get("/api/v1/executions/ws").status_code for _ in range(2)]
    assert codes == [426, 429]


TEXT, CONTINUED, PING, CLOSE = 0x81, 0x00, 0x89, 0x88
START = json.dumps({"type": "start", "execution": {"language": "python", "source_code": "print(6 * 7)"}}).encode()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"{}", masked=False), 1002),
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(0x01, b"\xc3") + frame(0x80, b"\x28"), 1007),
        (frame(0x82, b"bytes"), 1003),
        (frame(0xC1, b"compressed"), 1002),
        (frame(0x83, b"unknown"), 1002),
        (frame(0x80, b"nothing to continue"), 1002),
        (frame(0x09, b"in pieces"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(TEXT, b"x" * 65_536, size=1 << 63), 1002),
        (b"".join(frame(CONTINUED if n else 0x01, b" " * 65_536) for n in range(130)), 1009),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(CLOSE, (1000).to_bytes(2, "big")), 1000),
        (b"\x00" * 64, 1002),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 8, 1002),
    ],
    ids=lambda sent: sent[:6].hex() if isinstance(sent, bytes) else None,
)
def test_what_are_no_frames_close_the_connection(running: RunningServer, sent: bytes, code: int) -> None:
    with RawSocket(running.port) as raw:
        head = raw.head()
        assert head.startswith("HTTP/1.1 101 ")
        assert "sec-websocket-extensions" not in head.lower()
        assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        with suppress(ConnectionError):
            raw.send(sent)
        assert raw.close_code() == code


def test_a_message_may_come_in_pieces_and_with_its_request(running: RunningServer) -> None:
    pieces = [frame(0x01, START[:9])] + [frame(CONTINUED, START[at : at + 1]) for at in range(9, len(START))]
    with RawSocket(running.port, behind=b"".join(pieces) + frame(PING, b"alive") + frame(0x80, b"")) as raw:
        assert raw.head().startswith("HTTP/1.1 101 ")
        frames = []
        while (got := raw.frame()) is not None:
            frames.append(got)
    assert (0x8A, b"alive") in frames
    assert b'"text": "42' in b"".join(payload for _, payload in frames)


@pytest.mark.parametrize(
    "change",
    [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
        ("dGhlIHNhbXBsZSBub25jZQ==", "no base64"),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive"),
    ],
)
def test_a_handshake_that_is_none_is_a_plain_error(running: RunningServer, change: tuple[str, str]) -> None:
    head = (
        f"GET /api/v1/executions/ws HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nUpgrade: websocket\r\n"
        "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with RawSocket(running.port, head=head.replace(*change)) as raw:
        assert raw.head().startswith("HTTP/1.1 426 ")


def test_floods_keep_nobody_else_waiting(running: RunningServer) -> None:
    """Pings and tiny messages, as fast as they go, from as many connections as one caller may have."""
    flood = {
        "pings": frame(PING, b"x" * 100) * 2000,
        "empty pieces": frame(0x01, b"") + frame(CONTINUED, b"") * 20_000,
    }
    with ExitStack() as stack:
        flooding = [stack.enter_context(RawSocket(running.port)) for _ in range(4)]
        for raw, kind in zip(flooding, [*flood, *flood], strict=False):
            assert raw.head().startswith("HTTP/1.1 101 ")
            raw.socket.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(20):
                    raw.socket.send(flood[kind])
        assert running.execute("print(6 * 7)").json()["stdout"] == "42\n"
        before = sum(resident_bytes(pid) for pid in running.pids)
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert running.request("/ping").status == 200
            for raw, kind in zip(flooding, [*flood, *flood], strict=False):
                with suppress(OSError):
                    raw.socket.send(flood[kind][-4096:])
        assert sum(resident_bytes(pid) for pid in running.pids) - before < 16 * 1024 * 1024


def test_whatever_becomes_of_the_server_the_row_is_final(server: StartServer) -> None:
    running = server(GEXEC_WAIT_MS="60000")
    with talk(running.port, leaves_it=True) as killed:
        killed.start("print('on')\nimport time\ntime.sleep(600)", tty=True)
        killed.until("on")
        for pid in workers(running.pid):
            os.kill(pid, signal.SIGKILL)
        while killed.next() is not None:
            pass
    running.wait_ready(within_s=START_S)
    with talk(running.port, leaves_it=True) as talked, talk(running.port, leaves_it=True) as silent:
        talked.start(
            "import signal, time\nsignal.signal(1, lambda *_: exit(3))\nprint('on')\ntime.sleep(600)", tty=True
        )
        talked.until("on")
        eventually(lambda: outcome_in(running, killed) == ["finished", "sandbox_error", 1], within_s=90, every_s=0.2)
        running.process.send_signal(signal.SIGTERM)
        talked.end()
        silent.end()
        # Told to its end, where that comes before the connection is looked at again.
        assert talked.code == (1000 if talked.events[-1]["type"] == "execution.finished" else 1001)
        assert silent.code == 1001
        assert running.process.wait(60) == 0
    assert outcome_in(running, talked) == ["finished", "nonzero_exit", 1]


def outcome_in(running: RunningServer, talked: Talk) -> list[Any]:
    """From the row itself: the server may have stopped."""
    with psycopg.connect(running.environment["DATABASE_URL"]) as connection:
        columns = "SELECT status, outcome, attempt FROM executions_execution WHERE id = %s"
        return list(connection.execute(columns, [talked.id]).fetchone() or ())
