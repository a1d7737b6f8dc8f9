"""What a client can send instead of a program: each is refused clearly, or taken for what it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from attacks.attack import Report
from attacks.client import Client

_HELLO = 'print("hi")'


@dataclass(frozen=True, slots=True)
class RequestAttack:
    """One body, and the statuses and the words that may come back."""

    name: str
    tries: str
    body: bytes
    statuses: tuple[int, ...] = (400,)
    answers: str = r'^\{"error": ?".+"\}$'
    path: str = "/execute"

    def perform(self, client: Client) -> Report:
        """Post it and judge the answer."""
        answer = client.post(self.body, self.path)
        problems = []
        if answer.status not in self.statuses:
            problems.append(f"status {answer.status}: {answer.text[:200]}")
        if not re.search(self.answers, answer.text, re.DOTALL):
            problems.append(f"answered {answer.text[:200]}")
        if re.search(r"Traceback|File \"/|Exception", answer.text):
            problems.append(f"tells of its insides: {answer.text[:200]}")
        return Report(f"{answer.status}", tuple(problems))


def _submission(**fields: object) -> bytes:
    return json.dumps({"language": "python", "source_code": _HELLO, **fields}).encode()


def _beside_timeout(value: bytes) -> bytes:
    return b'{"language": "python", "source_code": "1", "timeout_ms": ' + value + b"}"


def _language(name: object) -> bytes:
    return _submission(language=name)


_RAN = r'"stdout": ?"hi\\n"'

ATTACKS = (
    RequestAttack("no body", "nothing", b""),
    RequestAttack("not JSON", "words", b"print(1)"),
    RequestAttack("not an object", "a list", b"[1, 2]"),
    RequestAttack("not UTF-8", "bytes that are no text", b'{"language": "\xff\xfe", "source_code": "1"}'),
    RequestAttack("deep nesting", "100,000 lists in lists", b"[" * 100_000 + b"]" * 100_000),
    RequestAttack(
        "deep nesting, ignored field",
        "100,000 objects in an unknown field",
        b'{"language": "python", "source_code": "1", "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ),
    RequestAttack("huge number", "a time-out of 5,000 digits", _beside_timeout(b"9" * 5000)),
    RequestAttack("huge source", "10 MB of source", _submission(source_code="#" * 10_000_000), (413,)),
    RequestAttack("large source", "one byte more than 256 KiB", _submission(source_code="#" * 262_145), (413,)),
    RequestAttack(
        "zip-bomb-like source",
        "300,000 escapes that become one character each",
        _submission(source_code="\u0001" * 300_000),
        (413,),
    ),
    RequestAttack("NUL in the source", "a source that ends early", _submission(source_code="print(1)\0print(2)")),
    RequestAttack(
        "lone surrogate", "text that has no bytes", b'{"language": "python", "source_code": "print(\\ud800)"}'
    ),
    RequestAttack("language: path", "../../etc/passwd", _language("../../etc/passwd")),
    RequestAttack("language: option", "--privileged", _language("--privileged")),
    RequestAttack("language: image", "an image's name", _language("debian:trixie-slim")),
    RequestAttack("language: NUL", "python and a NUL", _language("python\0")),
    RequestAttack("language: unicode", "letters that look like python", _language("\uff50ython")),
    RequestAttack("language: SQL", "quotes", _language("python' OR '1'='1")),
    RequestAttack("language: 1 MB", "a name of 1 MB", _language("x" * 1_000_000)),
    RequestAttack("language: object", "an object", _language({"slug": "python"})),
    RequestAttack("time-out: zero", "0", _submission(timeout_ms=0)),
    RequestAttack("time-out: negative", "-1", _submission(timeout_ms=-1)),
    RequestAttack("time-out: float", "1.5", _submission(timeout_ms=1.5)),
    RequestAttack("time-out: NaN", "NaN", _beside_timeout(b"NaN")),
    RequestAttack("time-out: true", "true", _submission(timeout_ms=True)),
    RequestAttack("time-out: years", "2^53", _submission(timeout_ms=2**53)),
    RequestAttack(
        "unknown fields",
        "limits, an image, privileges and commands that the contract does not have",
        _submission(
            limits={"memory_mb": 10**6},
            image="debian",
            privileged=True,
            run_command=["id"],
            files=[{"name": "../x"}],
            env={"LD_PRELOAD": "/x"},
        ),
        (200,),
        _RAN,
    ),
    RequestAttack(
        "duplicate keys",
        "two sources",
        b'{"language": "python", "source_code": "print(1)", ' + _submission()[1:],
        (200,),
        _RAN,
    ),
    RequestAttack("byte order mark", "a BOM before the JSON", b"\xef\xbb\xbf" + _submission(), (200, 400), r'"error"'),
    RequestAttack("path tricks", "/execute/../admin", _submission(), (404, 400), "error", "/execute/../admin/"),
)
