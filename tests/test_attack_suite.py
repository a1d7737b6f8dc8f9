"""Every attack of the suite, against one server that runs through all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from attacks.catalogue import FAMILIES, AnyAttack
from attacks.client import Client
from attacks.host import OwnHost
from attacks.judge import judge
from attacks.server import own_server
from testkit.databases import create_database, database_url
from testkit.servers import clean_environment

GVISOR = "runsc"
# What a kernel of its own can answer otherwise; the whole suite: make attack ARGS="--runtime runsc".
_IN_GVISOR = ("escape: ", "protocol: forged frames", "resources: fork bomb", "resources: memory, ", "neighbours: two ")
_NAMED = {f"{family}: {attack.name}": attack for family, attacks in FAMILIES.items() for attack in attacks}


@dataclass(frozen=True)
class Attacked:
    """A server, and the machine that it runs on."""

    client: Client
    host: OwnHost


@pytest.fixture(scope="module")
def attacked(prepared_postgres: Path) -> Iterator[Attacked]:
    """A server without a rate limit, two API keys, and containers that may be used again. It leaves nothing behind."""
    create_database(prepared_postgres, "attacked", "gexec")
    with own_server(clean_environment(DATABASE_URL=database_url(prepared_postgres, "attacked"))) as (client, host):
        yield Attacked(client, host)
    left = host.left_at_the_end()
    host.close()
    assert left == []


@pytest.fixture(scope="module")
def in_gvisor(prepared_postgres: Path, docker_client: docker.DockerClient) -> Iterator[Attacked]:
    """The same, in containers that start with gVisor, where the Docker engine has it."""
    if GVISOR not in docker_client.info()["Runtimes"]:
        pytest.skip(f"this Docker engine knows no {GVISOR}")
    create_database(prepared_postgres, "attacked_in_gvisor", "gexec")
    environment = clean_environment(DATABASE_URL=database_url(prepared_postgres, "attacked_in_gvisor"))
    with own_server(environment, runtime=GVISOR) as (client, host):
        yield Attacked(client, host)
    host.close()


@pytest.mark.parametrize("attack", _NAMED.values(), ids=_NAMED)
def test_an_attack_is_held(attacked: Attacked, attack: AnyAttack) -> None:
    verdict = judge(attack, attacked.client, attacked.host)
    if verdict.skipped:
        pytest.skip(verdict.skipped)
    assert (verdict.problems, verdict.harm) == ((), ())


@pytest.mark.parametrize("name", [name for name in _NAMED if name.startswith(_IN_GVISOR)])
def test_an_attack_is_held_in_gvisor(in_gvisor: Attacked, name: str) -> None:
    verdict = judge(_NAMED[name], in_gvisor.client, in_gvisor.host)
    if verdict.skipped:
        pytest.skip(verdict.skipped)
    assert (verdict.problems, verdict.harm) == ((), ())
