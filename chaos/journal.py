"""What was asked and what came of it, each request under a mark of its own."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from chaos.programs import Program


@dataclass
class Asked:
    """One request. Times are monotonic."""

    program: Program
    mark: str = field(default_factory=lambda: f"mark-{secrets.token_hex(8)}")
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    """When the answer was whole, or the connection over."""
    status: int | None = None
    """None where the connection broke, or the client left it."""
    answer: Any = None
    """The JSON of the body."""
    execution_id: str | None = None
    broken: str = ""
    """How the connection broke."""

    @property
    def took_s(self) -> float:
        """From before the connection was made."""
        return self.ended - self.began

    @property
    def is_good(self) -> bool:
        """Whether the answer is the one right one."""
        right = self.program.answer(self.mark)
        return self.status == 200 and {name: self.answer.get(name) for name in right} == right

    @property
    def is_refused(self) -> bool:
        """Whether nobody listened."""
        return self.broken.startswith("ConnectionRefused")

    def __str__(self) -> str:
        said = f"{self.status} {str(self.answer)[:200]}" if self.status else f"no answer ({self.broken})"
        return f"{self.program.name} {self.mark} ({self.execution_id}), {self.took_s:.1f} s: {said}"


class Journal:
    """All requests; safe for threads."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._lock = threading.Lock()

    def add(self, asked: Asked) -> None:
        """Once it is over."""
        with self._lock:
            self._asked.append(asked)

    def all(self) -> list[Asked]:
        """Those that are over, in the order of their ends."""
        with self._lock:
            return list(self._asked)
