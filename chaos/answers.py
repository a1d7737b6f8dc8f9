"""Whether each answer was a right one, or one that what was done excuses, and came in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.campaign import Happened
from chaos.journal import Asked
from chaos.programs import Manner

SLOT_WAIT_S = 10.0
"""GEXEC_WAIT_MS by default: for a slot and a container."""
MARGIN_S = 75.0
"""What may come to a program's own time and its wait: the Docker engine that is asked to resize a container and hangs
(20 s), another container in the place of one that broke (10 s), a runner that does not answer (7 s), a database that
hangs while the row is written (10 s and the last try, 12 s), and as much again for a busy machine."""
_BUSY = "no free slot: the server is busy"
_TOO_LATE = 408


def wrong_answers(asked: Sequence[Asked], rounds: Sequence[Happened]) -> Iterator[str]:
    """What no fault excuses."""
    refused = 0
    for each in asked:
        around = [happened for happened in rounds if happened.overlaps(each.began, each.ended)]
        if not _is_excused(each, around):
            # Of these there are as many as a client can try.
            if each.is_refused:
                refused += 1
            else:
                yield f"wrong: {each}"
        elif (too_long_s := beyond_bound_s(each, around)) > 0:
            yield f"{too_long_s:.1f} s too late: {each}"
    if refused:
        yield f"wrong: {refused} connections refused when the server should have been there"


def beyond_bound_s(asked: Asked, rounds: Sequence[Happened]) -> float:
    """How much later than promised its answer came; negative where it came in time."""
    held_s = sum(happened.held_s(asked.began, asked.ended) for happened in rounds)
    return asked.took_s - held_s - asked.program.timeout_ms / 1000 - SLOT_WAIT_S - MARGIN_S


def _is_excused(asked: Asked, around: Sequence[Happened]) -> bool:
    manner = asked.program.manner
    if manner in {Manner.HANGS_UP, Manner.RESETS} or asked.is_good:
        return True
    if manner is Manner.STALLS and asked.status == _TOO_LATE:
        return True
    error = str((asked.answer or {}).get("error", ""))
    if asked.status == 503 and error == _BUSY:
        return True
    if asked.status is None:
        return any(fault.breaks_connections for happened in around for fault in happened.faults)
    ours = asked.status == 503 or (asked.status == 500 and error.startswith("sandbox error: "))
    return ours and bool(around)
