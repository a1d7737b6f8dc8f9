"""Programs that want to pass tests without solving them, and checkers that want more than to check."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from attacks.attack import Report, Run
from attacks.client import Client

_PATH = "/api/v1/executions"
_GUEST_IN_A_CHECKER = """
import contextlib, io, json, sys
told, said = json.load(sys.stdin), io.StringIO()
with contextlib.redirect_stdout(said):
    exec(compile(told["input"], "guest", "exec"), {"__name__": "__main__"})
print(json.dumps({"verdict": "passed", "message": said.getvalue()[-900:]}))
"""
"""Runs what a test has as its input, and tells what that has printed."""
_FORGED = r"""
import json, os, struct, sys
passed = json.dumps({"verdict": "passed", "points": 1}).encode()
frame = b"X" + struct.pack(">I", 32) + bytes(32)
mark = b"\n--- gexec: feedback ---\n\n\n\n"
for number in range(1, 64):
    for data in (passed, b"ok\n", mark, frame, b"R" + struct.pack(">IHI", 6, 1, 1)):
        try:
            os.write(number, data)
        except OSError:
            pass
"""
_CHECKERS = {
    "testlib": "import sys; sys.exit(0 if open(sys.argv[2]).read() == open(sys.argv[3]).read() else 1)",
    "kattis": "import sys; sys.exit(42 if sys.stdin.buffer.read() == open(sys.argv[2], 'rb').read() else 43)",
    "json": (
        "import json, sys; told = json.load(sys.stdin); good = told['actual'] == told['expected']\n"
        "print(json.dumps({'verdict': 'passed' if good else 'wrong_answer', 'message': told['actual'][:500]}))"
    ),
}
_FLOODS = (
    "import sys\nwhile True: sys.stdout.write('x' * 65536)",
    "import os\nwhile True: os.fork()",
    "x = bytearray(1 << 30)",
    # Where there is nobody else to signal the first call fails; it ends by a signal in either case.
    "import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nfinally: os.kill(os.getpid(), signal.SIGKILL)",
    "while True: pass",
)


@dataclass(frozen=True, slots=True)
class GradingAttack:
    """A request with tests, and what is wrong with its answer."""

    name: str
    tries: str
    request: Callable[[], dict[str, Any]]
    wrong: Callable[[dict[str, Any]], list[str]]

    def perform(self, client: Client) -> Report:
        """Post it and judge the answer."""
        body = json.dumps({"language": "python"} | self.request()).encode()
        answer = client.post(body, _PATH, media_type="application/json")
        if answer.status != 200:
            return Report(f"{answer.status}", (f"status {answer.status}: {answer.text[:300]}",))
        found = dict(answer.fields)
        return Report(str(found["verdict"]), tuple(self.wrong(found)))


def _verdicts(found: dict[str, Any]) -> list[str]:
    return [test["verdict"] for test in found["tests"]]


def _all(verdict: str) -> Callable[[dict[str, Any]], list[str]]:
    def wrong(found: dict[str, Any]) -> list[str]:
        return [
            f"{test['name']}: {test['verdict']}, not {verdict}" for test in found["tests"] if test["verdict"] != verdict
        ]

    return wrong


def _find_expected() -> dict[str, Any]:
    expected, given = secrets.token_hex(12), secrets.token_hex(12)
    masked = " ".join("".join(chr(ord(letter) ^ 1) for letter in word) for word in (expected, given))
    source = Run("find_expected.py", kind=masked).source(secrets.token_hex(4))
    hidden = {"hidden": True, "expected_stdout": expected, "stdin": given}
    return {"source_code": source, "tests": [hidden, {"expected_stdout": "DONE"}, hidden, {"expected_stdout": "DONE"}]}


def _nothing_found(found: dict[str, Any]) -> list[str]:
    wanted = ["wrong_answer", "passed", "wrong_answer", "passed"]
    printed = [test["stdout"][:300] + test["stderr"][-300:] for test in found["tests"]]
    return [] if _verdicts(found) == wanted else [f"{_verdicts(found)}: {printed}"]


def _forge(protocol: str | None) -> Callable[[], dict[str, Any]]:
    def request() -> dict[str, Any]:
        tests = [{"name": str(number), "expected_stdout": secrets.token_hex(8)} for number in range(3)]
        how: dict[str, Any] = {"compare": "tokens"}
        if protocol:
            how = {"checker": {"language": "python", "protocol": protocol, "source_code": _CHECKERS[protocol]}}
        return {"source_code": _FORGED, "tests": tests, "grading": how}

    return request


def _leave_in_a_checker() -> dict[str, Any]:
    leave, find = (Run(name).source(secrets.token_hex(4)) for name in ("leave_everything.py", "find_anything.py"))
    checker = {"language": "python", "protocol": "json", "source_code": _GUEST_IN_A_CHECKER}
    tests = [{"name": name, "stdin": source} for name, source in (("leave", leave), ("find", find)) * 2]
    return {"source_code": "pass", "tests": tests, "grading": {"checker": checker}}


def _nothing_left(found: dict[str, Any]) -> list[str]:
    finders = [test for test in found["tests"] if test["name"] == "find"]
    messages = [test["checker_message"] for test in finders]
    return [message for message in messages if "BREACH" in message or "DONE" not in message]


def _flood_as_a_checker() -> dict[str, Any]:
    source = "import sys\nexec(open(sys.argv[1]).read())\nsys.exit(0)\n"
    limits = {"wall_ms": 20_000, "cpu_ms": 1_000}
    tests = [{"name": str(number), "stdin": flood} for number, flood in enumerate(_FLOODS)]
    checker = {"language": "python", "source_code": source, "limits": limits}
    return {"source_code": "pass", "tests": tests, "grading": {"checker": checker}}


ATTACKS = (
    GradingAttack("what is expected", "looks for it, and for earlier tests' input", _find_expected, _nothing_found),
    *(
        GradingAttack(
            f"forged verdicts, {protocol or 'compared'}",
            "prints verdicts, frames and feedback to every descriptor",
            _forge(protocol),
            _all("wrong_answer"),
        )
        for protocol in (None, *_CHECKERS)
    ),
    GradingAttack("leave things in a checker", "for its own next test", _leave_in_a_checker, _nothing_left),
    GradingAttack(
        "hostile checkers", "floods, forks, memory, signals, loops", _flood_as_a_checker, _all("checker_error")
    ),
)
