"""How gunicorn serves: one process with many threads by default, because the programs do the work elsewhere."""

from __future__ import annotations

import logging
from typing import Any

from gexec import settings

wsgi_app = "gexec.wsgi:application"
worker_class = "serve.worker.Worker"
workers = settings.GEXEC_WORKERS
threads = settings.GEXEC_THREADS
worker_connections = 1000
bind = [f"{settings.GEXEC_HOST}:{settings.GEXEC_PORT}"]
backlog = 512
keepalive = 5
# A worker's main thread beats while its others work: this is no limit on a request.
timeout = 60
# Containers are removed and rows written after the grace.
graceful_timeout = int(settings.GEXEC_SHUTDOWN_GRACE_S) + 15
# A second instance would silently take the socket over.
control_socket_disable = True
worker_tmp_dir = "/dev/shm"
logconfig_dict = settings.LOGGING
accesslog = None
# Proxies are believed by count (GEXEC_TRUSTED_PROXIES), in one place; gunicorn is to believe none.
forwarded_allow_ips = ""

_log = logging.getLogger("gexec.serve")


def post_worker_init(worker: Any) -> None:
    """The application is loaded: start what runs beside the requests, and say that they are answered."""
    from gexec import background  # noqa: PLC0415 (Django is set up only now)

    background.start()
    _log.info("serving", extra={"url": f"http://{settings.GEXEC_HOST}:{settings.GEXEC_PORT}", "worker": worker.pid})
