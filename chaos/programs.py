"""What the callers send: programs whose only right answer is known, and the manners of those who send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_PRINTED = 200_000
"""More than any buffer on the way holds, so that it is under way in pieces."""


class Manner(StrEnum):
    """How a client behaves."""

    WAITS = "waits"
    HANGS_UP = "hangs up"
    RESETS = "resets"
    SLOW = "sends slowly"
    STALLS = "stops sending"
    COMES_BACK = "comes back for the result"


@dataclass(frozen=True, slots=True)
class Program:
    """A source with the place of its mark, and what has to come of it if nothing of ours fails."""

    name: str
    source: str
    timeout_ms: int = 60_000
    """Far more than it takes: what is frozen for a while costs no program its time."""
    stdout: str = "{mark}\n"
    exit_code: int = 0
    error: str = ""
    language: str = "python"
    manner: Manner = Manner.WAITS

    def body(self, mark: str) -> Mapping[str, object]:
        """The request's."""
        source = self.source.replace("{mark}", mark)
        if self.manner is Manner.COMES_BACK:
            limits = {"wall_ms": self.timeout_ms}
            return {"language": self.language, "source_code": source, "limits": limits, "wait": False}
        return {"language": self.language, "source_code": source, "timeout_ms": self.timeout_ms}

    def answer(self, mark: str) -> Mapping[str, object]:
        """What a 200 has to say."""
        return {"stdout": self.stdout.replace("{mark}", mark), "exit_code": self.exit_code, "error": self.error}


_SLEEPS = "import time\nprint('{mark}')\ntime.sleep({seconds})"
_GO = 'package main\n\nfunc main() {\n\tprintln("")\n\tprint("")\n\t_ = "{mark}"\n}\n'

SHORT = Program("short", "print('{mark}')")
PROGRAMS = (
    SHORT,
    SHORT,
    SHORT,
    Program("sleeps", _SLEEPS.replace("{seconds}", "1")),
    Program("sleeps longer", _SLEEPS.replace("{seconds}", "4")),
    Program("fails", "print('{mark}')\nraise SystemExit(3)", exit_code=3),
    Program("crashes", "import os\nprint('{mark}', flush=True)\nos.abort()", exit_code=134),
    Program(
        "prints",
        f"print('{{mark}}')\nprint('x' * {_PRINTED})",
        stdout="{mark}\n" + "x" * _PRINTED + "\n",
    ),
    Program(
        "never ends",
        "print('{mark}', flush=True)\nwhile True: pass",
        timeout_ms=1500,
        exit_code=137,
        error="execution timed out after 1500 ms",
    ),
    Program("long source", "# " + "x" * 150_000 + "\nprint('{mark}')"),
    Program("is compiled", _GO, language="go", stdout=""),
    Program("hangs up", _SLEEPS.replace("{seconds}", "20"), manner=Manner.HANGS_UP),
    Program("resets", _SLEEPS.replace("{seconds}", "20"), manner=Manner.RESETS),
    Program("in the background", "print('{mark}')", manner=Manner.COMES_BACK),
    Program("sleeps in the background", _SLEEPS.replace("{seconds}", "2"), manner=Manner.COMES_BACK),
    Program("sends slowly", "print('{mark}')", manner=Manner.SLOW),
    Program("stops sending", "print('{mark}')", manner=Manner.STALLS),
)
