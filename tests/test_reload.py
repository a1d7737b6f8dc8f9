"""A reload and a restart refuse no connection, lose no request, and end no program before its time."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from testkit.processes import arbiter, children, command, workers
from testkit.servers import Answer, RunningServer, free_port
from testkit.waiting import eventually
from tests.conftest import StartServer

HAS_LEFT = "gunicorn of before a reload has ended"
SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""What systemd does for a service with a socket unit: descriptor 3, and who may take it."""


class Load:
    """Requests one after the other, each on a connection of its own or all on one, until it is told to end."""

    def __init__(self, running: RunningServer) -> None:
        self.answered = 0
        self.wrong: list[str] = []
        self._running = running
        self._end = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._each_alone, self._each_alone, self._kept)]

    @contextmanager
    def going(self) -> Iterator[Load]:
        """Inside, it is on."""
        for thread in self._threads:
            thread.start()
        try:
            eventually(lambda: self.answered > 3)
            yield self
        finally:
            self._end.set()
            for thread in self._threads:
                thread.join()

    def goes_on(self, answers: int = 6) -> None:
        """Return when there are so many answers more."""
        so_far = self.answered
        eventually(lambda: self.answered > so_far + answers or self.wrong)

    def _each_alone(self) -> None:
        while not self._end.is_set():
            self._note(lambda: self._running.execute("print(6 * 7)").body)

    def _kept(self) -> None:
        """As a proxy does it: the connection is used until the server says that it will be closed."""
        connection = http.client.HTTPConnection("127.0.0.1", self._running.port, timeout=60)
        while not self._end.is_set():
            self._note(lambda: self._asked(connection))
            time.sleep(0.2)
        connection.close()

    def _asked(self, connection: http.client.HTTPConnection) -> bytes:
        body = json.dumps({"language": "python", "source_code": "print(6 * 7)"})
        connection.request("POST", "/execute", body)
        # One that is to be closed, http.client closes itself.
        return connection.getresponse().read()

    def _note(self, ask: Callable[[], bytes]) -> None:
        try:
            content = ask()
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(repr(error))
            return
        if json.loads(content).get("stdout") != "42\n":
            self.wrong.append(content.decode())
        self.answered += 1


def reloaded(running: RunningServer, *, times: int = 1) -> None:
    """Have it reload, and return when those of before are gone."""
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: running.log.count(HAS_LEFT) >= times, within_s=90)


def test_requests_go_on_through_a_reload_and_no_program_is_cut(server: StartServer) -> None:
    running = server(GEXEC_WORKERS="2", GEXEC_SHUTDOWN_GRACE_S="0")
    first = workers(running.pid)
    long: list[Answer] = []
    with Load(running).going() as load:
        program = "import time; print('begun', flush=True); time.sleep(6); print('done')"
        talk = threading.Thread(target=lambda: long.append(running.execute(program)))
        talk.start()
        load.goes_on()
        reloaded(running)
        talk.join()
        load.goes_on()
    assert load.wrong == []
    assert long[0].json()["stdout"] == "begun\ndone\n"
    now = workers(running.pid)
    assert len(now) == 2
    assert not set(first) & set(now)
    assert running.stop() == 0
    assert "Traceback" not in running.log


def test_where_nothing_new_comes_to_serve_the_old_goes_on(server: StartServer) -> None:
    running = server(embedded=True)
    first = workers(running.pid)

    def preparation() -> int | None:
        return next((child for child in children(running.pid) if "prepare" in command(child)), None)

    running.process.send_signal(signal.SIGHUP)
    found = eventually(preparation)
    assert found is not None
    os.kill(found, signal.SIGKILL)
    eventually(lambda: "the reload failed, and what served before goes on" in running.log)
    assert running.execute("print(1)").status == 200
    assert workers(running.pid) == first
    # The database's process is the other one.
    eventually(lambda: len(children(running.pid)) == 2)
    reloaded(running)
    assert running.execute("print(1)").status == 200


def test_a_stop_ends_those_that_leave_and_those_that_come_as_well(server: StartServer) -> None:
    running = server(GEXEC_SHUTDOWN_GRACE_S="1")
    asked = threading.Thread(target=lambda: answers.append(running.execute("import time; time.sleep(50)")))
    answers: list[Answer] = []
    asked.start()
    eventually(lambda: "gexec_slots_in_use 1" in metrics(running))
    first = arbiter(running.pid)
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reloaded: " in running.log, within_s=60)
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: running.log.count("reloading") > 1)
    assert running.stop() == 0
    asked.join()
    assert answers[0].json()["error"] == "execution cancelled: the server is shutting down"
    assert first is not None
    assert not Path(f"/proc/{first}").exists()


def metrics(running: RunningServer) -> str:
    return running.request("/metrics", headers={"Accept": "text/plain"}).body.decode()


def test_a_socket_of_systemd_holds_who_comes_between_a_stop_and_a_start(server: StartServer, tmp_path: Path) -> None:
    port, told = free_port(), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(60)
    with closing(told), socket.create_server(("127.0.0.1", port)) as listener:
        passed = listener.fileno()
        under = [sys.executable, "-c", SYSTEMD, str(passed)]
        told_at = str(tmp_path / "notify")

        def start(data_dir: Path | None = None, **env: str) -> RunningServer:
            return server(data_dir=data_dir, port=port, under=under, pass_fds=[passed], NOTIFY_SOCKET=told_at, **env)

        first = start()
        assert told.recv(100) == b"READY=1"
        reloaded(first)
        assert told.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert told.recv(100) == b"READY=1"
        assert first.stop() == 0
        assert told.recv(100) == b"STOPPING=1"
        answers: list[Answer] = []
        between = threading.Thread(target=lambda: answers.append(first.execute("print('held')")))
        between.start()
        start(data_dir=first.data_dir, DATABASE_URL=first.environment["DATABASE_URL"])
        between.join()
        assert answers[0].json()["stdout"] == "held\n"
