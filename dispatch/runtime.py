"""This process's sandbox: made from the settings at first use, and put away at the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from uuid import UUID

from django.conf import settings

from dispatch import workers
from rest.connections import release_connection
from sandbox.docker import BASE_IMAGE, DockerEngine, connect, install_runner
from sandbox.policy import SandboxPolicy
from sandbox.pool import Pool, PoolConfig

_lock = threading.Lock()
_pool: Pool | None = None


def pool() -> Pool:
    """The process's pool, started at the first call."""
    global _pool  # noqa: PLW0603 (one a process, and nothing is made at import)
    if _pool is None:
        with _lock:
            if _pool is None:
                _pool = _make_pool()
    return _pool


def shutdown(grace_s: float) -> None:
    """Close the pool, if there is one; see Pool.close. Later calls of `pool` give the closed one, which refuses."""
    with _lock:
        closing = _pool
    if closing is not None:
        closing.close(grace_s=grace_s)


def prepare(report: Callable[[str], None]) -> None:
    """Compile and install the runner, unless it is there. Raises EngineUnavailable, ImageMissing, ImageBuildFailed."""

    def report_step(line: str) -> None:
        if line.startswith("Step "):
            report(f"Compiling the runner: {line}")

    client = connect(timeout_s=600.0)
    try:
        install_runner(client, base_image=BASE_IMAGE, on_line=report_step)
    finally:
        client.close()


def _make_pool() -> Pool:
    owner = f"{workers.installation()}/{workers.current()}"
    policy = SandboxPolicy(runtime=settings.GEXEC_DOCKER_RUNTIME)
    slots = settings.GEXEC_SLOTS or 2 * (os.cpu_count() or 1)
    config = PoolConfig(
        slots=slots,
        queue=settings.GEXEC_QUEUE or 16 * slots,
        wait_ms=settings.GEXEC_WAIT_MS,
        slots_folder=settings.GEXEC_DATA_DIR / "slots",
        processes=settings.GEXEC_WORKERS,
    )
    labels = {"gexec.data_dir": str(settings.GEXEC_DATA_DIR)}
    engine = DockerEngine(policy, owner=owner, base_image=BASE_IMAGE, labels=labels)
    made = Pool(engine, config, owner=owner, is_alive=_is_alive)
    made.start()
    return made


def _is_alive(owner: str) -> bool:
    """Whether the process that a container is labelled with may live; another installation's is not ours to judge."""
    installation, _, worker_id = owner.partition("/")
    try:
        return installation != workers.installation() or workers.is_alive(UUID(worker_id))
    finally:
        release_connection()
