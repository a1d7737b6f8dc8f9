"""Programs that look for one another: at the same time, and one after the other in one container."""

from __future__ import annotations

from attacks.attack import Attack, Run
from attacks.endings import Ending

ATTACKS = (
    Attack(
        "two at once",
        "files, processes, ports, names, locks and terminals of the other",
        (Run("meet_neighbour.py"), Run("meet_neighbour.py")),
        together=True,
        same_container=False,
    ),
    Attack(
        "watch a neighbour",
        "inotify on files that containers might share",
        (Run("watch_neighbour.py"), Run("be_watched.py", delay_s=1.0)),
        together=True,
    ),
    Attack("the whole machine", "locks, counters and devices of all in /proc and /sys", (Run("see_machine.py"),)),
    Attack("the page cache", "advice and reads that tell what others read", (Run("page_cache.py"),)),
    Attack(
        "hoard what all share",
        "asynchronous I/O, terminals, inotify: a neighbour wants some too",
        (Run("hoard_shared.py", timeout_ms=8000), Run("need_shared.py", timeout_ms=8000, delay_s=2.0)),
        together=True,
    ),
    Attack(
        "the next run, everything left",
        "files, modes, daemons, sockets and limits left in a used container",
        (Run("leave_everything.py", key=0), Run("find_anything.py", key=0)),
        same_container=True,
    ),
    Attack(
        "the next run, odd files",
        "deep directories, every byte in names, links that loop, locked folders",
        (Run("file_mess.py", key=0, timeout_ms=10_000), Run("find_anything.py", key=0)),
    ),
    Attack(
        "the next run, links",
        "symlinks over the runner's paths in a container that is used again",
        (Run("file_links.py", key=0), Run("find_anything.py", key=0)),
    ),
    Attack(
        "the next run, after a kill",
        "a container whose program was ended is not used again",
        (
            Run("end_ignores_signals.py", key=0, timeout_ms=500, ends=(Ending.TIMED_OUT,), prints=()),
            Run("find_anything.py", key=0),
        ),
    ),
    Attack(
        "two keys",
        "one key's container is never another's",
        (Run("leave_everything.py", key=0), Run("find_anything.py", key=1)),
        same_container=False,
    ),
    Attack(
        "no key",
        "without a key no container is used again",
        (Run("leave_everything.py"), Run("find_anything.py")),
        same_container=False,
    ),
)
