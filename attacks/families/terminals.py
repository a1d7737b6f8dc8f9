"""Programs that were given a terminal, and clients that talk to one: what the kernel does for it is nobody's time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks.attack import GUESTS, PRELUDES, Report
from attacks.client import Client
from attacks.websocket import Closed, Refused, WebSocket

_PATH = "/api/v1/executions/ws"
_ANSWER_S = 60.0
_FLOOD_S = 2.0
_KERNEL_SHARE = 0.5
"""Of a processor, that the kernel's threads may take for one terminal: the runner's pauses leave them a fifth, and this
machine has other work for them."""
_TICKS = 100
"""A second has so many, in what the kernel tells programs."""


def _nothing(_: WebSocket) -> None:
    return None


def _types(text: str, times: int) -> Callable[[WebSocket], None]:
    def type_it(connection: WebSocket) -> None:
        message = json.dumps({"type": "stdin", "text": text})
        for _ in range(times):
            connection.send(message)

    return type_it


def _resizes(connection: WebSocket) -> None:
    for number in range(20_000):
        connection.send(json.dumps({"type": "resize", "cols": 1 + number % 1000, "rows": 24}))


@dataclass(frozen=True, slots=True)
class TerminalAttack:
    """A guest on a terminal; what its client does meanwhile; and what the kernel's threads took for it."""

    name: str
    tries: str
    kind: str
    """Which of the guest's floods."""
    meanwhile: Callable[[WebSocket], None] = _nothing
    reads: bool = True
    """Whether its client acknowledges what is printed."""

    def perform(self, client: Client) -> Report:
        """Let it go on for some seconds, and see that a clean program is answered meanwhile."""
        url = client.url.replace("http", "ws", 1) + _PATH
        try:
            connection = WebSocket(url)
        except Refused as refused:
            return Report("skipped", skipped=f"no interactive executions here: {refused}")
        with connection:
            seen = _Seen(connection, reads=self.reads)
            connection.send(json.dumps(_start(self.kind)))
            seen.wait_for("READY")
            before, began = kernel_ticks(), time.monotonic()
            attacking = threading.Thread(target=self._attack, args=(connection,), daemon=True)
            attacking.start()
            problem = client.clean_program_problem()
            time.sleep(max(0.0, began + _FLOOD_S - time.monotonic()))
            used_s, took_s = kernel_s_since(before), time.monotonic() - began
            seen.wait_for("DONE" if self.reads else "READY")
        problems = [problem] if problem else []
        problems += [line for line in seen.text.splitlines() if "BREACH" in line]
        if client.is_local and used_s > _KERNEL_SHARE * took_s:
            problems.append(f"the kernel's threads took {used_s:.1f} s in {took_s:.1f} s")
        return Report(f"kernel {used_s / took_s:.2f} of a processor", tuple(problems))

    def _attack(self, connection: WebSocket) -> None:
        with suppress(Closed):
            self.meanwhile(connection)


class _Seen:
    """What was printed, read in a thread of its own."""

    def __init__(self, connection: WebSocket, *, reads: bool) -> None:
        self.text = ""
        self._connection, self._reads = connection, reads
        self._over = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, word: str) -> None:
        """Raises TimeoutError."""
        until = time.monotonic() + _ANSWER_S
        while word not in self.text:
            if self._over.is_set() or time.monotonic() > until:
                raise TimeoutError(f"no {word} after {self.text[-1500:]!r}")
            time.sleep(0.05)

    def _read(self) -> None:
        with suppress(Closed):
            for message in self._messages():
                if message["type"] == "output":
                    # The flood itself is not looked at.
                    text = message.get("text", "")
                    self.text += text if len(text) < 4000 else text[:200] + text[-200:]
                    if self._reads:
                        self._connection.send(json.dumps({"type": "ack", "seq": message["seq"]}))
                elif message["type"] in {"error", "execution.finished"}:
                    self.text += json.dumps(message)
        self._over.set()

    def _messages(self) -> Iterator[dict[str, Any]]:
        for text in self._connection:
            yield json.loads(text)


def _start(kind: str) -> dict[str, Any]:
    source = "".join((GUESTS / name).read_text() for name in (PRELUDES["python"], "terminal_floods.py"))
    execution = {"language": "python", "source_code": source.replace("@KIND@", kind)}
    return {"type": "start", "execution": execution, "tty": {"cols": 80, "rows": 24}}


def kernel_ticks() -> dict[str, int]:
    """Processor time of each of the kernel's workers, of which some come and go."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                name, _, rest = (entry / "stat").read_text().rpartition(")")
                if "(kworker" in name:
                    found[entry.name] = sum(map(int, rest.split()[11:13]))
    return found


def kernel_s_since(before: dict[str, int]) -> float:
    """What all of them took since then, in seconds."""
    return sum(max(0, ticks - before.get(pid, 0)) for pid, ticks in kernel_ticks().items()) / _TICKS


ATTACKS = (
    TerminalAttack("single bytes", "a program prints byte by byte", "single bytes"),
    TerminalAttack("writes and flushes", "a program prints, and throws away what it printed", "flushes"),
    TerminalAttack("tabs and backspaces", "a program prints what the line discipline works on", "tabs"),
    TerminalAttack("modes and sizes", "a program sets modes, sizes and its foreground, and opens", "calls"),
    TerminalAttack("unread input", "a client types what nobody reads", "never reads", _types("x" * 65_536, 4)),
    TerminalAttack(
        "^C", "a client types it as fast as it goes, at forty", "ignored signals", _types("\x03" * 4096, 64)
    ),
    TerminalAttack("sizes from without", "a client changes the size as fast as it goes", "never reads", _resizes),
    TerminalAttack("unread output", "a client does not read what is printed", "single bytes", reads=False),
)
