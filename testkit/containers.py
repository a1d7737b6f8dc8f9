"""Which containers of a server there are, told by the label with its data directory."""

from __future__ import annotations

from pathlib import Path

import docker

from testkit.waiting import last_seen


def containers_of(client: docker.APIClient, data_dir: Path) -> list[str]:
    """The ids of the server's containers, running or not."""
    listed = client.containers(all=True, filters={"label": f"gexec.data_dir={data_dir}"})
    return [container["Id"] for container in listed]


def left_after(client: docker.APIClient, data_dir: Path, *, within_s: float = 10) -> list[str]:
    """The containers of a stopped server that are there still; the engine may be at work removing the last ones."""
    return last_seen(lambda: containers_of(client, data_dir), until=lambda ids: not ids, within_s=within_s)
