"""Many machines on one: NATS as a cluster, hosts, web servers and a PostgreSQL, each of which can be harmed."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docker
import nats
import nats.errors
import psycopg
from nats.js import JetStreamContext

from gexec.embedded import DATABASE, USER, run_dir
from sandbox import bus
from serve.postgres import Server
from testkit import processes
from testkit.databases import database_url
from testkit.hosts import NATS_SERVER, Process
from testkit.networks import Network, network
from testkit.servers import HERE, STOP_S, RunningServer, ServerFailed, free_port, start_server
from testkit.waiting import eventually, last_seen

NATS = ("ann", "bob", "cid")
HOSTS = ("one", "two", "three")
WEBS = ("left", "right")
SLOTS = 6
"""Of each host."""
_NATS_PORT, _ROUTE_PORT = 4222, 6222
_READY_S = 60.0
_ASK_S = 5.0
_ERRORS = (nats.errors.Error, OSError, TimeoutError)


@dataclass
class Town:
    """All of it. What is killed is started again by whoever killed it."""

    directory: Path
    network: Network
    environment: Mapping[str, str]
    postgres: Server
    nats: dict[str, Process] = field(default_factory=dict)
    hosts: dict[str, Process] = field(default_factory=dict)
    webs: dict[str, RunningServer] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in WEBS})
    secret: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def url(self) -> str:
        """Of all three NATS servers."""
        return ",".join(f"nats://{self.network.addresses[name]}:{_NATS_PORT}" for name in NATS)

    def host_name(self, host: str) -> str:
        """By which it is listed: another town on this machine has others."""
        return f"{host}-{os.getpid()}"

    def open(self) -> None:
        """Start everything, and return when all of it takes part."""
        for name in NATS:
            self.network.add(name)
        for name in HOSTS:
            self.network.add(name, wired=True)
        for name in NATS:
            self.start_nats(name)
        eventually(lambda: bool(self._asked(_account)), within_s=_READY_S, every_s=0.2)
        for name in HOSTS:
            self.start_host(name)
        for name in WEBS:
            self.start_web(name)
        for web in self.webs.values():
            web.wait_ready()
        eventually(self.is_whole, within_s=_READY_S, every_s=0.1)

    def is_whole(self) -> bool:
        """Whether both web servers would take a program and every host is there."""
        try:
            ready = all(web.request("/readyz", timeout_s=10).status == 200 for web in self.webs.values())
            return ready and self.slots() == SLOTS * len(HOSTS)
        except OSError:
            return False

    def slots(self) -> int:
        """Of all hosts together, as a web server counts them."""
        web = next(iter(self.webs.values()))
        told = web.request("/metrics", headers={"Accept": "text/plain"}, timeout_s=10).body.decode()
        return sum(int(float(line.split()[1])) for line in told.splitlines() if line.startswith("gexec_hosts_slots "))

    def start_nats(self, name: str) -> None:
        """Start one, or start it again with what it has stored."""
        address = self.network.addresses[name]
        routes = [f"nats://{self.network.addresses[other]}:{_ROUTE_PORT}" for other in NATS]
        conf = self.directory / f"{name}.conf"
        conf.write_text(
            f"max_payload: 8MB\nserver_name: {name}\nlisten: {address}:{_NATS_PORT}\n"
            f"jetstream {{ store_dir: {json.dumps(str(self.directory / name))} }}\n"
            f"cluster {{ name: town, listen: {address}:{_ROUTE_PORT}, routes: {json.dumps(routes)} }}\n"
        )
        command = [*self.network.within(name), str(NATS_SERVER), "-c", str(conf)]
        self.nats[name] = Process(command, self.directory / f"{name}.log", dict(os.environ))

    def start_host(self, name: str, *, version: str = "now") -> None:
        """Start one, which takes jobs when it has found NATS."""
        environment = dict(self.environment) | {
            "GEXEC_NATS_URL": self.url,
            "GEXEC_HOST_NAME": self.host_name(name),
            "GEXEC_SLOTS": str(SLOTS),
            "GEXEC_VERSION": version,
            "GEXEC_SHUTDOWN_GRACE_S": "10",
        }
        command = [*self.network.within(name), sys.executable, "-m", "sandbox.host"]
        self.hosts[name] = Process(command, self.directory / f"{name}.log", environment)

    def start_web(self, name: str) -> None:
        """Start one, or start it again on the port that it had."""
        environment = dict(self.environment) | {
            "DATABASE_URL": database_url(run_dir(self.directory), DATABASE),
            "GEXEC_NATS_URL": self.url,
            "GEXEC_SECRET_KEY": self.secret,
            "GEXEC_WORKERS": "1",
            "GEXEC_SLOTS": str(SLOTS * len(HOSTS) // len(WEBS)),
            "GEXEC_CALLER_SHARE": "1",
            "GEXEC_THREADS": "64",
            "GEXEC_SHUTDOWN_GRACE_S": "5",
        }
        self.webs[name] = start_server(self.directory / f"web-{name}", environment, port=self.ports[name])

    def kill_web(self, name: str) -> None:
        """All its processes at once, as a machine that loses its power."""
        web = self.webs[name]
        signal_all(processes.family(web.pid), signal.SIGKILL)
        web.process.wait(STOP_S)

    def manage(self, *arguments: str) -> None:
        """A manage.py command beside a web server. Raises ServerFailed."""
        done = self.webs[WEBS[0]].manage(*arguments)
        if done.returncode:
            raise ServerFailed(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def leader(self) -> str:
        """The NATS server that has the stream of jobs; the first one where none has."""
        leader = self._asked(_leader)
        return leader if leader in NATS else NATS[0]

    def left_in_streams(self) -> dict[str, int]:
        """How many messages each has that is empty once all has ended. Raises ServerFailed where NATS does not say."""
        found: dict[str, int] | None = self._asked(_counts)
        if found is None:
            raise ServerFailed("NATS does not answer")
        return found

    def copies(self) -> set[int | None]:
        """On how many servers the streams are."""
        return self._asked(_copies) or set()

    @contextmanager
    def rows(self) -> Iterator[psycopg.Connection]:
        """A session on the database."""
        with psycopg.connect(host=str(run_dir(self.directory)), user=USER, dbname=DATABASE) as connection:
            yield connection

    def containers(self) -> list[str]:
        """The ids of all that hosts of this town have, and had."""
        mine = tuple(f"gexec-host/{self.host_name(name)}-" for name in HOSTS)
        with docker.APIClient() as client:
            listed = client.containers(all=True, filters={"label": "gexec.owner"})
        return [each["Id"] for each in listed if each["Labels"]["gexec.owner"].startswith(mine)]

    def stop(self) -> Iterator[str]:
        """End all of it in good order, and tell what did not end so, or is left."""
        for name, web in self.webs.items():
            yield from _stopped(f"web server {name}", web)
        for name, host in self.hosts.items():
            yield from _stopped(f"host {name}", host)
        yield from (f"container {each[:12]} is left" for each in last_seen(self.containers, until=lambda ids: not ids))
        for name, server in self.nats.items():
            yield from _stopped(f"NATS {name}", server)

    def _asked(self, question: Any) -> Any:
        """What NATS answers; None where it does not."""

        async def ask() -> Any:
            client = await nats.connect(
                self.url.split(","), allow_reconnect=False, connect_timeout=2, error_cb=_say_nothing
            )
            try:
                return await question(client.jetstream(timeout=_ASK_S))
            finally:
                await client.close()

        try:
            return asyncio.run(asyncio.wait_for(ask(), 2 * _ASK_S))
        except _ERRORS:
            return None


async def _say_nothing(error: Exception) -> None:
    """Some of them may be away."""


async def _account(js: JetStreamContext) -> Any:
    return await js.account_info()


async def _leader(js: JetStreamContext) -> str | None:
    cluster = (await js.stream_info(bus.JOBS)).cluster
    return cluster.leader if cluster else None


async def _counts(js: JetStreamContext) -> dict[str, int]:
    kept = {f"KV_{bus.HOSTS}", f"KV_{bus.WANTED}", "KV_gexec_inputs"}
    return {
        str(each.config.name): each.state.messages for each in await js.streams_info() if each.config.name not in kept
    }


async def _copies(js: JetStreamContext) -> set[int | None]:
    return {each.config.num_replicas for each in await js.streams_info()}


def _stopped(what: str, part: RunningServer | Process) -> Iterator[str]:
    try:
        if code := part.stop():
            yield f"{what} ended with {code}"
    except ServerFailed as error:
        yield f"{what}: {str(error)[:300]}"


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Signal those that are there still."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def town(environment: Mapping[str, str], *, data_dir: Path | None = None) -> Iterator[Town]:
    """One that is whole, gone at the end. `data_dir` has a prepared database; else one is made first."""
    with TemporaryDirectory(prefix="gexec-town-", ignore_cleanup_errors=True) as name, network() as made:
        directory = Path(name)
        directory.chmod(0o755)
        _furnish(directory, environment, data_dir)
        postgres = Server(directory, print)
        postgres.start()
        here = Town(directory, made, environment, postgres)
        try:
            here.open()
            yield here
        finally:
            for _ in here.stop():
                pass
            postgres.stop()


def _furnish(directory: Path, environment: Mapping[str, str], data_dir: Path | None) -> None:
    if data_dir is not None:
        subprocess.run(["cp", "-a", f"{data_dir}/.", directory], check=True)
        return
    own = dict(environment) | {"GEXEC_DATA_DIR": str(directory)}
    for command in (["migrate", "--verbosity=0"], ["languages", "install", "python"]):
        done = HERE.run(HERE.manage(*command), own, within_s=None)
        if done.returncode:
            raise ServerFailed(done.stderr)
