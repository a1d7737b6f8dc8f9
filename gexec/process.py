"""What the processes around Django must know as well: the supervisor and gunicorn. Light to import, for their sake."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gexec.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent

DEFAULT_GRACE_S = 30.0
DEFAULT_RELOAD_GRACE_S = 600.0

STOP_MARGIN_S = 30.0
"""What stops gexec (Docker, systemd) waits for the grace and this long before it kills: containers are removed,
rows are written, the database shuts down. Every other time-out of a stop is a part of it."""

KEPT_THREADS = 8
"""Threads that no program waits in: they answer /ping, /metrics and the admin, and refuse what is too much."""
_THREADS = 64
"""Most do nothing but wait; on a machine of many cores there are more, so that a queue as long as its slots fits."""


class Process(NamedTuple):
    """The settings of the same names; gexec/settings.py takes them from here."""

    host: str
    port: int
    workers: int
    threads: int
    slots: int
    queue: int
    watchers: int
    interactive: int
    shutdown_grace_s: float
    reload_grace_s: float
    keepalive_s: int
    data_dir: Path
    database_url: str
    log_json: bool
    traces: bool

    @property
    def all_threads(self) -> int:
        """Of a worker. Who watches an execution, or talks to one, holds a thread of its own."""
        return self.threads + self.watchers + connections_of(self.interactive)

    @property
    def worker_stop_s(self) -> float:
        """A worker that was told to stop is left alone this long."""
        return self.shutdown_grace_s + STOP_MARGIN_S / 2

    @property
    def leave_s(self) -> float:
        """What was there before a reload is left alone this long: it may be told to stop at the end of its time."""
        return self.reload_grace_s + self.gunicorn_stop_s

    @property
    def gunicorn_stop_s(self) -> float:
        """gunicorn with all its workers is left alone this long; what remains of the margin is the database's."""
        return self.shutdown_grace_s + STOP_MARGIN_S * 5 / 6


def connections_of(interactive: int) -> int:
    """How many connections there may be to so many interactive executions: who comes back may be here before the
    connection that was lost is given up.
    """
    return 2 * interactive


env = Environment(os.environ)


def read() -> Process:
    """From the environment. Raises SettingError."""
    slots = env.int("GEXEC_SLOTS", 0) or 2 * (os.cpu_count() or 1)
    queue = env.int("GEXEC_QUEUE", 0)
    threads = env.int("GEXEC_THREADS", max(_THREADS, slots + (queue or slots) + KEPT_THREADS))
    return Process(
        host=env.str("GEXEC_HOST", "127.0.0.1"),
        port=env.int("GEXEC_PORT", 8080),
        workers=env.int("GEXEC_WORKERS", 1),
        threads=threads,
        # Two a core: a language gets half a core unless it is given more.
        slots=slots,
        queue=queue or threads - slots - KEPT_THREADS,
        watchers=env.int("GEXEC_WATCHERS", 0) or max(1, threads - slots - KEPT_THREADS // 2),
        # The rest of the slots are always for programs that nobody talks to.
        interactive=env.int("GEXEC_INTERACTIVE", max(1, slots // 2)),
        shutdown_grace_s=env.float("GEXEC_SHUTDOWN_GRACE_S", DEFAULT_GRACE_S),
        reload_grace_s=env.float("GEXEC_RELOAD_GRACE_S", DEFAULT_RELOAD_GRACE_S),
        keepalive_s=env.int("GEXEC_KEEPALIVE_S", 5),
        data_dir=Path(env.str("GEXEC_DATA_DIR", "") or BASE_DIR / "var").resolve(),
        database_url=env.str("DATABASE_URL", ""),
        # A person reads them in development, a collector in production.
        log_json=env.bool("GEXEC_LOG_JSON", env.bool("GEXEC_SECURE", False)),
        traces=_sends_traces(os.environ),
    )


def _sends_traces(variables: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's own variables say where to send traces to. They are no settings of ours."""
    somewhere = variables.get("OTEL_EXPORTER_OTLP_ENDPOINT") or variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    exporter = variables.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"
    disabled = variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return bool(somewhere) and exporter == "otlp" and not disabled
