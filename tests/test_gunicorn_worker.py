"""What serve/worker.py takes for granted of the pinned gunicorn beyond its documented hooks.

A test that fails here names what another version of gunicorn no longer has.
"""

from __future__ import annotations

import inspect
import socket

import pytest
from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.base import Worker as BaseWorker
from gunicorn.workers.gthread import ThreadWorker

from serve import gunicorn_config
from serve.worker import Worker
from testkit.servers import PROJECT

PINNED = "27.0.1"


def source_of(what: object) -> str:
    return inspect.getsource(what)  # type: ignore[arg-type]  # gunicorn has no types


def test_the_version_is_the_one_that_was_read() -> None:
    pinned = next(line for line in (PROJECT / "requirements.txt").read_text().splitlines() if "gunicorn==" in line)
    assert pinned.split()[0] == f"gunicorn=={PINNED}", "read serve/worker.py beside the new gthread.py, then go on"


def test_the_worker_has_what_is_overridden_or_called() -> None:
    overridden = (
        "init_process",
        "set_accept_enabled",
        "run",
        "enqueue_req",
        "finish_request",
        "murder_pending",
        "_cap_keepalive",
    )
    for name in (*overridden, "accept"):
        assert callable(getattr(ThreadWorker, name, None)), f"ThreadWorker.{name} is gone"
        assert name in vars(ThreadWorker), f"ThreadWorker.{name} is inherited now"
    taken = inspect.signature(BaseWorker.__init__).parameters
    assert {"ppid", "sockets"} <= set(taken), "Worker.ppid or Worker.sockets is gone"
    made = source_of(ThreadWorker.__init__) + source_of(ThreadWorker.init_process)
    for name in ("poller", "method_queue", "keepalived_conns", "nr_conns", "_accepting"):
        assert f"self.{name} = " in made, f"ThreadWorker.{name} is gone"


def test_a_worker_that_stops_disables_accepting_in_its_own_thread() -> None:
    run = source_of(ThreadWorker.run)
    after_the_loop = run.split("while self.alive:")[-1]
    assert "self.set_accept_enabled(False)" in after_the_loop, "ThreadWorker.run no more calls set_accept_enabled"
    assert after_the_loop.index("set_accept_enabled(False)") < after_the_loop.index("while self.nr_conns > 0")


def test_how_long_kept_connections_stay_at_a_stop_is_asked_once_and_can_be_longer() -> None:
    assert "self._cap_keepalive(" in source_of(ThreadWorker.run).split("while self.alive:")[-1], "it is asked elsewhere"
    assert "conn.timeout = min(conn.timeout," in source_of(ThreadWorker.finish_request), "it sets the time elsewhere"


def test_the_graceful_timeout_is_read_when_a_stop_begins() -> None:
    assert "self.cfg.graceful_timeout" in source_of(Arbiter.stop), "the arbiter reads it elsewhere"
    assert "self.cfg.graceful_timeout" in source_of(ThreadWorker.run), "the worker reads it elsewhere"
    assert "self.settings[name].get()" in source_of(Config.__getattr__), "a setting is no more asked each time"


def test_connections_come_from_accept_and_are_read_by_recv() -> None:
    accept = source_of(ThreadWorker.accept)
    assert "listener.accept()" in accept, "ThreadWorker.accept no more accepts by itself"
    assert "self.enqueue_req(conn)" in accept, "ThreadWorker.accept no more calls enqueue_req"
    assert "self.sock.recv(" in source_of(SocketUnreader.chunk), "SocketUnreader no more reads with sock.recv"
    assert "sock.sendall(" in source_of(util.write), "util.write no more writes with sock.sendall"


def test_an_application_is_given_its_clients_socket() -> None:
    assert '"gunicorn.socket": sock' in source_of(wsgi.default_environ), "environ has no more gunicorn.socket"


def test_an_answer_begins_with_the_byte_that_may_be_sent_ahead() -> None:
    status_line = '"HTTP/%s.%s %s\\r\\n"'
    assert status_line in source_of(wsgi.Response.default_headers), "Response no more begins with HTTP/"
    assert "util.write(self.sock" in source_of(wsgi.Response.send_headers), "Response no more writes its head with util"


def test_whatever_comes_on_a_connection_goes_through_enqueue_req() -> None:
    assert "self.enqueue_req(conn)" in source_of(ThreadWorker.on_client_socket_readable), "a kept one does not"
    assert "tpool.submit(self.handle, conn)" in source_of(ThreadWorker.enqueue_req), "it starts no thread"
    assert "self.finish_request, conn, fut" in source_of(ThreadWorker.enqueue_req), "it does not finish"
    handle = source_of(ThreadWorker.handle)
    assert "if not conn.initialized and not conn.data_ready:" in handle, "handle waits for what is here"


def test_the_poller_is_used_in_one_thread() -> None:
    """What closes connections is called between two turns of the loop, and never while events are gone through."""
    loop = source_of(ThreadWorker.run)
    for part in loop.split("self.wait_for_and_dispatch_events(")[1:]:
        assert "self.murder_pending()" in part, "murder_pending is not called after the events"
    assert "self.set_accept_enabled(can_accept)" in loop.split("self.wait_for_and_dispatch_events(")[0]
    assert "self.method_queue.defer(self.finish_request" in source_of(ThreadWorker.enqueue_req)


def test_a_body_is_asked_for_by_the_flag_that_is_cleared() -> None:
    assert "if req._expected_100_continue:" in source_of(wsgi.create), "100 Continue is sent twice"


def test_errors_of_the_protocol_are_written_by_write_error() -> None:
    assert "util.write_error(" in source_of(BaseWorker.handle_error), "Worker.handle_error no more calls write_error"
    written = list(inspect.signature(util.write_error).parameters)
    assert written == ["sock", "status_int", "reason", "mesg"], "util.write_error takes something else"


def test_the_worker_is_gunicorns_with_nothing_else_overridden() -> None:
    own = {name for name in vars(Worker) if callable(vars(Worker)[name]) and name in dir(ThreadWorker)}
    assert own - {"__init__", "__doc__"} == {
        "init_process",
        "set_accept_enabled",
        "run",
        "enqueue_req",
        "finish_request",
        "murder_pending",
        "_cap_keepalive",
    }


def test_a_listening_socket_is_closed_only_after_its_backlog_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[socket.socket] = []

    def accept(worker: Worker, listener: socket.socket) -> None:
        taken.append(listener.accept()[0])
        worker.nr_conns += 1

    monkeypatch.setattr(ThreadWorker, "accept", accept)
    worker = Worker.__new__(Worker)
    listener = socket.create_server(("127.0.0.1", 0))
    worker.sockets, worker.nr_conns = [listener], 0
    clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
    worker._close_listeners()
    assert len(taken) == 3
    assert listener.fileno() == -1
    for connection in (*taken, *clients):
        connection.close()


def test_the_headers_that_a_hook_has_changed_are_those_of_the_environ() -> None:
    assert "for hdr_name, hdr_value in req.headers" in source_of(wsgi.create), "Request.headers is not what counts"
    handled = source_of(ThreadWorker.handle_request)
    assert handled.index("self.cfg.pre_request(") < handled.index("wsgi.create("), "the head is taken before the hook"


def test_no_line_is_put_together_for_a_request() -> None:
    logger = object.__new__(gunicorn_config.logger_class)
    # It has neither an answer nor a request to look at.
    logger.access(None, None, None, None)
