"""What can be done to a house, and how each is undone."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import docker.errors

from chaos.house import House, signal_all
from testkit.servers import STOP_S
from testkit.waiting import last_seen

Undo = Callable[[], object]
Part = Callable[[House], list[int]]
"""Finds processes."""

RECOVERY_S = 60.0
"""From the end of a fault to the next right answer, on a machine that is busy with something else as well. The longest
on the way: a server that ends its programs, and is started again with a database to recover."""
_GIVEN_UP_S = 75.0
"""gunicorn ends a worker that it has not heard of for a minute, and looks again within a few seconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault."""

    name: str
    begin: Callable[[House, int], Undo]
    """Do it to the target of this number, counted around; gives what ends it."""
    longest_s: float = 0.0
    holds_answers: bool = False
    """Whether answers wait while it lasts: the process that would give them is the one that stands still."""
    breaks_connections: bool = False
    """Whether connections may end without an answer: the process that has them ends, or nobody listens."""
    is_long: bool = False
    """Whether it takes more than a minute by itself: only where it is asked for by name."""


def _nothing() -> None:
    """What is dead stays dead."""


def _killed(part: Part, house: House, choice: int) -> Undo:
    signal_all(_one(part(house), choice), signal.SIGKILL)
    return _nothing


def _all_killed(house: House, choice: int) -> Undo:
    signal_all([*house.supervisor, *house.arbiter, *house.workers, *house.database], signal.SIGKILL)
    return _nothing


def _stopped(house: House, choice: int) -> Undo:
    """As an operator does it, who starts it again when it has ended."""
    running = house.running
    signal_all(house.supervisor, signal.SIGTERM)
    return lambda: last_seen(lambda: house.running is not running, within_s=STOP_S)


def _frozen(part: Part, house: House, choice: int) -> Undo:
    return _freeze(_one(part(house), choice))


def _all_frozen(part: Part, house: House, choice: int) -> Undo:
    return _freeze(part(house))


def _freeze(pids: list[int]) -> Undo:
    signal_all(pids, signal.SIGSTOP)
    return partial(signal_all, list(reversed(pids)), signal.SIGCONT)


def _container_killed(house: House, choice: int) -> Undo:
    for container in _one(house.containers, choice):
        with contextlib.suppress(docker.errors.APIError):  # It may be gone already.
            house.docker.kill(container)
    return _nothing


def _container_removed(house: House, choice: int) -> Undo:
    for container in _one(house.containers, choice):
        with contextlib.suppress(docker.errors.APIError):
            house.docker.remove_container(container, force=True)
    return _nothing


def _container_paused(house: House, choice: int) -> Undo:
    chosen = _one(house.containers, choice)
    for container in chosen:
        with contextlib.suppress(docker.errors.APIError):
            house.docker.pause(container)

    def undo() -> None:
        for container in chosen:
            with contextlib.suppress(docker.errors.APIError):  # The server may have removed it.
                house.docker.unpause(container)

    return undo


def _engine_hangs(house: House, choice: int) -> Undo:
    house.proxy.hang()
    return house.proxy.go_on


def _engine_is_away(house: House, choice: int) -> Undo:
    house.proxy.go_away()
    return house.proxy.come_back


def _engine_is_late(house: House, choice: int) -> Undo:
    house.proxy.be_late(0.2 + choice % 10 / 5)
    return house.proxy.go_on


def _engine_drops(house: House, choice: int) -> Undo:
    house.proxy.drop()
    return _nothing


def _disk_is_full(house: House, choice: int) -> Undo:
    if not house.own_disk:
        return _nothing
    return partial(house.fill_disk().unlink, missing_ok=True)


def _clients_reset(house: House, choice: int) -> Undo:
    """A crowd that connects, sends half a request, and resets."""
    for _ in range(100 + choice % 100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", house.port), timeout=5) as client:
            client.sendall(b"POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return _nothing


def _clients_are_silent(house: House, choice: int) -> Undo:
    """A crowd that connects, and says nothing for as long as it lasts."""
    crowd = []
    for _ in range(200 + choice % 200):
        with contextlib.suppress(OSError):
            crowd.append(socket.create_connection(("127.0.0.1", house.port), timeout=1))

    def undo() -> None:
        for client in crowd:
            client.close()

    return undo


def _one(found: list, choice: int) -> list:  # type: ignore[type-arg]  # ids of whatever is chosen from
    return [found[choice % len(found)]] if found else []


def _kill(name: str, part: Part, *, breaks_connections: bool = False) -> Fault:
    return Fault(f"{name}-killed", partial(_killed, part), breaks_connections=breaks_connections)


ALL = (
    _kill("worker", lambda house: house.workers, breaks_connections=True),
    _kill("arbiter", lambda house: house.arbiter, breaks_connections=True),
    _kill("supervisor", lambda house: house.supervisor, breaks_connections=True),
    _kill("postmaster", lambda house: house.postmaster),
    _kill("backend", lambda house: house.backends),
    _kill("runner", lambda house: house.runners),
    Fault("all-killed", _all_killed, breaks_connections=True),
    Fault("stopped", _stopped, breaks_connections=True),
    Fault("worker-frozen", partial(_frozen, lambda house: house.workers), 12, holds_answers=True),
    Fault(
        "worker-given-up",
        partial(_frozen, lambda house: house.workers),
        _GIVEN_UP_S,
        holds_answers=True,
        breaks_connections=True,
        is_long=True,
    ),
    Fault("arbiter-frozen", partial(_frozen, lambda house: house.arbiter), 12),
    Fault("supervisor-frozen", partial(_frozen, lambda house: house.supervisor), 12),
    Fault("postmaster-frozen", partial(_frozen, lambda house: house.postmaster), 12),
    Fault("database-frozen", partial(_all_frozen, lambda house: house.database), 12),
    Fault("backend-frozen", partial(_frozen, lambda house: house.backends), 20),
    Fault("runner-frozen", partial(_frozen, lambda house: house.runners), 20),
    Fault("container-killed", _container_killed),
    Fault("container-removed", _container_removed),
    Fault("container-paused", _container_paused, 20),
    Fault("engine-hangs", _engine_hangs, 25),
    Fault("engine-is-away", _engine_is_away, 20),
    Fault("engine-is-late", _engine_is_late, 15),
    Fault("engine-drops", _engine_drops),
    Fault("disk-is-full", _disk_is_full, 15),
    Fault("clients-reset", _clients_reset),
    Fault("clients-are-silent", _clients_are_silent, 8),
)
NAMED = {fault.name: fault for fault in ALL}
