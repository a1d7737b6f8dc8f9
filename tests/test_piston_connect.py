"""Piston's WebSocket over a real server: what a client of it and a program say to each other, and how it ends."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

import pytest
from django.test import Client as Http
from pytest_django.fixtures import Settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from executions import transitions
from executions.accept import accepted
from executions.compat.piston.requests import talked_to_in
from executions.compat.running import submission_of
from executions.doors import Door
from executions.models import Execution
from executions.submission import Origin
from languages.models import Language
from testkit.servers import RunningServer
from testkit.waiting import eventually

PATIENCE_S = 60.0
PATHS = ("/api/v2/connect", "/api/v2/piston/connect", "/api/v2/connect/")
SLEEPS = "import time\nprint('ready', flush=True)\ntime.sleep(60)"
TOO_LATE = 4001
FULL = "open already"
Json = dict[str, Any]


class TooLate(Exception):
    """The machine is so busy that what this test had to say did not arrive within a second."""


def patiently(test: Callable[..., None]) -> Callable[..., None]:
    """Again, where it was too late."""

    @wraps(test)
    def tried(*args: Any, **kwargs: Any) -> None:
        for _ in range(4):
            with suppress(TooLate):
                return test(*args, **kwargs)
        return test(*args, **kwargs)

    return tried


class Talk:
    """One connection, as Piston's clients use it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.told: list[Json] = []
        self.closed: tuple[int, str] = (0, "")
        self.speaks_in_time = True

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **fields}))

    def init(self, source: str, **fields: Any) -> None:
        self.say("init", **{"language": "python", "version": "3.10.0", "files": [{"content": source}], **fields})

    def type(self, text: str) -> None:
        self.say("data", stream="stdin", data=text)

    def next(self) -> bool:
        """Whether there was another message."""
        try:
            self.told.append(json.loads(self.connection.recv(timeout=PATIENCE_S)))
        except ConnectionClosed as closed:
            if closed.rcvd is not None:
                self.closed = (closed.rcvd.code, closed.rcvd.reason)
            if self.closed[0] == TOO_LATE and self.speaks_in_time:
                raise TooLate from None
            return False
        return True

    def until(self, text: str, stream: str = "stdout") -> None:
        while text not in self.printed(stream):
            assert self.next(), (self.told, self.closed)

    def end(self) -> tuple[int, str]:
        while self.next():
            pass
        return self.closed

    def printed(self, stream: str = "stdout") -> str:
        return "".join(each["data"] for each in self.told if each["type"] == "data" and each["stream"] == stream)

    @property
    def error(self) -> str:
        return next((each["message"] for each in self.told if each["type"] == "error"), "")


@contextmanager
def talk(server: RunningServer, path: str = PATHS[0], **options: Any) -> Iterator[Talk]:
    url = f"{server.base_url.replace('http', 'ws', 1)}{path}"
    with connect(url, compression=None, close_timeout=2, **options) as connection:
        yield Talk(connection)


@contextmanager
def running(server: RunningServer, source: str, **options: Any) -> Iterator[Talk]:
    """One whose program runs and has said that it is ready. The one before may not have left its place yet."""

    def begin() -> Any:
        holder = talk(server, **options)
        talked = holder.__enter__()
        with suppress(TooLate):
            talked.init(source)
            while talked.next():
                if "ready" in talked.printed():
                    return holder, talked
        holder.__exit__(None, None, None)
        assert talked.closed[0] == TOO_LATE or FULL in talked.error, (talked.told, talked.closed)
        return None

    holder, talked = eventually(begin, until=bool)
    try:
        yield talked
    finally:
        holder.__exit__(None, None, None)


@pytest.fixture(scope="module")
def key(compat_server: RunningServer) -> str:
    return compat_server.create_api_key("talks as with piston")


def last_row(server: RunningServer, key: str) -> Json:
    """The execution that was begun last, once it has ended."""
    return eventually(
        # Reading has a rate too.
        lambda: newest_row(server, key),
        until=lambda row: row["status"] not in {"queued", "running"},
        every_s=0.1,
    )


def newest_row(server: RunningServer, key: str) -> Json:
    by_key = {"Authorization": f"Bearer {key}"}
    newest = server.request("/api/v1/executions?limit=1&door=piston", headers=by_key).json()["data"][0]
    found: Json = server.request(f"/api/v1/executions/{newest['id']}", headers=by_key).json()
    return found


@pytest.mark.parametrize("path", PATHS)
@patiently
def test_a_program_is_talked_to(compat_server: RunningServer, path: str) -> None:
    source = "import sys\nprint('ready', sys.argv[1:], flush=True)\nprint(int(input()) * 7, file=sys.stderr)\nexit(3)"
    with talk(compat_server, path) as talked:
        talked.init(source, args=["a b"], stdin="what is typed is all of it\n", run_memory_limit=-1)
        talked.until("ready ['a b']")
        talked.type("6")
        talked.type("\n")
        assert talked.end() == (4999, "Job Completed")
    version = talked.told[0].pop("version")
    assert version.startswith("3.")
    assert version != "3.10.0"
    assert talked.told[:2] == [{"type": "runtime", "language": "python"}, {"type": "stage", "stage": "run"}]
    assert talked.told[-1] == {"type": "exit", "stage": "run", "code": 3, "signal": None}
    assert talked.printed("stderr") == "42\n"


