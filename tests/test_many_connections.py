"""Connections that say nothing do not end the worker, however few files it may open."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

from serve.descriptors import MAX_CONNECTIONS, connections
from serve.sockets import READ_S
from testkit.processes import youngest
from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer
from tests.test_hanging_up import sent

ANSWER_S = 5.0


@contextmanager
def silent(running: RunningServer, count: int) -> Iterator[list[socket.socket]]:
    """So many connections over which nothing is sent."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=ANSWER_S))
            for _ in range(count)
        ]


def worker_of(running: RunningServer) -> int:
    """The process that answers."""
    return youngest(running.pids)


def files_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 (no Path can list it without a stat of each)


def settled_files_of(pid: int) -> int:
    """As files_of, once the pool has filled and opens no more: 0 before."""
    before = files_of(pid)
    time.sleep(2)
    return before if files_of(pid) == before else 0


def answers_within(running: RunningServer, seconds: float) -> bool:
    began = time.monotonic()
    try:
        answered = running.request("/ping", timeout_s=seconds).status == 200
    except OSError:
        return False
    return answered and time.monotonic() - began < seconds


def test_connections_leave_room_for_what_else_is_open() -> None:
    assert connections(20_000, threads=64) == MAX_CONNECTIONS
    assert connections(resource.RLIM_INFINITY, threads=64) == MAX_CONNECTIONS
    assert connections(1024, threads=64) == 768
    assert connections(64, threads=64) == 16


def test_a_low_soft_limit_is_raised(server: StartServer) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    running = server(under=["prlimit", f"--nofile=64:{hard}", "--"])
    assert resource.prlimit(worker_of(running), resource.RLIMIT_NOFILE) == (hard, hard)


def test_where_no_file_can_be_opened_the_worker_goes_on(server: StartServer) -> None:
    running = server()
    worker = worker_of(running)
    room = eventually(lambda: settled_files_of(worker)) + 20
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (room, room))
    with silent(running, 30):
        eventually(lambda: answers_within(running, READ_S), within_s=60)
    assert answers_within(running, READ_S)
    assert worker_of(running) == worker


def test_idle_connections_are_the_first_to_go(server: StartServer) -> None:
    running = server(under=["prlimit", "--nofile=128:128", "--"], GEXEC_SLOTS="1", GEXEC_THREADS="10", GEXEC_QUEUE="1")
    kept = http.client.HTTPConnection("127.0.0.1", running.port, timeout=ANSWER_S)
    with silent(running, 100) as flood, closing(kept):
        kept.request("GET", "/ping")
        kept.getresponse().read()
        # One that has a request is not idle.
        busy = sent(running, "import time\ntime.sleep(3)\nprint('there')")
        assert answers_within(running, READ_S)
        assert flood[0].recv(1) == b"", "the oldest was closed"
        assert b'"there\\n"' in b"".join(iter(partial(busy.recv, 4096), b""))
        busy.close()


def test_a_connection_that_speaks_late_is_answered(plain_server: RunningServer) -> None:
    client = http.client.HTTPConnection("127.0.0.1", plain_server.port, timeout=ANSWER_S)
    client.connect()
    time.sleep(1)
    client.request("GET", "/ping")
    assert client.getresponse().status == 200
    client.close()


def test_a_silent_connection_is_ended_and_does_not_hold_a_stop_up(server: StartServer) -> None:
    running = server()
    with silent(running, 1):
        eventually(lambda: files_of(worker_of(running)))
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < READ_S + 10
