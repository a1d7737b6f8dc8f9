"""More requests than there is room for: the surplus is refused at once, and whatever runs no program is answered."""

from __future__ import annotations

import time

from testkit.waiting import eventually
from tests.conftest import StartServer
from tests.test_hanging_up import SLEEPER, close, sent, states


def test_with_every_place_taken_the_next_is_refused_at_once_and_ping_answers(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="1", GEXEC_QUEUE="2", GEXEC_THREADS="11", GEXEC_WAIT_MS="60000")
    waiting = [sent(running, SLEEPER) for _ in range(3)]
    eventually(lambda: sorted(states(running)) == ["queued", "queued", "running"])
    # The rows are there a moment before their threads stand in line.
    time.sleep(0.3)
    began = time.monotonic()
    refused = [running.execute("print(1)") for _ in range(5)]
    assert running.request("/ping").body == b'{"status":"ok"}'
    assert running.request("/metrics").status == 200
    assert time.monotonic() - began < 3
    assert {answer.status for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    for client in waiting:
        close(client)


def test_one_caller_keeps_nobody_out(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="4", GEXEC_RATE_LIMIT="off", GEXEC_TRUSTED_PROXIES="1")
    flood = [sent(running, SLEEPER, address="192.0.2.1") for _ in range(8)]
    eventually(lambda: sorted(states(running)) == ["queued"] * 5 + ["running"] * 3)
    for address in ("192.0.2.2", "192.0.2.3", "2001:db8::1"):
        with sent(running, "print(1)", address=address) as client:
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    for client in flood:
        close(client)