@patiently
def test_compiling_is_a_stage(compat_server: RunningServer) -> None:
    good = 'package main\nimport "fmt"\nfunc main() { var n int; fmt.Scan(&n); fmt.Println(n * 7) }'
    with talk(compat_server) as talked:
        talked.init(good, language="go")
        talked.type("6\n")
        assert talked.end()[0] == 4999
    assert [(each["type"], each.get("stage")) for each in talked.told if each["type"] in {"stage", "exit"}] == [
        ("stage", "compile"), ("exit", "compile"), ("stage", "run"), ("exit", "run"),
    ]  # fmt: skip
    assert talked.printed() == "42\n"
    with talk(compat_server) as talked:
        talked.init("package main\nfunc main() { undefined() }", language="go")
        assert talked.end()[0] == 4999
    assert talked.told[-1] == {"type": "exit", "stage": "compile", "code": 1, "signal": None}
    assert "undefined: undefined" in talked.printed() + talked.printed("stderr")


def test_signals_arrive(compat_server: RunningServer, key: str) -> None:
    source = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: print("told", flush=True))
print("ready", flush=True)
while True: time.sleep(0.02)
"""
    with running(compat_server, source, additional_headers={"Authorization": key}) as talked:
        for name in ("SIGSTOP", "SIGRTMIN+1", "SIGSEGV"):
            # Known, and passed on to nothing.
            talked.say("signal", signal=name)
        talked.say("signal", signal="SIGUSR1")
        talked.until("told")
        talked.say("signal", signal="SIGTERM")
        assert talked.end() == (4999, "Job Completed")
    assert talked.told[-1] == {"type": "exit", "stage": "run", "code": 128 + signal.SIGTERM, "signal": None}
    with running(compat_server, SLEEPS, additional_headers={"Authorization": key}) as talked:
        talked.say("signal", signal="SIGKILL")
        assert talked.end() == (4999, "Job Completed")
    assert talked.told[-1] == {"type": "exit", "stage": "run", "code": None, "signal": "SIGKILL"}
    row = last_row(compat_server, key)
    assert (row["outcome"], row["run"]["stdout"]) == ("cancelled", "ready\n")


def test_a_client_that_leaves_ends_its_job(compat_server: RunningServer, key: str) -> None:
    with running(compat_server, SLEEPS, additional_headers={"Authorization": f"Api-Key {key}"}) as talked:
        assert talked.printed() == "ready\n"
    row = last_row(compat_server, key)
    assert (row["outcome"], "the client is gone" in row["error"]) == ("cancelled", True)
    with running(compat_server, SLEEPS, additional_headers={"Authorization": key}) as talked:
        talked.connection.socket.close()
    assert last_row(compat_server, key)["outcome"] == "cancelled"


@patiently
def test_a_limit_ends_it(compat_server: RunningServer) -> None:
    with talk(compat_server) as talked:
        talked.init(SLEEPS, run_timeout=1000)
        assert talked.end()[0] == 4999
    assert talked.told[-1] == {"type": "exit", "stage": "run", "code": None, "signal": "SIGKILL"}


@patiently
def test_megabytes_come_as_they_are_taken(compat_server: RunningServer) -> None:
    source = "import sys\nfor n in range(3 << 10): sys.stdout.write('%1023d\\n' % n)\nprint('\\u20ac', flush=True)"
    with talk(compat_server, max_size=None) as talked:
        talked.init(source)
        assert talked.end()[0] == 4999
    lines = talked.printed().splitlines()
    assert [int(line) for line in lines[:-1]] == list(range(3 << 10))
    assert lines[-1] == "\u20ac"


def test_who_does_not_read_stops_the_program(compat_server: RunningServer, key: str) -> None:
    source = "print('ready', flush=True)\nfor n in range(24): print('x' * (1 << 20))"
    with running(compat_server, source, additional_headers={"Authorization": key}):
        time.sleep(2)
        assert newest_row(compat_server, key)["status"] == "running"
    assert last_row(compat_server, key)["outcome"] == "cancelled"


@pytest.mark.parametrize(
    ("said", "closed", "message"),
    [
        (["no JSON"], (4002, "Notified Error"), "Invalid JSON"),
        (["null"], (4002, "Notified Error"), "Invalid JSON: expected an object"),
        ([{"type": "init"}], (4002, "Notified Error"), "language is required as a string"),
        ([{"type": "init", "language": "python", "version": "*"}], (4002, "Notified Error"),
         "files is required as an array"),
        ([{"type": "init", "language": "no\ud800", "version": "1", "files": [{"content": ""}]}],
         (4002, "Notified Error"), "no?-1 runtime is unknown"),
        ([{"type": "init", "language": "python", "version": "*", "files": [{"content": "1"}], "run_timeout": 60001}],
         (4002, "Notified Error"), "run_timeout cannot exceed the configured limit of 60000"),
        ([{"type": "data", "stream": "stdin", "data": ""}], (4003, "Not yet initialized"), ""),
        ([{"type": "signal", "signal": "SIGINT"}], (4003, "Not yet initialized"), ""),
        # What it does not know counts for nothing.
        ([{"type": ["init"]}, {"type": "nonsense"}, {}], (4001, "Initialization Timeout"), ""),
    ],
)  # fmt: skip
@patiently
def test_what_cannot_be_begun(
    compat_server: RunningServer, said: list[Any], closed: tuple[int, str], message: str
) -> None:
    with talk(compat_server) as talked:
        talked.speaks_in_time = closed[0] != TOO_LATE
        for each in said:
            talked.connection.send(each if isinstance(each, str) else json.dumps(each))
        assert talked.end() == closed
    assert talked.told == ([{"type": "error", "message": message}] if message else [])


@pytest.mark.parametrize(
    ("said", "closed", "message"),
    [
        ({"type": "init", "language": "python"}, (4000, "Already Initialized"), ""),
        ({"type": "data", "stream": "stdout", "data": "x"}, (4004, "Can only write to stdin"), ""),
        ({"type": "signal", "signal": "SIGNOTATALL"}, (4005, "Invalid signal"), ""),
        ({"type": "signal", "signal": 9}, (4005, "Invalid signal"), ""),
        ({"type": "data", "stream": "stdin", "data": 3}, (4002, "Notified Error"), "data must be a string"),
        ({"type": "data", "stream": "stdin", "data": "x" * 300_000}, (4002, "Notified Error"), "has not taken"),
    ],
)
def test_what_cannot_be_said_ends_the_job(
    compat_server: RunningServer, key: str, said: Json, closed: tuple[int, str], message: str
) -> None:
    with running(compat_server, SLEEPS, additional_headers={"Authorization": key}) as talked:
        talked.connection.send(json.dumps(said))
        assert talked.end() == closed
        assert message in talked.error
        assert last_row(compat_server, key)["outcome"] == "cancelled"


@patiently
def test_keys_and_pages_are_checked(compat_server: RunningServer, key: str) -> None:
    wrong = {"Authorization": f"gx_live_{secrets.token_hex(8)}"}
    with talk(compat_server, additional_headers=wrong) as guess:
        assert guess.end() == (4002, "Notified Error")
    assert [each["type"] for each in guess.told] == ["error"]
    of_page = [Subprotocol("piston"), Subprotocol(f"gexec.token.{key}")]
    with talk(compat_server, subprotocols=of_page) as page:
        assert page.connection.subprotocol == "piston"
        page.init("print(42)")
        assert page.end()[0] == 4999
    assert last_row(compat_server, key)["run"]["stdout"] == "42\n"
    # One that is none stands for nobody.
    with talk(compat_server, subprotocols=[Subprotocol("piston"), Subprotocol("gexec.token.x")]) as guess:
        assert guess.end() == (4002, "Notified Error")
    with pytest.raises(InvalidStatus) as refused, talk(compat_server, origin="https://elsewhere.example"):
        pass
    assert refused.value.response.status_code == 403
    plain = compat_server.request("/api/v2/connect")
    assert (plain.status, plain.json()) == (404, {"message": "Not Found"})


@pytest.mark.django_db
@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors")
def test_each_connection_counts_as_a_request_that_executes(settings: Settings) -> None:
    settings.GEXEC_RATE_LIMIT = "1/m"
    answers = [Http(REMOTE_ADDR="203.0.113.78").get("/api/v2/connect") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 429]
    assert answers[1].json() == {"message": "Requests limited to 1 per 200ms"}


@pytest.mark.usefixtures("fake_backend")
def test_what_was_talked_to_is_not_begun_again(python: Language, settings: Settings) -> None:
    settings.GEXEC_PISTON_RUN_TIMEOUT = 10**9
    body = {"language": "python", "version": "*", "files": [{"content": "1"}], "stdin": "x"}
    _, program = talked_to_in(body)
    submission = submission_of(program, Door.PISTON, None)
    # As long as the interactive door lets one run.
    assert submission.limits.wall_ms == settings.GEXEC_INTERACTIVE_S * 1000
    with accepted(submission, Origin("203.0.113.78")) as (execution, _):
        row = Execution.objects.get(pk=execution.pk)
        assert (row.door, row.attempt, transitions.may_begin_again(row)) == ("piston", 1, False)
        row.job = {}
        assert transitions.may_begin_again(row)
