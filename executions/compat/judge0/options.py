"""What a submission may ask for: defaults, bounds and their words, and what GET /config_info tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executions.compat.judge0.ruby import number_of

VERSION = "1.13.1"
"""The release whose behaviour this is. Its Python SDK looks its languages up by exactly this text."""
PER_PAGE, MAX_PER_PAGE = 20, 100
MAX_BATCH = 20
MAX_WORDS = 512
"""Characters of compiler options, and of arguments."""
CALLBACK_TRIES, CALLBACK_S = 3, 5.0
MAX_EXTRACT_KB = 10_240


@dataclass(frozen=True, slots=True)
class Number:
    """A bounded number. Seconds have a point, sizes in KB and counts have none."""

    default: float
    most: float
    least: float = 0
    above: bool = False
    """Whether it has to be more than `least`, and not that itself."""

    def wrong(self, value: Any) -> str | None:
        """What is wrong with a value, in the words of its server; None: nothing."""
        number = number_of(value)
        if number is None:
            return "is not a number"
        if self.above and number <= self.least:
            return f"must be greater than {self.least}"
        if number < self.least:
            return f"must be greater than or equal to {self.least}"
        return f"must be less than or equal to {self.most}" if number > self.most else None

    def read(self, value: Any) -> float:
        """The value, of which nothing is wrong, as its column has it."""
        number = number_of(value) or 0
        return number if isinstance(self.most, float) else int(number)


NUMBERS: Mapping[str, Number] = {
    "number_of_runs": Number(1, 20, above=True),
    "cpu_time_limit": Number(5.0, 15.0),
    "cpu_extra_time": Number(1.0, 5.0),
    "wall_time_limit": Number(10.0, 20.0, least=1),
    "memory_limit": Number(128_000, 512_000, least=2048),
    "stack_limit": Number(64_000, 128_000),
    "max_processes_and_or_threads": Number(60, 120, above=True),
    "max_file_size": Number(1024, 4096),
}
"""In the order in which what is wrong with them is told."""


def config_info(*, queue: int, deletes: bool) -> dict[str, Any]:
    """All that the server's configuration says, of one that takes so many waiting submissions."""
    told: dict[str, Any] = {
        "maintenance_mode": False,
        "enable_wait_result": True,
        "enable_compiler_options": True,
        "allowed_languages_for_compile_options": [],
        "enable_command_line_arguments": True,
        "enable_submission_delete": deletes,
        "enable_callbacks": True,
        "callbacks_max_tries": CALLBACK_TRIES,
        "callbacks_timeout": CALLBACK_S,
        "enable_additional_files": True,
        "max_queue_size": queue,
    }
    for name in ("cpu_time_limit", "cpu_extra_time", "wall_time_limit", "memory_limit", "stack_limit"):
        told |= _bounds(name)
    return told | {
        **_bounds("max_processes_and_or_threads"),
        "enable_per_process_and_thread_time_limit": False,
        "allow_enable_per_process_and_thread_time_limit": True,
        "enable_per_process_and_thread_memory_limit": False,
        "allow_enable_per_process_and_thread_memory_limit": True,
        **_bounds("max_file_size"),
        **_bounds("number_of_runs"),
        "redirect_stderr_to_stdout": False,
        "max_extract_size": MAX_EXTRACT_KB,
        "enable_batched_submissions": True,
        "max_submission_batch_size": MAX_BATCH,
        "submission_cache_duration": 0.0,
        "use_docs_as_homepage": False,
        "allow_enable_network": False,
        "enable_network": False,
        "disable_implicit_base64_encoding": True,
    }


def _bounds(name: str) -> dict[str, float]:
    return {name: NUMBERS[name].default, f"max_{name}": NUMBERS[name].most}
