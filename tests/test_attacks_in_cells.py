"""What cells, and containers that everybody shares, could break: a part of the suite, against a server that has them.

All of it: make attack ARGS="--isolation shared_cell".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.catalogue import FAMILIES, AnyAttack
from attacks.client import Client
from attacks.host import OwnHost
from attacks.judge import judge
from attacks.server import own_server
from testkit.databases import create_database, database_url
from testkit.servers import clean_environment

_TRIED = (
    "cells: ", "neighbours: the next run, everything left", "neighbours: no key", "protocol: race the wipe",
    "protocol: kill everybody", "leftovers: the next test, everything", "escape: the runner",
)  # fmt: skip
_ATTACKS = {
    name: attack
    for family, attacks in FAMILIES.items()
    for attack in attacks
    if (name := f"{family}: {attack.name}").startswith(_TRIED)
}


@pytest.fixture(scope="module")
def attacked(prepared_postgres: Path) -> Iterator[tuple[Client, OwnHost]]:
    """A server without a rate limit, and two API keys. It leaves nothing behind."""
    create_database(prepared_postgres, "attacked_in_cells", "gexec")
    environment = clean_environment(DATABASE_URL=database_url(prepared_postgres, "attacked_in_cells"))
    with own_server(environment, isolation="shared_cell") as (client, host):
        yield client, host
    left = host.left_at_the_end()
    host.close()
    assert left == []


@pytest.mark.parametrize("attack", _ATTACKS.values(), ids=_ATTACKS)
def test_an_attack_is_held_in_cells(attacked: tuple[Client, OwnHost], attack: AnyAttack) -> None:
    verdict = judge(attack, *attacked)
    assert verdict.skipped == ""
    assert (verdict.problems, verdict.harm) == ((), ())


def test_forks_of_one_interpreter_have_random_numbers_of_their_own(attacked: tuple[Client, OwnHost]) -> None:
    client, _ = attacked
    program = (
        "import os, random, secrets, tempfile, threading, uuid\n"
        "print(random.random(), random.SystemRandom().random(), os.urandom(8).hex(), secrets.token_hex(), uuid.uuid4(),"
        " tempfile.mktemp())"
    )
    answers = [client.execute(program, language="python", timeout_ms=10_000, key=0) for _ in range(4)]
    told = [str(answer.fields["stdout"]).split() for answer in answers]
    assert [len(values) for values in told] == [6] * 4
    for values in zip(*told, strict=True):
        assert len(set(values)) == 4, values
