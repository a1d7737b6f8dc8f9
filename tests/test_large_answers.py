"""A large answer is made and sent piece by piece: the same bytes, and a bounded memory, whoever does not read it."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from benchmarks import soak
from executions.seed import answer
from executions.seed.answer import LARGE_BYTES, Answer
from testkit.processes import youngest
from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer

LOUD = "import sys\nsys.stdout.write('\\x01' * 1048576)\nsys.stderr.write('\\x01' * 1048576)"
"""As much as may be printed, of what is six times as long in JSON."""
WAVE = 6
GROWTH_MB = 25
"""One answer is 12 MB; without a bound, and with memory that is never given back, a wave left more than 100."""

printed = st.binary(max_size=60) | st.text(max_size=30).map(str.encode)


@settings(max_examples=40, deadline=None)
@given(printed, printed, st.integers(-1, 255), st.text(max_size=20).filter(str.isprintable))
def test_the_pieces_are_what_the_whole_would_be(stdout: bytes, stderr: bytes, exit_code: int, error: str) -> None:
    told = Answer(stdout, stderr, exit_code, error)
    with pytest.MonkeyPatch.context() as patch:
        for size in (1, 2, 3, 7):
            patch.setattr(answer, "_PIECE_BYTES", size)
            assert b"".join(told.pieces()) == JSONRenderer().render(told.fields)


def test_a_large_answer_has_its_length_and_keeps_its_connection(plain_server: RunningServer) -> None:
    text = 'aü€😀\u2028"\\\n\x00'
    count = 2 * LARGE_BYTES // len(text.encode())
    got = plain_server.execute(f"print({text!r} * {count}, end='')")
    assert got.body == JSONRenderer().render({"stdout": text * count, "stderr": "", "exit_code": 0, "error": ""})
    assert got.headers["Content-Length"] == str(len(got.body))
    assert got.headers["Content-Type"] == "application/json"
    small = plain_server.execute("print(1)")
    assert sorted(got.headers) == sorted(small.headers)


def unread(running: RunningServer, stack: ExitStack) -> None:
    """A client that has sent a program which prints a lot, and reads nothing."""
    body = json.dumps({"language": "python", "source_code": LOUD}).encode()
    client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=60))
    client.sendall(b"POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def test_answers_that_nobody_reads_take_a_bounded_memory_which_is_given_back(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="2", GEXEC_CALLER_SHARE="1", GEXEC_WAIT_MS="60000")
    worker = youngest(running.pids)
    after: list[int] = []
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(WAVE):
                unread(running, stack)
            # It stands behind all of them in the queue.
            assert running.request("/execute", {"language": "python", "source_code": "print(1)"}, timeout_s=90)
            assert running.request("/ping").status == 200
        time.sleep(1)
        after.append(soak.resident_mb(worker))
    # What the last of them left is let go when their connections are seen to be gone.
    last = eventually(lambda: soak.resident_mb(worker), until=lambda mb: mb <= after[0] + GROWTH_MB)
    assert last <= after[0] + GROWTH_MB
