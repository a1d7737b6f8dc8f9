"""Who may say what over NATS: a key for each host and one for the web processes, and what of it the server checks.

A host asks for jobs and tells of them. It publishes no job, ends nobody's program but its own, reads no result, sees no
inbox but its own, and speaks for no host of another name.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import bus

WEB = "web"
"""The name of the key of all web processes."""
_SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects, as NATS writes them. What was asked may be answered besides, once."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def of_web() -> Permissions:
    """What a web process needs. It makes streams and buckets, so the account should be for nothing else."""
    return Permissions(
        publish=("gexec.job.>", "gexec.told.>", "gexec.said.>", "$JS.API.>", "$JS.ACK.>", "$KV.>"),
        subscribe=("gexec.run.>", f"{bus.HOSTS_SUBJECT}>", f"{bus.WEB_INBOX}.>"),
    )


def of_host(name: str) -> Permissions:
    """What a host of this name needs."""
    buckets = (bus.HOSTS, bus.WANTED, bus.INPUTS, bus.OUTPUTS)
    return Permissions(
        publish=(
            *(f"$JS.API.CONSUMER.MSG.NEXT.{bus.JOBS}.{lane}" for lane in bus.LANES),
            f"$JS.ACK.{bus.JOBS}.>",
            *(f"{bus.run_subject('*', '*', '*', '*')}.{kind}" for kind in ("event", "heard", "end")),
            bus.ask_subject("*", "*"),
            f"{bus.HOSTS_SUBJECT}{name}.*",
            *(f"$JS.API.STREAM.INFO.KV_{bucket}" for bucket in buckets),
            f"$JS.API.STREAM.MSG.GET.KV_{bus.WANTED}",
            f"$JS.API.DIRECT.GET.KV_{bus.INPUTS}.$KV.{bus.INPUTS}.>",
            f"$KV.{bus.OUTPUTS}.>",
            # Its own echo.
            f"{bus.host_inbox(name)}.>",
        ),
        subscribe=(
            bus.told_subject("*", "*"),
            bus.ask_subject("*", "*"),
            bus.said_subject(name, "*", "*"),
            f"{bus.host_inbox(name)}.>",
        ),
    )


def configuration(directory: Path, hosts: Sequence[str]) -> str:
    """What a NATS server's configuration says of the web processes and of these hosts.

    The seeds of their keys are in files of the directory, made where they are not there. Raises OSError.
    """
    users = [_user(WEB, directory / f"{WEB}.nk", of_web())]
    users += [_user(f"host {name}", directory / f"host-{name}.nk", of_host(name)) for name in hosts]
    return "authorization {\n  users = [\n" + "".join(users) + "  ]\n}\n"


def _user(who: str, seed: Path, permissions: Permissions) -> str:
    return (
        f"    # {who}\n    {{\n      nkey: {_public_key(seed)}\n      permissions {{\n"
        f"        publish: [{_quoted(permissions.publish)}]\n        subscribe: [{_quoted(permissions.subscribe)}]\n"
        "        allow_responses: true\n      }\n    }\n"
    )


def _quoted(subjects: Sequence[str]) -> str:
    return ", ".join(f'"{each}"' for each in subjects)


def _public_key(path: Path) -> str:
    # Only where this is asked for: a server without hosts does not load it.
    import nkeys  # type: ignore[import-untyped]  # it has none  # noqa: PLC0415

    if not path.exists():
        seed: bytes = nkeys.encode_seed(secrets.token_bytes(_SEED_BYTES), nkeys.PREFIX_BYTE_USER)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(seed)
    key: bytes = nkeys.from_seed(bytearray(path.read_bytes().strip())).public_key
    return key.decode()
