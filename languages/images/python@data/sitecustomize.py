"""Run at the start of every program: what was printed is out with its line, and the rest when the time is over.

SIGRTMAX comes a moment before a program is killed for its time. What is still in a buffer goes out then, and the signal
does what it would have done. The module `signal` is not needed: its import costs more than all of this.
"""

import _signal
import os
import sys


def _last_words(number, _frame):
    for stream in (sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            # Closed, none at all, or interrupted in the middle of this very thing.
            pass
    _signal.signal(number, _signal.SIG_DFL)
    os.kill(os.getpid(), number)


if sys.stdout is not None:
    sys.stdout.reconfigure(line_buffering=True)
_signal.signal(_signal.SIGRTMAX, _last_words)
