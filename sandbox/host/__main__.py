"""The process of a host: `python -m sandbox.host`, told by its environment."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys

from sandbox import bus, processes
from sandbox.docker import BASE_IMAGE, DockerEngine, DockerImages, connect
from sandbox.errors import SandboxError
from sandbox.host.host import Host, HostConfig
from sandbox.hosts import is_name
from sandbox.policy import SandboxPolicy
from sandbox.pool import Pool, PoolConfig

logger = logging.getLogger("sandbox.host")

_OWNER = "gexec-host"
_PULL_SILENCE_S = 120.0
"""Docker tells of each piece that it fetches and unpacks."""
_WAIT_MS = 20_000
"""For a container, with a slot: as long as a start may take on a host under heavy load."""


def main() -> None:
    """Serve until SIGTERM or SIGINT. Leaves with a reason where it cannot begin."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config = read()
    pool = _pool(config)
    try:
        asyncio.run(_serve(config, pool))
    finally:
        pool.close(grace_s=0)
    logger.info("host %s has ended", config.id)


def read() -> HostConfig:
    """From the environment."""
    url = os.environ.get("GEXEC_NATS_URL", "")
    if not url:
        sys.exit("GEXEC_NATS_URL is not set: it says where NATS is, such as nats://127.0.0.1:4222")
    name = os.environ.get("GEXEC_HOST_NAME", "") or socket.gethostname().replace(".", "-")
    if not is_name(name):
        sys.exit(f"GEXEC_HOST_NAME is {name!r}: it may have letters, digits, - and _")
    return HostConfig(
        url=url,
        id=f"{name}-{secrets.token_hex(3)}",
        name=name,
        slots=int(_number("GEXEC_SLOTS", 2 * (os.cpu_count() or 1))),
        version=os.environ.get("GEXEC_VERSION", ""),
        trust=_trust(),
        cache_bytes=int(_number("GEXEC_HOST_CACHE_MB", 256.0) * 1024 * 1024),
        grace_s=_number("GEXEC_SHUTDOWN_GRACE_S", 30.0),
        registry=os.environ.get("GEXEC_HOST_REGISTRY", "").strip().rstrip("/"),
    )


def _trust() -> bus.Trust:
    trust = bus.Trust(os.environ.get("GEXEC_NATS_CREDENTIALS", ""), os.environ.get("GEXEC_NATS_CA", ""))
    try:
        trust.options()
    except (OSError, ValueError) as error:
        sys.exit(f"GEXEC_NATS_CREDENTIALS or GEXEC_NATS_CA: {error}")
    return trust


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1
    if value < (1 if name == "GEXEC_SLOTS" else 0):
        sys.exit(f"{name} is {text!r}, and has to be a number")
    return value


def _pool(config: HostConfig) -> Pool:
    owner = f"{_OWNER}/{config.id}/{processes.place()}"
    policy = SandboxPolicy(runtime=os.environ.get("GEXEC_DOCKER_RUNTIME", ""))
    engine = DockerEngine(policy, owner=owner, base_image=BASE_IMAGE)
    try:
        engine.prepare()
    except SandboxError as error:
        sys.exit(f"Docker cannot run programs here: {error}")
    slots = PoolConfig(slots=config.slots, queue=config.slots, wait_ms=_WAIT_MS)
    pool = Pool(engine, slots, owner=owner, is_alive=_lives)
    pool.start()
    return pool


def _lives(owner: str) -> bool:
    """Whether the owner of a container may live: of those elsewhere, and in other containers, nothing is known."""
    _, _, place = (*owner.split("/", 2), "", "")[:3]
    return processes.lives_at(place) is not False


async def _serve(config: HostConfig, pool: Pool) -> None:
    host = Host(config, pool, DockerImages(connect(timeout_s=_PULL_SILENCE_S)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, host.stop)
    await host.run()


if __name__ == "__main__":
    main()
