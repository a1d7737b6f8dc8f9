"""Every attack of the suite, against one server that runs through all of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import docker
import pytest

from attacks.catalogue import FAMILIES, AnyAttack
from attacks.client import Client
from attacks.host import OwnHost
from attacks.judge import Verdict, judge
from attacks.server import own_server
from attacks.table import HEAD, done_in, row
from testkit.databases import create_database, database_url
from testkit.servers import clean_environment

GVISOR = "runsc"
# What a kernel of its own can answer otherwise; the whole suite: make attack ARGS="--runtime runsc".
_IN_GVISOR = ("escape: ", "protocol: forged frames", "resources: fork bomb", "resources: memory, ", "neighbours: two ")
_PROJECT = Path(__file__).resolve().parent.parent
_DISTRIBUTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
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


def test_the_suite_needs_nothing_that_gexec_does_not() -> None:
    """It runs where only requirements.txt is installed: on the machines of operators."""
    code = "import sys; there = set(sys.modules); import attacks.__main__; print(*{*sys.modules} - there)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=_PROJECT, capture_output=True, text=True, check=True)
    of_module = packages_distributions()
    used = {_plain(name) for module in loaded.stdout.split() for name in of_module.get(module.split(".")[0], ())}
    assert used - _with_what_it_needs((_PROJECT / "requirements.txt").read_text().splitlines()) == set()


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _with_what_it_needs(requirements: list[str]) -> set[str]:
    """The names of these distributions, and of all that they ask for."""
    asked, found = list(requirements), set[str]()
    while asked:
        requirement = _DISTRIBUTION.match(line := asked.pop())
        if requirement and "extra ==" not in line and (name := _plain(requirement[0])) not in found:
            found.add(name)
            with suppress(PackageNotFoundError):
                asked += distribution(name).requires or ()
    return found


def test_a_run_goes_on_where_the_one_before_ended() -> None:
    held, through = Verdict("ok", (), ()), Verdict("ok", ("a word  of  it",), ())
    verdicts = {"a": held, "b": through, "c": Verdict("-", (), (), "needs 2 API keys")}
    rows = [row(family, "a name", "tries", verdict) for family, verdict in verdicts.items()]
    printed = "\n".join(["Starting", HEAD, *rows, f"{'':12}a word  of  it  that  comes  with it", "1 held"])
    assert done_in(printed) == {"a: a name", "c: a name"}
    again = [row("b", "a name", "tries", held), row("a", "a name", "tries", through)]
    assert done_in("\n".join([printed, *again])) == {"b: a name", "c: a name"}


def test_every_attack_is_known_again_by_its_row() -> None:
    for family, attacks in FAMILIES.items():
        for attack in attacks:
            printed = row(family, attack.name, attack.tries, Verdict("two  blanks", (), ()))
            assert done_in(printed) == {f"{family}: {attack.name}"}


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
