"""The attributes of a submission: which there are, which of them are asked for, and how each is written."""

from __future__ import annotations

from typing import Any, Protocol

from executions.compat.judge0.ruby import encode64

COLUMNS = (
    "source_code", "language_id", "stdin", "expected_output", "stdout", "status_id", "created_at", "finished_at",
    "time", "memory", "stderr", "token", "number_of_runs", "cpu_time_limit", "cpu_extra_time", "wall_time_limit",
    "memory_limit", "stack_limit", "max_processes_and_or_threads", "enable_per_process_and_thread_time_limit",
    "enable_per_process_and_thread_memory_limit", "max_file_size", "compile_output", "exit_code", "exit_signal",
    "message", "wall_time", "compiler_options", "command_line_arguments", "redirect_stderr_to_stdout", "callback_url",
    "additional_files", "enable_network", "status", "language",
)  # fmt: skip
"""All that `*` means, in the order in which they are told, whatever order they are asked for in."""
DEFAULT = frozenset({"token", "time", "memory", "stdout", "stderr", "compile_output", "message", "status"})
OURS = "x_gexec"
"""What no other server has; told only where it is asked for by name, since clients refuse what they do not know."""
_TEXTS = frozenset({"source_code", "stdin", "expected_output", "stdout", "stderr", "compile_output", "message"})
_ARCHIVE = "additional_files"


class InvalidFields(ValueError):
    """There are no attributes of these names; the text names them."""


class Readable(Protocol):
    """Whatever has attributes by their names."""

    def __getitem__(self, name: str, /) -> Any: ...


class NotText(ValueError):
    """An attribute is bytes that are no UTF-8."""


def chosen(asked: str | None) -> frozenset[str]:
    """The names that a query asks for, those of a usual answer where it names none. Raises InvalidFields."""
    names = [name for name in (asked or "").split(",") if name]
    known = {*COLUMNS, OURS, "*"}
    if invalid := [name for name in names if name not in known]:
        raise InvalidFields(", ".join(invalid))
    if "*" in names:
        return frozenset(COLUMNS) | ({OURS} & set(names))
    return frozenset(names) or DEFAULT


def written(values: Readable, names: frozenset[str], *, in_base64: bool) -> dict[str, Any]:
    """The attributes of these names. Raises NotText where one cannot be told but in base64."""
    return {name: _written(name, values[name], in_base64) for name in (*COLUMNS, OURS) if name in names}


def _written(name: str, value: Any, in_base64: bool) -> Any:
    if value is None or name not in (*_TEXTS, _ARCHIVE):
        return value
    if in_base64 or name == _ARCHIVE:
        return encode64(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NotText(name) from None
