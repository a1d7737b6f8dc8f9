"""Connections that say nothing keep nobody out: not by threads, not by open files."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from serve.descriptors import MAX_CONNECTIONS, connections
from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer

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
    """The process that answers: the youngest of the server's."""
    return max(running.pids)


def files_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 (no Path can list it without a stat of each)


def answers_within(running: RunningServer, seconds: float) -> bool:
    began = time.monotonic()
    assert running.request("/ping", timeout_s=seconds).status == 200
    return time.monotonic() - began < seconds


def test_connections_leave_room_for_what_else_is_open() -> None:
    assert connections(20_000, threads=64) == MAX_CONNECTIONS
    assert connections(resource.RLIM_INFINITY, threads=64) == MAX_CONNECTIONS
    assert connections(1024, threads=64) == 768
    assert connections(64, threads=64) == 16


def test_a_low_soft_limit_is_raised_and_a_hundred_silent_clients_take_no_thread(server: StartServer) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    running = server(under=["prlimit", f"--nofile=64:{hard}", "--"], GEXEC_THREADS="4", GEXEC_QUEUE="1")
    worker = worker_of(running)
    assert resource.prlimit(worker, resource.RLIMIT_NOFILE) == (hard, hard)
    with silent(running, 100):
        assert answers_within(running, ANSWER_S)
        assert running.execute("print(1)", timeout_s=ANSWER_S).json()["stdout"] == "1\n"
    assert worker_of(running) == worker


def test_where_no_file_can_be_opened_the_worker_goes_on_and_the_longest_silent_go_first(server: StartServer) -> None:
    running = server()
    worker = worker_of(running)
    room = files_of(worker) + 20
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (room, room))
    with silent(running, 100) as clients:
        assert answers_within(running, ANSWER_S)
        assert clients[0].recv(1) == b""
    assert worker_of(running) == worker
    assert "no file can be opened for another connection" in running.log


def test_silent_connections_up_to_the_bound_make_room_for_one_more(server: StartServer) -> None:
    running = server(under=["prlimit", "--nofile=300:300", "--"])
    bound = connections(300, threads=64)
    with silent(running, bound + 20) as clients:
        assert answers_within(running, ANSWER_S)
        assert clients[0].recv(1) == b""


def test_a_connection_that_speaks_late_is_answered(server: StartServer) -> None:
    running = server()
    client = http.client.HTTPConnection("127.0.0.1", running.port, timeout=ANSWER_S)
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
        assert time.monotonic() - began < 8
