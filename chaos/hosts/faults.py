"""What can be done to a town, and how each is undone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chaos.hosts.town import HOSTS, NATS, WEBS, Town, signal_all
from testkit import processes
from testkit.networks import FREE, Traffic

Undo = Callable[[], object]
_CUT = Traffic(passes=False)
_FAR = Traffic(late_s=0.02, lost=0.01)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault."""

    name: str
    begin: Callable[[Town, int], Undo]
    """Do it to the target of this number, counted around; gives what ends it."""
    longest_s: float = 0.0
    breaks_connections: bool = False
    """Whether a web server ends, and the connections that it has."""
    leaves_programs: bool = False
    """Whether programs compute on where nobody can end them: beside their second attempt, that is."""
    hides_begins: bool = False
    """Whether a host may begin a program, and nobody hear of it: then it goes to another as if it had not begun."""


def _host_killed(town: Town, choice: int) -> Undo:
    name = _one(HOSTS, choice)
    town.hosts[name].kill()
    return partial(town.start_host, name)


def _host_frozen(town: Town, choice: int) -> Undo:
    host = town.hosts[_one(HOSTS, choice)]
    host.signal(signal.SIGSTOP)
    return partial(host.signal, signal.SIGCONT)


def _host_upgraded(town: Town, choice: int) -> Undo:
    name = _one(HOSTS, choice)
    town.manage("hosts", "drain", town.host_name(name))

    def undo() -> None:
        town.hosts[name].stop()
        town.start_host(name, version="next")
        town.manage("hosts", "resume", town.host_name(name))

    return undo


def _line(speaks: Traffic, hears: Traffic, town: Town, choice: int) -> Undo:
    wire = town.network.wires[_one(HOSTS, choice)]
    wire.speaks, wire.hears = speaks, hears

    def undo() -> None:
        wire.speaks = wire.hears = FREE

    return undo


def _web_killed(town: Town, choice: int) -> Undo:
    name = _one(WEBS, choice)
    town.kill_web(name)
    return partial(town.start_web, name)


def _web_frozen(town: Town, choice: int) -> Undo:
    pids = processes.family(town.webs[_one(WEBS, choice)].pid)
    signal_all(pids, signal.SIGSTOP)
    return partial(signal_all, list(reversed(pids)), signal.SIGCONT)


def _leader_killed(town: Town, choice: int) -> Undo:
    name = town.leader()
    town.nats[name].kill()
    return partial(town.start_nats, name)


def _leader_frozen(town: Town, choice: int) -> Undo:
    server = town.nats[town.leader()]
    server.signal(signal.SIGSTOP)
    return partial(server.signal, signal.SIGCONT)


def _leader_cut_off(town: Town, choice: int) -> Undo:
    name = town.leader()
    town.network.plug(name, is_in=False)
    return partial(town.network.plug, name, is_in=True)


def _nats_killed(town: Town, choice: int) -> Undo:
    for server in town.nats.values():
        server.kill()

    def undo() -> None:
        for name in NATS:
            town.start_nats(name)

    return undo


def _database_restarted(town: Town, choice: int) -> Undo:
    town.postgres.stop()
    return town.postgres.start


def _database_killed(town: Town, choice: int) -> Undo:
    signal_all([pid for pid in [processes.postmaster(town.directory)] if pid], signal.SIGKILL)

    def undo() -> None:
        town.postgres.stop()
        town.postgres.start()

    return undo


def _one(found: Sequence[str], choice: int) -> str:
    return found[choice % len(found)]


ALL = (
    Fault("host-killed", _host_killed, 8, hides_begins=True),
    Fault("host-frozen", _host_frozen, 14, leaves_programs=True, hides_begins=True),
    Fault("host-cut-off", partial(_line, _CUT, _CUT), 14, hides_begins=True),
    Fault("host-deaf", partial(_line, FREE, _CUT), 14),
    Fault("host-mute", partial(_line, _CUT, FREE), 14, hides_begins=True),
    Fault("host-far", partial(_line, _FAR, _FAR), 20),
    Fault("host-upgraded", _host_upgraded, 4),
    Fault("web-killed", _web_killed, 6, breaks_connections=True),
    Fault("web-frozen", _web_frozen, 14),
    Fault("nats-leader-killed", _leader_killed, 8, hides_begins=True),
    Fault("nats-leader-frozen", _leader_frozen, 12, hides_begins=True),
    Fault("nats-leader-cut-off", _leader_cut_off, 12, hides_begins=True),
    Fault("nats-killed", _nats_killed, 4, hides_begins=True),
    Fault("database-restarted", _database_restarted, 4),
    Fault("database-killed", _database_killed, 3),
)
NAMED = {fault.name: fault for fault in ALL}
