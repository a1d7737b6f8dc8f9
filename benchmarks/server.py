"""A gexec of the benchmark's own, everything on."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from testkit.servers import HERE, Checkout, RunningServer, temporary_server


def bench_server(
    checkout: Checkout = HERE, *, runtime: str = "", **settings: str
) -> AbstractContextManager[RunningServer]:
    """A server with an embedded database and a rate limit that is checked and never reached. Raises ServerFailed.

    One client may have every slot: what is measured is the machine, from one address. The caller's other settings
    hold, so that a runtime or a number of slots can be measured; `runtime` and `settings` go before.
    """
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if runtime:
        kept["GEXEC_DOCKER_RUNTIME"] = runtime
    usual = {"GEXEC_RATE_LIMIT": "1000000/m", "GEXEC_CALLER_SHARE": "1"}
    return temporary_server(kept | usual | settings, checkout=checkout)
