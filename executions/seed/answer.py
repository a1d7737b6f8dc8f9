"""The answer of POST /execute: exactly stdout, stderr, exit_code and error."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import NamedTuple

from executions.models import Execution
from executions.outcomes import Outcome
from executions.printed import as_text, whole_characters
from executions.results import StepRecord, steps_in
from languages.programs import COMPILE

LARGE_BYTES = 64 * 1024
"""From so much output on, an answer is made piece by piece. In JSON a byte may become six."""
_PIECE_BYTES = 64 * 1024


class Answer(NamedTuple):
    """What is answered, with the output as it was printed: of all its forms the smallest."""

    stdout: bytes
    stderr: bytes
    exit_code: int
    error: str

    @property
    def is_large(self) -> bool:
        """Whether it is better made piece by piece."""
        return len(self.stdout) + len(self.stderr) > LARGE_BYTES

    @property
    def fields(self) -> dict[str, str | int]:
        """As a JSON object has them."""
        return {
            "stdout": as_text(self.stdout),
            "stderr": as_text(self.stderr),
            "exit_code": self.exit_code,
            "error": self.error,
        }

    def pieces(self) -> Iterator[bytes]:
        """The JSON that DRF makes of `fields`, without ever holding all of it."""
        yield b'{"stdout":"'
        yield from _escaped(self.stdout)
        yield b'","stderr":"'
        yield from _escaped(self.stderr)
        yield b'","exit_code":%d,"error":"%b"}' % (self.exit_code, _inner_json(self.error))


def answer(execution: Execution) -> Answer:
    """What is told of a finished execution. Where compiling failed, stderr is what the compiler printed."""
    stdout, stderr = _printed(steps_in(execution))
    return Answer(stdout, stderr, -1 if execution.exit_code is None else execution.exit_code, execution.error)


def _printed(steps: list[StepRecord]) -> tuple[bytes, bytes]:
    """stdout and stderr of the run; of a compile step that failed, all that it printed as stderr."""
    if not steps or (steps[-1].name == COMPILE and steps[-1].outcome is Outcome.OK):
        return b"", b""
    last = steps[-1]
    if last.name == COMPILE:
        return b"", last.stdout + last.stderr
    return (
        whole_characters(last.stdout) if last.stdout_truncated else last.stdout,
        whole_characters(last.stderr) if last.stderr_truncated else last.stderr,
    )


def _escaped(output: bytes) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for begins in range(0, len(output), _PIECE_BYTES):
        piece = output[begins : begins + _PIECE_BYTES]
        yield _inner_json(decoder.decode(piece, final=begins + _PIECE_BYTES >= len(output)))


def _inner_json(text: str) -> bytes:
    """The string without its quotes. DRF escapes two separators of lines too, which older JavaScript took for ends."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted[1:-1].replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
