"""Programs that do not want to end, or end oddly: each answer says what happened and keeps what was printed."""

from __future__ import annotations

from attacks.attack import Attack, Run
from attacks.endings import Ending

_TIMED_OUT = (Ending.TIMED_OUT,)
_FAILED = (Ending.FAILED,)

ATTACKS = (
    Attack("a daemon", "forks twice and stays; the parent ends", (Run("end_daemon.py"),), at_most_s=5),
    Attack(
        "odd processes",
        "siblings, subreapers, traced and stopped ones stay; the parent ends",
        (Run("odd_processes.py"),),
        at_most_s=5,
    ),
    Attack(
        "the first thread ends",
        "and the others go on",
        (Run("leader_gone.py", timeout_ms=1000, ends=_TIMED_OUT, prints=("the first thread ends",)),),
        at_most_s=5,
    ),
    Attack(
        "ignores every signal",
        "ignores and blocks all 64",
        (Run("end_ignores_signals.py", timeout_ms=1000, ends=_TIMED_OUT, prints=("ignoring everything",)),),
        at_most_s=5,
    ),
    Attack(
        "last words without end",
        "catches the warning of its end, forks, and goes on",
        (Run("end_last_words.py", timeout_ms=1000, ends=_TIMED_OUT, prints=("last words",)),),
        at_most_s=5,
    ),
    Attack(
        "closes its streams",
        "closes all three and exits with 7",
        (Run("end_closed_streams.py", ends=_FAILED, prints=("last words",)),),
    ),
    Attack(
        "closes its streams and stays",
        "closes all three and never ends",
        (Run("end_closed_streams_forever.py", timeout_ms=1000, ends=_TIMED_OUT, prints=("last words",)),),
        at_most_s=5,
    ),
    Attack(
        "/proc/self/fd",
        "writes to its streams by name",
        (Run("end_proc_self_fd.py", prints=("by the name of fd 1", "by the name of stderr", "no newline at the end")),),
    ),
    Attack(
        "dies by a signal",
        "prints half a line and crashes",
        (Run("end_by_signal.py", ends=_FAILED, prints=("without a newline",)),),
    ),
    Attack(
        "the wall",
        "prints the time until its limit of 1000 ms: the last is near it",
        (Run("end_wall.py", timeout_ms=1000, ends=_TIMED_OUT, prints=(r"\r(8|9|10|11)\d\d$|\r\d{3,4}\s",)),),
        at_most_s=4,
    ),
)
