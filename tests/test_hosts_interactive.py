"""Programs that somebody talks to, on hosts: as on one machine, whatever lies between."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from testkit.databases import create_database, database_url
from testkit.hosts import Fleet, fleet
from testkit.processes import workers
from testkit.servers import RunningServer, clean_environment, start_server
from testkit.waiting import eventually
from tests.talking import Talk, talk
from tests.test_interactive import final_row, row

ENDLESS = "import time\nprint('on', flush=True)\ntime.sleep(600)"


@pytest.fixture(scope="module")
def hosts(prepared_data_dir: Path) -> Iterator[Fleet]:
    with fleet("talked", slots=4) as made:
        yield made


@pytest.fixture(scope="module")
def house(hosts: Fleet, prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    create_database(prepared_postgres, "hosts_talked", "gexec")
    running = start_server(
        tmp_path_factory.mktemp("hosts_talked"),
        clean_environment(
            DATABASE_URL=database_url(prepared_postgres, "hosts_talked"),
            GEXEC_NATS_URL=hosts.url,
            GEXEC_SLOTS="4",
            GEXEC_INTERACTIVE="3",
            GEXEC_CALLER_SHARE="1",
            GEXEC_INTERACTIVE_DETACH_S="1",
            GEXEC_WAIT_MS="60000",
        ),
    )
    try:
        running.wait_ready()
        eventually(lambda: running.request("/readyz").status == 200)
        yield running
    finally:
        running.stop()


@pytest.fixture
def talked(house: RunningServer) -> Iterator[Talk]:
    with talk(house.port) as connection:
        yield connection


def test_a_shell_on_a_host_has_a_window_signals_and_an_end(house: RunningServer, talked: Talk) -> None:
    talked.shell()
    talked.until("$ ")
    talked.say("resize", cols=132, rows=50)
    talked.type("stty size\n")
    talked.until("50 132\r\n")
    # What is typed is shown before the shell has read it: ^C is for a program that runs.
    talked.type("sh -c 'echo sleeps; exec sleep 600'\n")
    talked.until("sleeps\r\n")
    talked.type("\x03")
    talked.until("$ ")
    talked.type("echo $?\n")
    talked.until("130\r\n")
    talked.type("trap 'echo told' USR1; read line\n")
    talked.until("line\r\n")
    talked.say("signal", signal="SIGUSR1")
    talked.until("told\r\n")
    talked.type("\nexit 3\n")
    execution = talked.end()
    assert (talked.code, execution["outcome"], execution["run"]["exit_code"]) == (1000, "nonzero_exit", 3)
    assert "50 132" in row(house, talked)["run"]["stdout"]


def test_megabytes_are_typed_read_and_shown_in_turns(house: RunningServer, talked: Talk) -> None:
    """More than any window, both ways: each side waits for the other, and nothing is lost or held."""
    source = "import sys\nfor line in sys.stdin: print(line.strip() * 2)\nprint('end')"
    talked.start(source)
    talked.until_told("window")
    sent = 0
    piece = "x" * 8191 + "\n"
    while sent < 128:
        while talked.room < len(piece):
            assert talked.next() is not None
        talked.room -= len(piece)
        talked.type(piece)
        sent += 1
    talked.say("stdin_close")
    execution = talked.end()
    assert (talked.code, execution["outcome"]) == (1000, "ok")
    assert len(talked.output()) == 128 * (2 * 8191 + 1) + len("end\n")
    assert set(talked.output().split()) == {b"x" * 2 * 8191, b"end"}


def test_who_does_not_acknowledge_stops_the_program(talked: Talk) -> None:
    talked.acknowledges = False
    talked.start("import sys\nfor number in range(4096): print(f'{number:1023d}')")
    talked.until_told("step.started")
    with suppress(TimeoutError):
        while talked.next(timeout_s=2):
            pass
    assert not talked.code
    assert len(talked.output()) <= 512 * 1024
    talked.acknowledges = True
    talked.say("ack", seq=talked.after)
    assert talked.end()["outcome"] == "ok"
    assert talked.output().split() == [str(number).encode() for number in range(4096)]


def test_who_comes_back_has_the_same_bytes_and_who_does_not_is_hung_up_on(house: RunningServer) -> None:
    source = "import signal, time\nsignal.signal(1, lambda *_: exit('hung up'))\nprint(input())\ntime.sleep(600)"
    with talk(house.port, leaves_it=True) as talked:
        talked.start(source, tty=True)
        talked.type("typed\n")
        talked.until("typed\r\n")
    with talk(house.port, leaves_it=True, protocols=("gexec.v1", f"gexec.token.{talked.token}")) as again:
        again.say("attach", id=talked.id, after=-1)
        again.until("typed\r\ntyped\r\n")
        again.id, again.token = talked.id, talked.token
    ended = final_row(house, again)
    assert (ended["outcome"], ended["run"]["exit_code"]) == ("nonzero_exit", 1)
    assert "hung up" in ended["run"]["stdout"]


def test_a_host_that_is_lost_ends_it(house: RunningServer, hosts: Fleet, talked: Talk) -> None:
    talked.start(ENDLESS)
    talked.until("on")
    hosts.hosts["talked"].kill()
    hosts.start_host("talked", slots=4)
    execution = talked.end()
    assert (execution["outcome"], execution["attempt"]) == ("sandbox_error", 1)


def test_a_web_process_that_is_lost_ends_it_in_words(house: RunningServer) -> None:
    with talk(house.port, leaves_it=True) as talked:
        talked.start(ENDLESS)
        talked.until("on")
        for pid in workers(house.pid):
            os.kill(pid, signal.SIGKILL)
        while talked.next() is not None:
            pass
    house.wait_ready()
    ended = eventually(lambda: final_row(house, talked), within_s=90)
    assert (ended["status"], ended["outcome"], ended["run"]["stdout"]) == ("finished", "cancelled", "on\n")
    assert "the server process that passed on what was typed has ended" in ended["error"]
