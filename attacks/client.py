"""Speaks to the attacked server over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlsplit

from testkit.waiting import last_seen

_ANSWER_S = 120
"""More than any attack's limits and waits together: what takes longer hangs."""
LONGEST_MS = 300_000
"""What the languages of the attacks allow as they are shipped."""
_BUSY_S = 60
"""How long a server may answer 503 after an attack that filled it."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HELLO = {
    "python": ("print(6 * 7)", "42\n"),
    "go": ('package main\n\nimport "fmt"\n\nfunc main() { fmt.Println(6 * 7) }\n', "42\n"),
    "c": ('#include <stdio.h>\nint main(void) { printf("%d\\n", 6 * 7); }\n', "42\n"),
}


Isolation = Literal["container", "cell", "shared_cell"]
"""As `isolation` of GET /api/v1/languages says it."""


class RateLimited(Exception):
    """The server answered 429: its rate limit has to be off, or far higher, for the attacks to mean anything."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the body; `fields` are empty where the body is not a JSON object."""

    status: int
    body: bytes
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body, readable."""
        return self.body.decode(errors="replace")


class Client:
    """One server, and the API keys that its operator gave."""

    def __init__(
        self,
        url: str,
        keys: Sequence[str] = (),
        *,
        reuses: bool = False,
        runtime: str = "",
        patience: float = 1.0,
        isolation: Isolation = "container",
    ) -> None:
        """`reuses`: the server is known to use containers again for a key, so it is wrong where it does not.

        `runtime` is what its containers are known to start with. `patience` says how many times longer than on an
        ordinary machine everything may take. `isolation` is what it is known to make anew for each program.
        """
        self.url = url.rstrip("/")
        self.keys = tuple(keys)
        self.reuses = reuses
        self.runtime = runtime
        self.patience = patience
        self.isolation = isolation

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, by its address."""
        return urlsplit(self.url).hostname in _LOOPBACK

    def told_isolation(self) -> str | None:
        """What the server says of it."""
        with urllib.request.urlopen(f"{self.url}/api/v1/languages/python", timeout=_ANSWER_S) as answer:
            found: str | None = json.load(answer)["isolation"]
        return found

    @cached_property
    def languages(self) -> frozenset[str]:
        """Those of the attacks' languages that the server runs."""
        return frozenset(language for language in _HELLO if self.execute(*_hello(language)).status == 200)

    def execute(
        self, source: str, language: str = "python", *, timeout_ms: int | None = None, key: int | None = None
    ) -> Answer:
        """POST /execute; asks again while the server says that it is busy."""
        body: dict[str, Any] = {"language": language, "source_code": source}
        if timeout_ms is not None:
            body["timeout_ms"] = timeout_ms
        sent = json.dumps(body).encode()
        return last_seen(
            lambda: self.post(sent, key=key),
            until=lambda answer: answer.status != 503,
            within_s=_BUSY_S * self.patience,
            every_s=0.5,
        )

    def patient_ms(self, timeout_ms: int) -> int:
        """A program's time limit on this machine, as far as a language allows."""
        return max(timeout_ms, min(int(timeout_ms * self.patience), LONGEST_MS))

    def post(self, body: bytes, path: str = "/execute", *, key: int | None = None, media_type: str = "") -> Answer:
        """POST these bytes. Raises RateLimited."""
        headers = {"Authorization": f"Api-Key {self.keys[key]}"} if key is not None else {}
        if media_type:
            headers["Content-Type"] = media_type
        return self._request(urllib.request.Request(self.url + path, data=body, headers=headers))

    def clean_program_problem(self) -> str:
        """Run a program that does no harm; what is wrong with its answer, or nothing."""
        source, expected = _HELLO["python"]
        answer = self.execute(source, timeout_ms=self.patient_ms(10_000))
        wanted = {"stdout": expected, "stderr": "", "exit_code": 0, "error": ""}
        return "" if answer.fields == wanted else f"a clean program was answered {answer.text[:300]}"

    def _request(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S * self.patience) as response:
                return _answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 429:
                    raise RateLimited("the server answered 429: start it with GEXEC_RATE_LIMIT=off") from None
                return _answer(error.code, error.read())


def _hello(language: str) -> tuple[str, str]:
    return _HELLO[language][0], language


def _answer(status: int, body: bytes) -> Answer:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = {}
    return Answer(status, body, fields if isinstance(fields, dict) else {})
