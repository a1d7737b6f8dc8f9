"""Which steps are told as they go: compiling and running. A test is told as one, by its verdict: nothing of a hidden
one, nor of the judge's program, stands in any event.
"""

from __future__ import annotations

from languages.programs import COMPILE, RUN


def is_told(step: str) -> bool:
    """Whether a step's beginning, output and end are events."""
    return step in {COMPILE, RUN} or step.startswith(f"{RUN}/")
