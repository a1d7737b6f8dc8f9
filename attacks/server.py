"""A server of the suite's own, set up so that every attack can be tried on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attacks.client import LONGEST_MS, Client, Isolation
from attacks.host import OwnHost
from testkit.servers import ServerFailed, temporary_server
from testkit.waiting import eventually

REUSED_RUNS = 50
"""More than the runs of any attack that wants the same container again."""


@contextmanager
def own_server(
    environment: Mapping[str, str],
    *,
    runtime: str = "",
    patience: float = 1.0,
    isolation: Isolation = "container",
) -> Iterator[tuple[Client, OwnHost]]:
    """Start one with two API keys, whose containers may be used again, and stop it. Raises ServerFailed.

    `runtime` is the OCI runtime of its containers, the best there is where it is empty; `patience` is the client's.
    `isolation` is what it is asked to make anew for each program, and has to: it fails where the host refuses.

    The host can be asked what the server has left after its end, and is closed by the caller.
    """
    settings = {"GEXEC_DOCKER_RUNTIME": runtime} if runtime else {}
    if patience > 1:
        settings["GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY"] = str(LONGEST_MS)
    if isolation != "container":
        settings |= {"GEXEC_ISOLATION": "cell", "GEXEC_SHARE_CONTAINERS": str(isolation == "shared_cell").lower()}
    with temporary_server({**environment, **settings}) as running:
        running.set_language("python", runs_per_container=REUSED_RUNS)
        keys = [running.create_api_key(f"attack {number}") for number in range(2)]
        client = Client(running.base_url, keys, reuses=True, runtime=runtime, patience=patience, isolation=isolation)
        if isolation != "container":
            eventually(client.told_isolation, until=lambda told: told is not None)
            if client.told_isolation() != isolation:
                raise ServerFailed(f"this host makes no cells: {client.told_isolation()}")
        yield client, OwnHost(running.data_dir)
