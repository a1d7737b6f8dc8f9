"""How runtimes say that they have no more memory, where they end by themselves and the kernel had nothing to do.

A program that prints such a text and fails is taken at its word: it says nothing of anybody but itself.
"""

from __future__ import annotations

import re

from languages.programs import RUN
from sandbox.types import Outcome, StepResult

_LOOKED_AT_BYTES = 64 * 1024
"""Of the end of stderr: some runtimes print pages of state after their message, none as much as this."""
_JAVA_REASONS = (
    rb"Java heap space|GC overhead limit exceeded|Metaspace|Compressed class space"
    rb"|Requested array size exceeds VM limit|Direct buffer memory|Cannot reserve \d+ bytes of direct buffer memory"
)
"""Not the one for threads, which is a limit on processes."""

_AT_A_LINES_START = re.compile(
    rb"^(?:" + rb"|".join(
        (
            # Java, Kotlin, Scala and Groovy; Clojure names the reason on a line of its own.
            rb'(?:Exception in thread "[^"\n]*" |Exception: |Caught: |Caused by: )?java\.lang\.OutOfMemoryError: (?:'
            + _JAVA_REASONS + rb")",
            rb"(?:Execution|Syntax) error \(OutOfMemoryError\)[^\n]*\n(?:" + _JAVA_REASONS + rb")",
            # Node, Deno, Bun, Go, Mono, Erlang and Elixir, C++, Rust, D, Haskell, OCaml, Pascal, Fortran.
            rb"FATAL ERROR: [^\n]*Allocation failed - (?:JavaScript heap|process) out of memory",
            rb"# Fatal JavaScript out of memory: ",
            rb"RangeError: Out of memory$",
            rb"(?:fatal error: )?runtime: (?:out of memory|cannot allocate memory)",
            rb"(?:Unhandled Exception:\n|\[ERROR\] FATAL UNHANDLED EXCEPTION: )System\.OutOfMemoryException",
            rb"Error: Garbage collector could not allocate",
            rb"[a-z_]*alloc: Cannot (?:re)?allocate \d+ bytes of memory",
            rb"terminate called after throwing an instance of 'std::bad_alloc'",
            rb"memory allocation of \d+ bytes failed",
            rb"core\.exception\.OutOfMemoryError",
            rb"[^\n:]*: (?:heap overflow|Heap exhausted)",
            rb"Fatal error: exception (?:Stdlib\.)?Out_of_memory",
            rb"Runtime error 203 at",
            rb"Error allocating \d+ bytes",
            # Ruby, Perl, PHP, Lua, R, Octave, Common Lisp, Racket, Tcl, AWK.
            rb"\[FATAL\] failed to allocate memory",
            rb"[^\n]*failed to allocate memory \(NoMemoryError\)",
            rb"Out of memory(?:!| in perl)",
            rb"(?:PHP )?Fatal error: +(?:Out of memory|Allowed memory size)",
            rb"lua[\d.]*: not enough memory",
            rb"Error: (?:cannot allocate vector of size|memory exhausted)",
            rb"error: out of memory or dimension too large",
            rb"Heap exhausted(?:,| during)",
            rb"out of memory$",
            rb"unable to (?:re)?alloc \d+ bytes",
            rb"gawk: [^\n]*memory exhausted",
        )
    ) + rb")",
    re.MULTILINE,
)  # fmt: skip
_LAST_LINE = re.compile(
    rb"^(?:MemoryError|_ArrayMemoryError|numpy\.[\w.]*_ArrayMemoryError)(?::[^\n]*)?\s*\Z", re.MULTILINE
)
"""Python ends with the error that counts; what stands above it may have been dealt with."""


def ran_out_of_memory(step: StepResult) -> bool:
    """Whether a program that failed by itself says that it did for want of memory."""
    if step.name != RUN or step.outcome not in {Outcome.NONZERO_EXIT, Outcome.SIGNAL}:
        return False
    end = step.stderr[-_LOOKED_AT_BYTES:]
    return bool(_AT_A_LINES_START.search(end) or _LAST_LINE.search(end))
