"""`python -m chaos [--seed 1] [--seconds 600] [--faults worker-killed,engine-hangs]`: harm a server and reconcile.

Exit code 1 where something did not reconcile, or did not recover in time.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from chaos.faults import ALL
from chaos.trial import Wishes, report, run
from testkit.servers import ServerFailed, clean_environment

_say = partial(print, flush=True)


def main() -> int:
    """Do what was asked for; the exit code."""
    wishes = _wishes()
    unknown = set(wishes.faults) - {fault.name for fault in ALL}
    if unknown:
        _say(f"there is no fault {', '.join(sorted(unknown))}; there are {', '.join(fault.name for fault in ALL)}")
        return 2
    _say(f"Starting a server of its own ... (seed {wishes.seed}, {wishes.seconds:.0f} s, {len(wishes.faults)} faults)")
    try:
        outcome = run(wishes, environment=clean_environment(), tell=_say)
    except ServerFailed as error:
        _say(error)
        return 2
    for line in report(outcome):
        _say(line)
    return 1 if outcome.problems else 0


def _wishes() -> Wishes:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same one gives the same faults in the same order")
    parser.add_argument("--seconds", type=float, default=600, help="how long faults are begun, recoveries not counted")
    usual = ",".join(fault.name for fault in ALL if not fault.is_long)
    parser.add_argument("--faults", default=usual, help=f"names, separated by commas; by default {usual}")
    parser.add_argument("--callers", type=int, default=14, help="how many send programs all the time")
    options = parser.parse_args()
    return Wishes(options.seed, options.seconds, options.faults.split(","), callers=options.callers)


if __name__ == "__main__":
    sys.exit(main())
