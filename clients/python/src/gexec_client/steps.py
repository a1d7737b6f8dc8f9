"""What an operation asks of the network, one step after the other. It is done elsewhere, by threads or by tasks.

An operation is a generator: it yields steps, is sent what came of each, and returns its result. What a step raises is
raised where it was yielded. So there is one text of each operation, for both kinds of clients.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from gexec_client.errors import UnexpectedAnswer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """A request, and its whole answer: a Reply. Raises ConnectionFailed."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    repeatable: bool = False
    """Whether the contract lets it be sent again when nobody knows what became of it."""
    read_timeout_s: float | None = None
    """How long nothing may come; None: as the client has it."""

    def with_headers(self, **headers: str) -> Send:
        """The same with these besides; `_` stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


@dataclass(frozen=True, slots=True)
class Open:
    """A request whose answer is read bit by bit: a Reply, without a body where that is a stream. Raises the same."""

    send: Send


@dataclass(frozen=True, slots=True)
class Read:
    """The next bytes of what is open; empty at its end. Raises ConnectionFailed."""


@dataclass(frozen=True, slots=True)
class Shut:
    """What is open is read no further."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for so long."""

    seconds: float


Step: TypeAlias = Send | Open | Read | Shut | Sleep
Flow: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """With names in small letters."""
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body. Raises UnexpectedAnswer."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UnexpectedAnswer(f"an answer with the status {self.status} is no JSON") from None
