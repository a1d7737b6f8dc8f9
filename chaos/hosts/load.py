"""Executions at a steady rate, to one web server or another, and what their callers were told."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from testkit.servers import Answer, RunningServer
from testkit.sightings import PROGRAM

_API, _EXECUTE = "/api/v1/executions", "/execute"
_AT_ONCE = 128
_ANSWER_S = 200.0
_LONGEST_S = 4.0
_SHORTEST_S = 0.4
"""So long that the recorder sees it."""
_numbers = itertools.count()


@dataclass
class Sent:
    """One execution that somebody asked for. Times are monotonic."""

    mark: str
    seconds: float
    kind: str
    began: float
    ended: float = 0.0
    status: int | None = None
    """None where the connection broke."""
    told: Any = None
    retry_after: str | None = None
    broken: str = ""

    @property
    def execution_id(self) -> str | None:
        """Of the row that was promised."""
        return self.told["id"] if self.status in {200, 202} and "id" in self.told else None

    @property
    def is_good(self) -> bool:
        """Whether it was accepted, or ran and printed what it does."""
        if self.kind == "execute":
            return self.status == 200 and self.told == _RIGHT
        ran = self.status == 200 and self.told["outcome"] == "ok"
        return ran or (self.kind == "background" and self.status == 202)

    def __str__(self) -> str:
        said = f"{self.status} {str(self.told)[:300]}" if self.status else f"no answer ({self.broken})"
        return f"{self.kind} {self.mark} of {self.seconds:.1f} s, after {self.ended - self.began:.1f} s: {said}"


_RIGHT = {"stdout": "begun\n", "stderr": "", "exit_code": 0, "error": ""}
_KINDS = ("background", "background", "background", "batch", "tests", "waits", "execute")


def send(web: RunningServer, kind: str, seconds: float) -> Sent:
    """Ask for one, and tell what came of it."""
    sent = Sent(f"mark-{os.getpid()}-{next(_numbers)}", seconds, kind, time.monotonic())
    try:
        answer = _asked(web, sent)
    except (OSError, http.client.HTTPException) as error:
        sent.broken = f"{type(error).__name__}: {error}"
    else:
        sent.told, sent.retry_after = answer.json(), answer.headers.get("Retry-After")
        sent.status = answer.status
    sent.ended = time.monotonic()
    return sent


def _asked(web: RunningServer, sent: Sent) -> Answer:
    source = PROGRAM.format(mark=sent.mark, seconds=sent.seconds)
    body: dict[str, Any] = {"language": "python", "source_code": source}
    if sent.kind == "execute":
        return web.request(_EXECUTE, body, timeout_s=_ANSWER_S)
    if sent.kind == "tests":
        body |= {"tests": [{"expected_stdout": "begun\n"}] * 2}
    if sent.kind in {"background", "batch"}:
        body |= {"wait": False, "priority": "batch" if sent.kind == "batch" else "interactive"}
        sent.kind = "background"
    headers = {"Content-Type": "application/json"}
    return web.request(_API, body, headers=headers, timeout_s=_ANSWER_S)


class Load:
    """A context manager: inside it, executions are sent."""

    def __init__(self, webs: Callable[[], list[RunningServer]], *, rate: float, seed: int) -> None:
        """`rate` is how many begin in a second."""
        self.sent: list[Sent] = []
        self._webs = webs
        self._rate = rate
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="caller")
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Load:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._clock.join()
        self._threads.shutdown()

    def _tick(self) -> None:
        while not self._over.wait(self._chance.expovariate(self._rate)):
            web = self._chance.choice(self._webs())
            kind = self._chance.choice(_KINDS)
            self._threads.submit(self._send, web, kind, self._chance.uniform(_SHORTEST_S, _LONGEST_S))

    def _send(self, web: RunningServer, kind: str, seconds: float) -> None:
        self.sent.append(send(web, kind, round(seconds, 2)))
