"""The table that a run prints: a row for each attack, which a later run reads to go on from there."""

from __future__ import annotations

import re
from typing import Final

from attacks.judge import Verdict

_ROW: Final = "{:<11}  {:<30}  {:<72}  {:<36}  {:<8}  {}"
_COLUMNS: Final = ("family", "attack", "tries", "outcome", "unharmed", "verdict")
_GOT_THROUGH: Final = "GOT THROUGH"
HEAD: Final = _ROW.format(*_COLUMNS)


def row(family: str, name: str, tries: str, verdict: Verdict) -> str:
    """One attack. Two blanks or more stand between the columns, and nowhere else."""
    word = verdict.skipped or ("held" if verdict.held else _GOT_THROUGH)
    unharmed = "-" if verdict.skipped else "NO" if verdict.harm else "yes"
    columns = (family, name, tries, verdict.outcome, unharmed, word)
    return _ROW.format(*(" ".join(column.split()) for column in columns))


def done_in(printed: str) -> frozenset[str]:
    """`family: name` of every attack whose last row there says that it held, or why it cannot be tried."""
    last = {}
    for line in printed.splitlines():
        family, *others = re.split(r" {2,}", line.rstrip())
        if family and line.rstrip() != HEAD and len(others) == len(_COLUMNS) - 1:
            last[f"{family}: {others[0]}"] = others[-1]
    return frozenset(name for name, word in last.items() if word != _GOT_THROUGH)
