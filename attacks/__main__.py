"""python -m attacks: attack a gexec and print what came of it; exits 1 when an attack got through."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import get_args

from attacks.catalogue import FAMILIES, AnyAttack
from attacks.client import Client, Isolation, RateLimited
from attacks.host import Host, LocalHost
from attacks.judge import Verdict, judge
from attacks.server import own_server
from attacks.table import HEAD, done_in, row
from testkit.servers import ServerFailed, clean_environment

Named = tuple[str, AnyAttack]
"""An attack and its family's name."""
UNFINISHED = 3


def main() -> int:
    """Run what was asked for; the exit code."""
    options = _parser().parse_args()
    chosen = _chosen([word.lower() for word in options.only])
    if not chosen:
        print(f"no attack has {' or '.join(map(repr, options.only))} in its name")
        return 2
    done = done_in(options.resume.read_text(errors="replace")) if options.resume and options.resume.exists() else set()
    waiting = [(family, attack) for family, attack in chosen if f"{family}: {attack.name}" not in done]
    if not waiting:
        print(f"all {len(chosen)} are done in {options.resume}")
        return 0
    try:
        with _target(options) as (client, host):
            got_through, unfinished = _attack(waiting, client, host, within_s=options.minutes * 60)
        left = host.left_at_the_end()
        host.close()
    except (RateLimited, ServerFailed, OSError) as error:
        print(error)
        return 2
    for trace in left:
        print(f"left behind: {trace}")
    return 1 if got_through or left else UNFINISHED if unfinished else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m attacks", description=__doc__)
    parser.add_argument("--url", help="the server to attack, its rate limit off; without it, one of the suite's own")
    parser.add_argument("--api-key", action="append", default=[], help="a key of that server; give two")
    parser.add_argument("--runtime", default="", help="the OCI runtime of the server's containers, such as runsc")
    parser.add_argument(
        "--isolation",
        choices=get_args(Isolation),
        default="container",
        help="what the server makes anew for each program",
    )
    parser.add_argument("--patience", type=float, default=1.0, help="times as long as usual: for a slow machine")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="only those with this in `family: name`; or several"
    )
    parser.add_argument("--resume", type=Path, metavar="LOG", help="not those that held by an earlier output")
    parser.add_argument("--minutes", type=float, default=inf, help="begin none after so long; 3 where some are left")
    return parser


def _chosen(words: list[str]) -> list[Named]:
    pairs = [(family, attack) for family, attacks in FAMILIES.items() for attack in attacks]
    return [pair for pair in pairs if not words or any(word in f"{pair[0]}: {pair[1].name}".lower() for word in words)]


@contextmanager
def _target(options: argparse.Namespace) -> Iterator[tuple[Client, Host]]:
    if options.url:
        client = Client(
            options.url,
            options.api_key,
            runtime=options.runtime,
            patience=options.patience,
            isolation=options.isolation,
        )
        yield client, LocalHost() if client.is_local else Host()
        return
    print("Starting a server of the suite's own ...", flush=True)
    with own_server(
        clean_environment(), runtime=options.runtime, patience=options.patience, isolation=options.isolation
    ) as client_and_host:
        yield client_and_host


def _attack(waiting: list[Named], client: Client, host: Host, *, within_s: float) -> tuple[int, int]:
    """Attack and print the table; how many got through, and how many there was no time for."""
    print(f"Attacking {client.url}\nLooked at after each: a clean program's answer; {host.evidence}.\n")
    print(HEAD)
    began = time.monotonic()
    verdicts: list[Verdict] = []
    for family, attack in waiting:
        if time.monotonic() - began > within_s:
            break
        verdicts.append(judge(attack, client, host))
        _print_row(family, attack, verdicts[-1])
    skipped = sum(bool(verdict.skipped) for verdict in verdicts)
    got_through = sum(not verdict.held for verdict in verdicts)
    unfinished = len(waiting) - len(verdicts)
    print(
        f"\n{len(verdicts) - skipped - got_through} held, {got_through} got through, {skipped} skipped, "
        f"{unfinished} not begun, in {time.monotonic() - began:.0f} s"
    )
    return got_through, unfinished


def _print_row(family: str, attack: AnyAttack, verdict: Verdict) -> None:
    print(row(family, attack.name, attack.tries, verdict), flush=True)
    for problem in (*verdict.problems, *verdict.harm):
        print(f"{'':12}{problem}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
