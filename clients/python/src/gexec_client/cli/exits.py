"""With which code the command ends: the program's own, where it has one; else which of these it was."""

from __future__ import annotations

from collections.abc import Mapping

from gexec_client.errors import ApiError, ConnectionFailed, Forbidden, LimitReached, ServerFault, Unauthorized
from gexec_client.results import Execution

FAILED_TESTS = 1
USAGE = 2
REFUSED = 64
COMPILE_ERROR = 65
UNAVAILABLE = 69
OUR_FAULT = 70
NO_ROOM = 75
NO_RIGHT = 77
CONFIGURATION = 78
OUTPUT_LIMIT = 122
TIME_LIMIT = 124
NOT_STARTED = 126
CANCELLED = 130
MEMORY_LIMIT = 137
READER_GONE = 141

_BY_OUTCOME: Mapping[str, int] = {
    "compile_error": COMPILE_ERROR,
    "timeout_wall": TIME_LIMIT,
    "timeout_cpu": TIME_LIMIT,
    "out_of_memory": MEMORY_LIMIT,
    "output_limit": OUTPUT_LIMIT,
    "not_started": NOT_STARTED,
    "cancelled": CANCELLED,
    "sandbox_error": OUR_FAULT,
}

TABLE = f"""\
\b
  the program's own      where it has ended by itself
  128 + n                the program was ended by signal n
  {COMPILE_ERROR}                     it does not compile
  {TIME_LIMIT}                    time limit, of wall or CPU time
  {MEMORY_LIMIT}                    memory limit
  {OUTPUT_LIMIT}                    output limit
  {NOT_STARTED}                    its command could not be started
  {CANCELLED}                    cancelled, by ^C or by others
  {READER_GONE}                    whoever read its output has gone
  {REFUSED}                     the server refuses the request
  {UNAVAILABLE}                     the server is not there, or has no room
  {OUR_FAULT}                     a fault of the service
  {NO_ROOM}                     too many requests, or a quota is used up
  {NO_RIGHT}                     no key, a wrong one, or one that may not do this
  {CONFIGURATION}                     the configuration cannot be used
  {USAGE}                      wrong options

With --json the outcome is told in words."""


def of_execution(execution: Execution) -> int:
    """Of one without tests."""
    if execution.status == "rejected":
        return UNAVAILABLE
    if (known := _BY_OUTCOME.get(execution.outcome or "")) is not None:
        return known
    run = execution.run
    if run is None or (run.signal is None and run.exit_code is None):
        return OUR_FAULT
    return 128 + run.signal if run.signal else run.exit_code or 0


def of_tests(execution: Execution) -> int:
    """Of one with tests: whether all were passed."""
    if execution.verdict == "passed":
        return 0
    if execution.status == "rejected":
        return UNAVAILABLE
    if execution.outcome in {"compile_error", "cancelled", "sandbox_error"}:
        return _BY_OUTCOME[execution.outcome]
    return FAILED_TESTS


def of_error(error: Exception) -> int:
    """Of what went wrong before, or instead of, an execution."""
    if isinstance(error, ConnectionFailed):
        return UNAVAILABLE
    if isinstance(error, (Unauthorized, Forbidden)):
        return NO_RIGHT
    if isinstance(error, LimitReached):
        return NO_ROOM
    if isinstance(error, ServerFault):
        return UNAVAILABLE if error.status == 503 else OUR_FAULT
    return REFUSED if isinstance(error, ApiError) else OUR_FAULT
