"""What POST /execute takes, looked at in the order in which Piston's server looks at it, and refused in its words."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import PurePosixPath
from typing import Any, NoReturn

from django.conf import settings

from executions.bounds import MAX_FILES
from executions.compat.piston.runtimes import Runtime, runtime_for
from executions.compat.running import NOTHING, AskedLimits, Content, Interactive, Program, SourceFile
from languages.models import Language
from languages.options import MIB, MIN_MEMORY_MB
from rest.exceptions import Refusal

_ENCODINGS = ("base64", "hex", "utf8")
_NO_LIMIT = -1
_MOST_MS = 2**31 - 1
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
# In one pass: a line's blanks are looked at once.
_PUBLIC_CLASS = re.compile(
    r"^[^\S\n]*public\s+(?:(?:final|abstract|strictfp|sealed|non-sealed)\s+)*(?:class|interface|enum|record)\s+([A-Za-z_]\w*)",
    re.MULTILINE | re.ASCII,
)


def asked_in(body: Mapping[str, Any]) -> tuple[Runtime, Program]:
    """The runtime that a request means, and the program. Raises Refusal with Piston's own words."""
    name, selector = _text(body, "language"), _text(body, "version")
    files = body.get("files")
    if not isinstance(files, list):
        refuse("files is required as an array")
    for number, file in enumerate(files):
        if not isinstance(file, dict) or not isinstance(file.get("content"), str):
            refuse(f"files[{number}].content is required as a string")
    runtime = runtime_for(name, selector)
    if runtime is None:
        refuse(f"{name}-{selector} runtime is unknown")
    if not any((file.get("encoding") or "utf8") == "utf8" for file in files):
        refuse("files must include at least one utf8 encoded file")
    if len(files) > MAX_FILES:
        refuse(f"files must not be more than {MAX_FILES}")
    limits = _limits(body)
    return runtime, _program(runtime.language, files, body, limits)


def talked_to_in(body: Mapping[str, Any]) -> tuple[Runtime, Program]:
    """The same of what its client talks to while it runs: as there, all of its stdin is typed."""
    runtime, program = asked_in(body)
    return runtime, replace(program, stdin=NOTHING, interactive=Interactive(terminal=None))


def refuse(message: str, *, status: int = 400) -> NoReturn:
    """Raises Refusal."""
    raise Refusal(message, status=status)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        refuse(f"{name} is required as a string")
    return value


def _program(language: Language, files: list[dict[str, Any]], body: Mapping[str, Any], limits: AskedLimits) -> Program:
    sources, entrypoint = _sources(language, files)
    stdin = _optional_text(body, "stdin")
    # Its server ends the last line of what a program reads, also of nothing.
    ended = stdin if stdin.endswith("\n") else f"{stdin}\n"
    return Program(
        language=language,
        files=sources,
        entrypoint=entrypoint,
        stdin=Content(encoded(ended)),
        args=_args(body),
        limits=limits,
    )


def _optional_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        refuse(f"{name} must be a string")
    return value


def _args(body: Mapping[str, Any]) -> tuple[str, ...]:
    args = body.get("args")
    if args is None:
        return ()
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        refuse("args must be an array of strings")
    return tuple(args)


