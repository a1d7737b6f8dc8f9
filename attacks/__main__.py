"""python -m attacks: attack a gexec and print what came of it; exits 1 when an attack got through."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from attacks.catalogue import FAMILIES, AnyAttack
from attacks.client import Client, RateLimited
from attacks.host import Host, LocalHost
from attacks.judge import Verdict, judge
from attacks.server import own_server
from testkit.servers import ServerFailed, clean_environment

_ROW = "{:<11}  {:<30}  {:<72}  {:<36}  {:<8}  {}"


def main() -> int:
    """Run what was asked for; the exit code."""
    options = _parser().parse_args()
    chosen = _chosen(options.only.lower())
    if not chosen:
        print(f"no attack has {options.only!r} in its name")
        return 2
    try:
        with _target(options) as (client, host):
            got_through = _attack(chosen, client, host)
        left = host.left_at_the_end()
        host.close()
    except (RateLimited, ServerFailed, OSError) as error:
        print(error)
        return 2
    for trace in left:
        print(f"left behind: {trace}")
    return 1 if got_through or left else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m attacks", description=__doc__)
    parser.add_argument("--url", help="the server to attack, its rate limit off; without it, one of the suite's own")
    parser.add_argument("--api-key", action="append", default=[], help="a key of that server; give two")
    parser.add_argument("--runtime", default="", help="the OCI runtime of the server's containers, such as runsc")
    parser.add_argument("--patience", type=float, default=1.0, help="times as long as usual: for a slow machine")
    parser.add_argument("--only", default="", metavar="NAME", help="only the attacks with this in `family: name`")
    return parser


def _chosen(word: str) -> list[tuple[str, AnyAttack]]:
    pairs = [(family, attack) for family, attacks in FAMILIES.items() for attack in attacks]
    return [(family, attack) for family, attack in pairs if word in f"{family}: {attack.name}".lower()]


@contextmanager
def _target(options: argparse.Namespace) -> Iterator[tuple[Client, Host]]:
    if options.url:
        client = Client(options.url, options.api_key, runtime=options.runtime, patience=options.patience)
        yield client, LocalHost() if client.is_local else Host()
        return
    print("Starting a server of the suite's own ...", flush=True)
    with own_server(clean_environment(), runtime=options.runtime, patience=options.patience) as client_and_host:
        yield client_and_host


def _attack(chosen: list[tuple[str, AnyAttack]], client: Client, host: Host) -> int:
    """Attack and print the table; how many got through."""
    print(f"Attacking {client.url}\nLooked at after each: a clean program's answer; {host.evidence}.\n")
    print(_ROW.format("family", "attack", "tries", "outcome", "unharmed", "verdict"))
    began = time.monotonic()
    verdicts = []
    for family, attack in chosen:
        verdicts.append(judge(attack, client, host))
        _print_row(family, attack, verdicts[-1])
    skipped = sum(bool(verdict.skipped) for verdict in verdicts)
    got_through = sum(not verdict.held for verdict in verdicts)
    held = len(verdicts) - skipped - got_through
    print(f"\n{held} held, {got_through} got through, {skipped} skipped, in {time.monotonic() - began:.0f} s")
    return got_through


def _print_row(family: str, attack: AnyAttack, verdict: Verdict) -> None:
    word = verdict.skipped or ("held" if verdict.held else "GOT THROUGH")
    unharmed = "-" if verdict.skipped else "NO" if verdict.harm else "yes"
    print(_ROW.format(family, attack.name, attack.tries, verdict.outcome, unharmed, word), flush=True)
    for problem in (*verdict.problems, *verdict.harm):
        print(f"{'':12}{problem}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
