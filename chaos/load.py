"""Callers that send one program after another for as long as it is wished, each in its manner."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.journal import Asked, Journal
from chaos.programs import PROGRAMS, Manner, Program

ANSWER_WAIT_S = 300.0
"""A client gives up here. Every answer has a bound far below it: what reaches this hangs."""
_REFUSED_PAUSE_S = 0.25
"""After a connection that was not made: the server is being started again."""
_PATIENCE_S = 1.5
"""How long those who hang up wait before they do."""
_SLOW_S = 3.0
"""How long a slow body takes; far less than a request may."""
_PIECES = 10
_API = "/api/v1/executions"
_ACCEPTED, _OK, _UNAVAILABLE = 202, 200, 503
_LOOK_S = 5
"""How long one who comes back for a result waits for it each time."""


class Load:
    """A context manager: inside it, the callers are at work."""

    def __init__(self, port: int, journal: Journal, *, keys: Sequence[str | None], callers: int, seed: int) -> None:
        """Each caller has one of the keys, or none, in turn."""
        self._port = port
        self._journal = journal
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(keys[number % len(keys)], seed * 1000 + number), daemon=True)
            for number in range(callers)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        deadline = time.monotonic() + ANSWER_WAIT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def hanging(self) -> int:
        """How many callers wait still."""
        return sum(thread.is_alive() for thread in self._threads)

    def _call(self, key: str | None, seed: int) -> None:
        chance = random.Random(seed)
        while not self._over.is_set():
            asked = ask(self._port, chance.choice(PROGRAMS), key=key)
            self._journal.add(asked)
            if asked.is_refused:
                self._over.wait(_REFUSED_PAUSE_S)


def ask(port: int, program: Program, *, key: str | None = None) -> Asked:
    """Send the program in its manner, and tell what came of it."""
    asked = Asked(program)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WAIT_S)
    try:
        with contextlib.closing(connection):
            _send(connection, asked, key)
            _receive(connection, asked)
        if program.manner is Manner.COMES_BACK and asked.status == _ACCEPTED:
            _come_back(port, asked, key)
    except (OSError, http.client.HTTPException) as error:
        asked.broken = f"{type(error).__name__}: {error}"
    asked.ended = time.monotonic()
    return asked


def _send(connection: http.client.HTTPConnection, asked: Asked, key: str | None) -> None:
    body = json.dumps(asked.program.body(asked.mark)).encode()
    connection.putrequest("POST", _API if asked.program.manner is Manner.COMES_BACK else "/execute")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    if key:
        connection.putheader("Authorization", f"Api-Key {key}")
    connection.endheaders()
    manner = asked.program.manner
    if manner in {Manner.SLOW, Manner.STALLS}:
        size = len(body) // _PIECES + 1
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        for piece in pieces[: None if manner is Manner.SLOW else _PIECES // 2]:
            connection.send(piece)
            time.sleep(_SLOW_S / _PIECES)
    else:
        connection.send(body)


def _receive(connection: http.client.HTTPConnection, asked: Asked) -> None:
    if asked.program.manner in {Manner.HANGS_UP, Manner.RESETS}:
        time.sleep(_PATIENCE_S)
        if asked.program.manner is Manner.RESETS:
            # Closing sends a reset instead of what is left.
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        asked.broken = asked.program.manner
        return
    response = connection.getresponse()
    content = response.read()
    asked.execution_id = response.headers.get("X-Execution-Id")
    asked.answer = json.loads(content)
    asked.status = response.status


def _come_back(port: int, asked: Asked, key: str | None) -> None:
    """Ask for the result of what was accepted until there is one, whatever happens to the server meanwhile."""
    accepted = asked.answer
    path = f"{accepted['links']['self']}?wait={_LOOK_S}&access_token={accepted.get('access_token', '')}"
    headers = {"Authorization": f"Api-Key {key}"} if key else {}
    while time.monotonic() - asked.began < ANSWER_WAIT_S:
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WAIT_S)) as connection:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                told = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(_REFUSED_PAUSE_S)
            continue
        if response.status == _OK and told["status"] == "finished":
            asked.status, asked.answer = _as_executed(told)
            return
        if response.status not in {_OK, _UNAVAILABLE}:
            asked.status, asked.answer = response.status, {"error": str(told)}
            return
        time.sleep(_REFUSED_PAUSE_S)
    asked.broken = f"accepted, and not ended within {ANSWER_WAIT_S:.0f} s"
    asked.status = None


def _as_executed(told: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """The same as POST /execute would have answered."""
    run = told["run"] or {"stdout": "", "stderr": "", "exit_code": None}
    code = -1 if run["exit_code"] is None else run["exit_code"]
    answer = {"stdout": run["stdout"], "stderr": run["stderr"], "exit_code": code, "error": told["error"]}
    return {"sandbox_error": 500, "cancelled": _UNAVAILABLE}.get(told["outcome"], _OK), answer