def _limits(body: Mapping[str, Any]) -> AskedLimits:
    """What is asked for within what is configured; -1 configured is no limit, and then anything may be asked for."""
    asked = {
        f"{step}_{kind}": _limit(body, f"{step}_{kind}", _configured(step, kind))
        for kind in ("memory_limit", "timeout", "cpu_time")
        for step in ("compile", "run")
    }
    memory = asked["run_memory_limit"]
    return AskedLimits(
        wall_ms=_milliseconds(asked["run_timeout"]),
        cpu_ms=_milliseconds(asked["run_cpu_time"]),
        memory_mb=None if memory < 0 else max(MIN_MEMORY_MB, -(-int(memory) // MIB)),
        compile_wall_ms=_milliseconds(asked["compile_timeout"]),
    )


def _configured(step: str, kind: str) -> int:
    if kind == "memory_limit":
        return _NO_LIMIT
    return int(settings.GEXEC_PISTON_RUN_TIMEOUT if step == "run" else settings.GEXEC_PISTON_COMPILE_TIMEOUT)


def _limit(body: Mapping[str, Any], name: str, configured: int) -> float:
    value = body.get(name)
    # What JavaScript takes for nothing: its server does not look at it.
    if not value:
        return configured
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(f"If specified, {name} must be a number")
    if configured <= 0:
        return min(value, 2**53)
    if value > configured:
        refuse(f"{name} cannot exceed the configured limit of {configured}")
    if value < 0:
        refuse(f"{name} must be non-negative")
    return value


def _milliseconds(value: float) -> int | None:
    """Whole ones; None where there is no limit."""
    return None if value <= 0 else max(1, int(min(value, _MOST_MS)))


def _sources(language: Language, files: list[dict[str, Any]]) -> tuple[tuple[SourceFile, ...], str]:
    """The files by name, and which of them is the program: the first that is text."""
    named = [_name(file, number) for number, file in enumerate(files)]
    encodings = [file["encoding"] if file.get("encoding") in _ENCODINGS else "utf8" for file in files]
    contents = [_decoded(file["content"], encodings[number], number) for number, file in enumerate(files)]
    program = encodings.index("utf8")
    others = set(named[:program] + named[program + 1 :])
    entrypoint = _as_program(language, named[program], contents[program], taken=others)
    names = [name or f"file{number}.code" for number, name in enumerate(named)]
    names[program] = entrypoint
    # Of two with one name the later is written over the other, as there.
    by_name = dict(zip(names, contents, strict=True))
    return tuple(SourceFile(name, Content(content)) for name, content in by_name.items()), entrypoint


def _name(file: Mapping[str, Any], number: int) -> str:
    """Where the file lies below the work directory; empty where it has no name."""
    name = file.get("name")
    if not name:
        return ""
    if not isinstance(name, str):
        refuse(f"files[{number}].name must be a string")
    path = posixpath.normpath(f"./{name}")
    if path == ".." or path.startswith("../"):
        refuse(f'File path "{name}" tries to escape parent directory: {path}')
    if path == ".":
        refuse(f"files[{number}].name must name a file")
    return path


def _as_program(language: Language, name: str, content: bytes, *, taken: set[str]) -> str:
    """The name under which a compiler or interpreter takes it: Piston's packages give it the language's suffix."""
    suffix = PurePosixPath(language.source_file).suffix
    if suffix == ".java" and (found := _PUBLIC_CLASS.search(content.decode(errors="replace"))):
        folder = posixpath.dirname(name)
        return posixpath.join(folder, f"{found[1]}{suffix}")
    if not name:
        return next(each for each in _names_for(language.source_file) if each not in taken)
    suffixes = {*language.source_suffixes, suffix}
    return name if PurePosixPath(name).suffix in suffixes else f"{name}{suffix}"


def _names_for(source_file: str) -> Iterator[str]:
    yield source_file
    yield from (f"file{number}{PurePosixPath(source_file).suffix}" for number in count())


def _decoded(content: str, encoding: str, number: int) -> bytes:
    """As Node's Buffer reads it, which leaves out what does not belong there."""
    if encoding == "hex":
        found = _HEX.match(content)
        return bytes.fromhex(found[0] if found else "")
    if encoding == "base64":
        digits = _NO_BASE64.sub("", content.partition("=")[0].replace("-", "+").replace("_", "/"))
        digits = digits[:-1] if len(digits) % 4 == 1 else digits
        return base64.b64decode(digits + "=" * (-len(digits) % 4))
    return encoded(content)


def encoded(text: str) -> bytes:
    """As UTF-8; half of a surrogate pair becomes U+FFFD, as in Node."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
