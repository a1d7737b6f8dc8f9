"""What lies in NATS: the subjects, the streams and who reads them, the same for hosts and for web processes.

    gexec.job.<lane>.<id>.<attempt>           jobs, in a stream; each goes to one host, and away when it is done
    gexec.run.<web>.<id>.<attempt>.<ask>.event  what happens, for the web process that asked; not stored
    gexec.run.<web>.<id>.<attempt>.<ask>.heard  what a job that is talked to has of what was said to it; not stored
    gexec.run.<web>.<id>.<attempt>.<ask>.end  how it ended, in a stream, until a web process has it in its row
    gexec.told.<id>.<attempt>                 what a host that has it is told: to end it, or to skip steps of it
    gexec.ask.<id>.<attempt>                  whether a host has it, asked by one that was given it
    gexec.said.<host>.<id>.<attempt>          what is typed to a job that is talked to, for the hosts of this name
    KV gexec_hosts   <name>.<process>         how each host stands, said every second, gone after HOST_TTL_S
    KV gexec_wanted                           what hosts keep warm, and which of them take no more jobs
    KV gexec_inputs   <digest>.<part>         what of jobs is too large for them, gone after INPUTS_AGE_S
    KV gexec_outputs  <id>.<attempt>.<digest>.<part>  ends that are too large for their stream, until a row has them

A job is leased: a host that has it says so every RENEW_S, else it is delivered again after LEASE_S. A host that cannot
reach NATS for UNREACHABLE_S ends its programs. So of a job that comes a second time the first host is dead, or frozen.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    KeyValueConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from sandbox.hosts import name_of
from sandbox.types import Lane

logger = logging.getLogger(__name__)

T = TypeVar("T")

RENEW_S = 1.0
UNREACHABLE_S = 4.0
LEASE_S = 6.0
"""A renewal that was just sent when the connection broke is the last one: one second, the four, and one to spare."""
HOST_TTL_S = 8.0
"""What a host says of itself is as old as this at the most."""
GONE_S = 30.0
"""A host that is silent for so long, while NATS is there, has ended its programs, however slow it is."""

UNREAD_BYTES = 64 * 1024
"""So much may a job that is talked to have printed that the web process has not read."""
MUTE_S = 10.0
"""Nobody talks any more to a job to which nothing was said for so long, not even that there is nothing."""

JOBS, ENDS = "GEXEC_JOBS", "GEXEC_ENDS"
FINISHER = "finisher"
"""The consumer of ENDS that all web processes share."""
HOSTS, WANTED = "gexec_hosts", "gexec_wanted"
INPUTS, OUTPUTS = "gexec_inputs", "gexec_outputs"
TARGETS = "warm"
"""The key in WANTED of what is kept warm."""
HOSTS_SUBJECT = f"$KV.{HOSTS}."
WEB_INBOX, HOST_INBOX = "_INBOX.web", "_INBOX.host"
"""Below which answers come. No host may listen to what is answered to others: results are, too."""
LANES: tuple[Lane, ...] = ("interactive", "batch")
_JOBS_AGE_S = 3600.0
"""Nobody waits longer for a host: web processes withdraw what did not start in time."""
INPUTS_AGE_S = 2 * _JOBS_AGE_S
"""Of contents that jobs refer to; web processes leave them anew after half of it."""
_ENDS_AGE_S = 7 * 24 * 3600.0
"""Through which a database may be away."""
_DUPLICATES_S = 120.0
_COPIES = 3
"""Of each stream, where NATS is a cluster: one server may be lost then, and nothing stands still."""
_TOO_FEW_SERVERS = frozenset({10005, 10074})
"""What JetStream says where it has not so many servers with room, and where it is no cluster."""
_MOST_PENDING = 100_000
_JWT, _USER_SEED = "-----BEGIN NATS USER JWT-----", "SU"
CALL_S = 3.0
"""Of JetStream, which takes a millisecond."""


def job_subject(lane: str, task_id: str, attempt: int) -> str:
    """`lane` may be *, to look for it in either."""
    return f"gexec.job.{lane}.{task_id}.{attempt}"


def run_subject(web: str, task_id: str, attempt: int | str, ask: str) -> str:
    """Below which a run is told of. `ask` tells it from others of the same attempt. Each part may be *."""
    return f"gexec.run.{web}.{task_id}.{attempt}.{ask}"


def told_subject(task_id: str, attempt: int | str) -> str:
    """By which a host is told of one that it has; both may be *."""
    return f"gexec.told.{task_id}.{attempt}"


def ask_subject(task_id: str, attempt: int | str) -> str:
    """By which hosts ask each other who has it; both may be *."""
    return f"gexec.ask.{task_id}.{attempt}"


def said_subject(host: str, task_id: str, attempt: int | str) -> str:
    """By which the hosts of this name hear what is said to a job that they have; the last two may be *."""
    return f"gexec.said.{host}.{task_id}.{attempt}"


def host_key(host: str) -> str:
    """In HOSTS, of the host's process with this id: a part of it is the name, for which alone a host may speak."""
    return f"{name_of(host)}.{host.rpartition('-')[2]}"


def host_inbox(name: str) -> str:
    """Below which what answers a host of this name comes to it."""
    return f"{HOST_INBOX}.{name}"


def drain_key(host: str) -> str:
    """In WANTED: there where the host of this name takes no more jobs."""
    return f"drain.{host}"


