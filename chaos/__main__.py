"""`python -m chaos [--seed 1] [--seconds 600] [--faults worker-killed,engine-hangs]`: harm a server and reconcile.

With --hosts, harm hosts, web servers and NATS in networks of their own, which takes root. Exit code 1 where something
did not reconcile, or did not recover in time.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from chaos.faults import ALL, NAMED
from chaos.hosts import faults as hosts_faults
from chaos.hosts import trial as hosts_trial
from chaos.trial import Wishes, report, run
from testkit.networks import why_not
from testkit.servers import ServerFailed, clean_environment

_say = partial(print, flush=True)


def main() -> int:
    """Do what was asked for; the exit code."""
    options = _options()
    known = hosts_faults.NAMED if options.hosts else NAMED
    usual = [fault.name for fault in ALL if not fault.is_long]
    faults = options.faults.split(",") if options.faults else list(known) if options.hosts else usual
    if unknown := set(faults) - known.keys():
        _say(f"there is no fault {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        return 2
    _say(f"Starting what is harmed ... (seed {options.seed}, {options.seconds:.0f} s, {len(faults)} faults)")
    try:
        return _of_hosts(options, faults) if options.hosts else _of_one(options, faults)
    except ServerFailed as error:
        _say(error)
        return 2


def _of_one(options: argparse.Namespace, faults: list[str]) -> int:
    wishes = Wishes(options.seed, options.seconds, faults, callers=options.callers)
    outcome = run(wishes, environment=clean_environment(), tell=_say)
    for line in report(outcome):
        _say(line)
    return 1 if outcome.problems else 0


def _of_hosts(options: argparse.Namespace, faults: list[str]) -> int:
    if reason := why_not():
        raise ServerFailed(reason)
    wishes = hosts_trial.Wishes(options.seed, options.seconds, faults, rate=options.rate)
    outcome = hosts_trial.run(wishes, environment=clean_environment(), tell=_say)
    for line in hosts_trial.report(outcome):
        _say(line)
    return 1 if outcome.problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the same one gives the same faults in the same order")
    parser.add_argument("--seconds", type=float, default=600, help="how long faults are begun, recoveries not counted")
    parser.add_argument("--hosts", action="store_true", help="harm hosts, web servers and NATS")
    parser.add_argument("--faults", default="", help="names, separated by commas; an unknown one lists them all")
    parser.add_argument("--callers", type=int, default=14, help="how many send programs all the time")
    parser.add_argument("--rate", type=float, default=5, help="with --hosts: executions a second, 20 at the most here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
