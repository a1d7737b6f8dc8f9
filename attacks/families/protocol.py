"""The conversation between the server and the runner: forged, stopped, stuffed and raced."""

from __future__ import annotations

from attacks.attack import Attack, Run
from attacks.endings import Ending

_FORGERY = Run("forged_frames.py", prints=("printed after the forgery", "DONE"))

ATTACKS = (
    Attack("forged frames", "says what the runner says, on every descriptor", (_FORGERY,)),
    Attack(
        "kill everybody",
        "signals process 1, its group, and everything else",
        (Run("kill_everybody.py", ends=(Ending.FAILED,), prints=("still here",)),),
    ),
    Attack(
        "stop itself",
        "stops, and is never continued",
        (Run("stop_itself.py", timeout_ms=800, ends=(Ending.TIMED_OUT,), prints=("before the stop",)),),
        at_most_s=5,
    ),
    Attack("full pipes", "fills the pipes and leaves them", (Run("fill_and_never_read.py"),)),
    Attack("spliced pages", "gives pages to the pipe and changes them", (Run("splice_into_pipes.py"),)),
    Attack(
        "exit between frames",
        "ends while its children write and fork",
        (Run("exit_between.py", ends=(Ending.CLEAN, Ending.OUTPUT_LIMIT), prints=("parent",)),),
    ),
    Attack("links over the runner's paths", "symlinks where the runner writes and wipes", (Run("file_links.py"),)),
    Attack(
        "race the wipe",
        "makes files while the runner removes them; the next run looks for them",
        (Run("race_the_wipe.py", key=0), Run("find_anything.py", key=0)),
    ),
)
