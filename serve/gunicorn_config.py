"""How gunicorn serves: one process with many threads by default, because the programs do the work elsewhere."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.glogging import Logger

from gexec import faults, logs, process
from gexec.addresses import authority
from serve import handover, requests, welcome
from serve.descriptors import connections, raise_limit

_settings = process.read()

wsgi_app = "gexec.wsgi:application"
worker_class = "serve.worker.Worker"
workers = _settings.workers
threads = _settings.all_threads
# Connections that a worker has open, those that wait between two requests included. Beyond it nothing is accepted, and
# `backlog` connections wait in the kernel, each without a thread: a burst is served late instead of being refused.
worker_connections = connections(raise_limit(), threads=threads)
bind = [authority(_settings.host, _settings.port)]
backlog = 512
# Seconds between two requests of a client: enough for one that polls, too few for idle ones to fill the connections.
keepalive = _settings.keepalive_s
# Seconds without a heartbeat of the worker's main thread, which goes on while its other threads work: this is no limit
# on a request. It has to be longer than loading Django and the first sweep take on a busy machine.
timeout = 60
graceful_timeout = int(_settings.worker_stop_s)
# A second instance would silently take the socket over.
control_socket_disable = True
# The heartbeat is a file whose time is set: in memory, so that a slow disk does not look like a worker that hangs.
worker_tmp_dir = "/dev/shm"
logconfig_dict = logs.configuration(as_json=_settings.log_json)


class logger_class(Logger):  # type: ignore[misc]  # gunicorn has no types  # noqa: N801 (gunicorn's name for it)
    """gunicorn's, without a line for each request: it would put together one that nobody writes."""

    access_log_enabled = False


accesslog = None
# Proxies are believed by count (GEXEC_TRUSTED_PROXIES), in one place; gunicorn is to believe none.
forwarded_allow_ips = ""
pre_request = requests.check
# As long as gunicorn takes it: a list may be asked for by several tags of 256 characters, each three bytes as %C3.
limit_request_line = 8190

_log = logging.getLogger("gexec.serve")


class _GracefulTimeout:
    """gunicorn's setting, looked at when a stop begins, in the arbiter and in each worker."""

    def __init__(self, setting: Any) -> None:
        self._setting = setting

    def __getattr__(self, name: str) -> Any:
        return getattr(self._setting, name)

    def get(self) -> int:
        """Longer where others serve meanwhile."""
        return int(_settings.leave_s if handover.may_take_long() else self._setting.get())


def on_starting(server: Any) -> None:
    """Wait, with everything loaded, for the word that all is prepared: before it nothing listens and no worker runs."""
    if not sys.stdin.readline():
        sys.exit("gexec: the process that started gunicorn is gone")
    known = server.cfg.settings
    known["graceful_timeout"] = _GracefulTimeout(known["graceful_timeout"])


def post_worker_init(worker: Any) -> None:
    """The application is loaded: start what runs beside the requests, and log that they are answered."""
    from serve import background  # noqa: PLC0415 (gunicorn reads this file before Django is set up)

    faults.log_failed_threads(_log)
    logs.leave_out_what_no_line_has()

    worker.leave = partial(background.leave, _settings.reload_grace_s)
    worker.close_pool = partial(background.close_pool, _settings.shutdown_grace_s)
    worker.stop_background = background.stop
    background.bound_database()
    background.bound_clients(worker.shared)
    background.start()
    handover.say_serving()
    _log.info("serving", extra={"url": f"http://{authority(_settings.host, _settings.port)}", "worker": worker.pid})
    # A collector of log lines has no use for it, and neither has who sees a worker come back.
    if worker.age == 1 and not _settings.log_json:
        # A worker that fails here would end all of gunicorn.
        with suppress(OSError):
            sys.stderr.write(welcome.lines(_settings))
            sys.stderr.flush()
