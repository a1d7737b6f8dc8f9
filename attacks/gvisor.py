"""What comes out otherwise where containers start with gVisor, and does no harm there: for each attack, by its name.

gVisor's kernel is the container's alone. What it gives away or lets be changed is nobody else's, and the host limits it
from outside: one that needs more memory than its container may have is ended there, which is told as a fault of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_COSTS_MORE = r"memory limit: "
"""A process that was forked takes megabytes of gVisor's memory, so a bomb of them meets that limit first."""
_ENDED_OUTSIDE = r"status 500: .*sandbox error: the container was lost"
"""What gVisor needs itself for millions of small things is not in what it counts."""

DIFFERENT = {
    "eight bombs at once": _COSTS_MORE,
    "fork bomb": _COSTS_MORE,
    "CPU, many processes": _COSTS_MORE,
    "flood, many processes": _COSTS_MORE,
    "hoard what all share": rf"{_COSTS_MORE}|hoard_shared.py: nothing like 'DONE'",
    "memory, pipes": _ENDED_OUTSIDE,
    "files, a million": _ENDED_OUTSIDE,
    "signals and timers, queued": _ENDED_OUTSIDE,
    # Connections that ended keep their port for a minute; where a container is used again, the next run finds that out.
    "the next run, everything left": r"BREACH port \d+: .*Address already in use",
    # What is traced or stopped may not end there when it is killed; then its container is ended with it.
    "odd processes": rf"{_ENDED_OUTSIDE}|answered after ",
    # It answers these for any process, and changes nothing.
    "the runner": r"BREACH (sched_setaffinity|setpriority|get_robust_list)$",
    "priority": r"BREACH (nice -1|huge pages) ",
}


def unexpected(attack: str, problems: Iterable[str]) -> tuple[str, ...]:
    """Those of an attack's problems that are none of gVisor's differences."""
    different = re.compile(DIFFERENT.get(attack, r"(?!)"))
    return tuple(problem for problem in problems if not different.search(problem))