@dataclass(frozen=True, slots=True)
class Trust:
    """How a server and whoever connects to it know each other, beside what the server's address says."""

    credentials: str = ""
    """The name of a file: the seed of an nkey, or what nsc and NATS' operators call credentials (.creds)."""
    ca: str = ""
    """The name of a file with the certificates that the server's is signed by; empty: what the system trusts."""

    def options(self) -> dict[str, Any]:
        """As nats-py takes them. Raises OSError, and ValueError for a file that is neither."""
        found: dict[str, Any] = {}
        if self.credentials:
            text = Path(self.credentials).read_text(encoding="utf-8")
            if _JWT in text:
                found["user_credentials"] = self.credentials
            elif text.startswith(_USER_SEED):
                found["nkeys_seed_str"] = text.strip()
            else:
                raise ValueError(f"{self.credentials} holds neither the seed of a user's nkey nor credentials")
        if self.ca:
            found["tls"] = ssl.create_default_context(cafile=self.ca)
        return found


PLAIN = Trust()
"""Without a key, and without TLS of one's own."""


async def connect(
    url: str,
    *,
    name: str,
    inbox: str,
    trust: Trust,
    on_lost: Callable[[], Awaitable[None]] | None = None,
    on_back: Callable[[], Awaitable[None]] | None = None,
) -> Client:
    """Connect, and again whenever the connection is lost. Raises what nats-py does, and OSError, the first time.

    Answers come below `inbox`.
    """

    async def complain(error: Exception) -> None:
        logger.info("NATS: %s", error or type(error).__name__)

    return await nats.connect(
        url.split(","),
        name=name,
        error_cb=complain,
        disconnected_cb=on_lost,
        reconnected_cb=on_back,
        connect_timeout=2,
        reconnect_time_wait=0.25,
        max_reconnect_attempts=-1,
        ping_interval=1,
        max_outstanding_pings=3,
        pending_size=64 * 1024 * 1024,
        inbox_prefix=inbox,
        **trust.options(),
    )


class Buckets(NamedTuple):
    """What is stored by name."""

    hosts: KeyValue
    wanted: KeyValue
    inputs: KeyValue
    outputs: KeyValue


async def set_up(js: JetStreamContext) -> Buckets:
    """Make what is not there yet: whoever comes first does, and the others find the same."""
    await _make_stream(js, _stream(JOBS, "gexec.job.*.*.*", _JOBS_AGE_S))
    await _make_stream(js, _stream(ENDS, "gexec.run.*.*.*.*.end", _ENDS_AGE_S))
    for lane in LANES:
        await js.add_consumer(JOBS, _consumer(lane, LEASE_S, f"gexec.job.{lane}.*.*"))
    await js.add_consumer(ENDS, _consumer(FINISHER, 30.0, "gexec.run.*.*.*.*.end"))
    hosts = await _make_bucket(js, KeyValueConfig(bucket=HOSTS, ttl=HOST_TTL_S, storage=StorageType.MEMORY))
    wanted = await _make_bucket(js, KeyValueConfig(bucket=WANTED, storage=StorageType.FILE))
    inputs = await _make_bucket(js, _contents(INPUTS, INPUTS_AGE_S))
    outputs = await _make_bucket(js, _contents(OUTPUTS, _ENDS_AGE_S))
    return Buckets(hosts, wanted, inputs, outputs)


async def found(js: JetStreamContext) -> Buckets:
    """What a web process has made; made here where there is nothing yet, and this may be done here."""
    try:
        return Buckets(*[await js.key_value(bucket) for bucket in (HOSTS, WANTED, INPUTS, OUTPUTS)])
    except NotFoundError:
        return await set_up(js)


def _contents(bucket: str, ttl_s: float) -> KeyValueConfig:
    return KeyValueConfig(bucket=bucket, ttl=ttl_s, storage=StorageType.FILE, direct=True)


def outputs_below(task_id: str, attempt: int) -> str:
    """Where in OUTPUTS those of an attempt are."""
    return f"{task_id}.{attempt}"


async def _make_stream(js: JetStreamContext, config: StreamConfig) -> None:
    name = str(config.name)
    try:
        await js.stream_info(name)
    except NotFoundError:
        await _copied(lambda copies: js.add_stream(config, num_replicas=copies))
    else:
        await _copy(js, name)


async def _make_bucket(js: JetStreamContext, config: KeyValueConfig) -> KeyValue:
    try:
        bucket = await js.key_value(config.bucket)
    except BucketNotFoundError:
        return await _copied(lambda copies: js.create_key_value(config, replicas=copies))
    await _copy(js, f"KV_{config.bucket}")
    return bucket


async def _copied(make: Callable[[int], Awaitable[T]]) -> T:
    """Made with a copy on each of three servers, or on one where NATS is one server, or has no three of them yet."""
    try:
        return await make(_COPIES)
    except APIError as error:
        if error.err_code not in _TOO_FEW_SERVERS:
            raise
        return await make(1)


async def _copy(js: JetStreamContext, stream: str) -> None:
    """Have a stream that was made when there were too few servers on three, now that there are."""
    info = await js.stream_info(stream)
    # One server by itself has a cluster, too, without a name.
    if info.cluster is None or not info.cluster.name or (info.config.num_replicas or 1) >= _COPIES:
        return
    try:
        await js.update_stream(info.config, num_replicas=_COPIES)
    except APIError as error:
        logger.warning("%s has %s copies, and no more can be made: %s", stream, info.config.num_replicas, error)


def _stream(name: str, subject: str, max_age_s: float) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[subject],
        retention=RetentionPolicy.WORK_QUEUE,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        max_age=max_age_s,
        duplicate_window=_DUPLICATES_S,
    )


def _consumer(name: str, ack_wait_s: float, subject: str) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait_s,
        max_deliver=-1,
        filter_subject=subject,
        max_ack_pending=_MOST_PENDING,
        max_waiting=_MOST_PENDING,
    )
