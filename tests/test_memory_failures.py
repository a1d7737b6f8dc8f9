"""Runtimes that give up for want of memory have run out of memory, and no program that says something else has."""

from __future__ import annotations

import pytest

from executions.models import Execution
from executions.results import finished_fields
from languages.memory_failures import ran_out_of_memory
from sandbox.types import JobResult, Outcome, StepResult
from tests.fake_backend import ran

JOB = {"profile": {"memory_bytes": 128 << 20}, "steps": [{"name": "run", "limits": {"memory_bytes": 192 << 20}}]}

SAID = {
    "java": b'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n\tat Main.main(Main.java:2)\n',
    "java, a cause": b'Exception in thread "main" X\n\tat X\nCaused by: java.lang.OutOfMemoryError: Metaspace\n',
    "groovy": b"Caught: java.lang.OutOfMemoryError: Java heap space\njava.lang.OutOfMemoryError: Java heap space\n",
    "clojure": b"Execution error (OutOfMemoryError) at user/eval1 (main.clj:1).\nJava heap space\n",
    "node": b"\n<--- Last few GCs --->\n\n[1:0x1] 9 ms: Mark-Compact\n\n<--- JS stacktrace --->\n\n"
    b"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n 1: 0xb8 node::Abort()\n",
    "deno": b"\n<--- Last few GCs --->\n\n\n\n#\n# Fatal JavaScript out of memory: Reached heap limit\n#\n==== C",
    "bun": b"2 | for (;;) f();\n    ^\nRangeError: Out of memory\n      at /box/main.ts:2:10\n\nBun v1.4.5\n",
    "go": b"fatal error: runtime: out of memory\n\nruntime stack:\n",
    "python": b'Traceback (most recent call last):\n  File "main.py", line 1, in <module>\nMemoryError\n',
    "mono": b"\nUnhandled Exception:\nSystem.OutOfMemoryException: Insufficient memory to continue.\n",
    "erlang": b'eheap_alloc: Cannot allocate 3157942320 bytes of memory (of type "heap").\n',
    "c++": b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
    "rust": b"memory allocation of 70368744177664 bytes failed\n",
    "ruby": b"main.rb:1: failed to allocate memory (NoMemoryError)\n",
    "perl": b"Out of memory in perl:util:safesysrealloc\n",
    "ocaml": b"Fatal error: exception Out_of_memory\n",
    "sbcl": b"Heap exhausted during allocation: 5668864 bytes available, 8000016 requested.\n",
}
SOMETHING_ELSE = [
    b"",
    b"the server answered: java.lang.OutOfMemoryError: Java heap space\n",
    b'Exception in thread "main" java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory\n',
    b"MemoryError\n\nDuring handling of the above exception:\n\nValueError: too large\n",
    b"MyMemoryError: none\n",
    b"RangeError: Out of memory slots\n",
    b"terminate called after throwing an instance of 'std::out_of_range'\n",
    b"goroutine stack exceeds 1000000000-byte limit\nfatal error: stack overflow\n",
]


@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
def test_a_runtime_is_taken_at_its_word(said: bytes) -> None:
    assert ran_out_of_memory(ran(outcome=Outcome.NONZERO_EXIT, stderr=said, exit_code=1))
    assert ran_out_of_memory(ran(outcome=Outcome.SIGNAL, stderr=said, signal=6))


@pytest.mark.parametrize("said", SOMETHING_ELSE)
def test_other_failures_stay_what_they_are(said: bytes) -> None:
    assert not ran_out_of_memory(ran(outcome=Outcome.NONZERO_EXIT, stderr=said, exit_code=1))


def test_only_a_run_that_failed_by_itself_is_looked_at() -> None:
    said = SAID["java"]
    assert not ran_out_of_memory(ran(outcome=Outcome.OK, stderr=said))
    assert not ran_out_of_memory(ran(outcome=Outcome.TIMEOUT_WALL, stderr=said))
    assert not ran_out_of_memory(StepResult("compile", Outcome.NONZERO_EXIT, stderr=said, exit_code=1))


def test_the_row_says_out_of_memory_as_for_the_kernels_own() -> None:
    step = ran(outcome=Outcome.NONZERO_EXIT, stderr=SAID["java"], exit_code=1)
    fields = finished_fields(Execution(job=JOB), JobResult((step,)))
    assert (fields["outcome"], fields["exit_code"]) == ("out_of_memory", 137)
    assert fields["error"] == "memory limit of 192 MB exceeded"
    assert [each["outcome"] for each in fields["steps"]] == ["out_of_memory"]


def test_the_row_names_the_signal() -> None:
    fields = finished_fields(Execution(job=JOB), JobResult((ran(outcome=Outcome.SIGNAL, signal=11),)))
    assert (fields["outcome"], fields["exit_code"], fields["error"]) == ("signal", 139, "")
    assert fields["steps"][0]["detail"] == "killed by SIGSEGV (Segmentation fault)"
