"""What POST /runs takes: a run_spec, looked at in the order in which jobe looks at it, and refused in its words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn

from clients.caller import Caller
from executions.bounds import MAX_FILES, MAX_WORDS_BYTES
from executions.compat.jobe import files
from executions.compat.jobe.words import MISSING_FILES
from executions.compat.languages import Entry, table_of
from executions.compat.running import AskedLimits, Content, Program, SourceFile
from executions.doors import Door
from languages.models import Language
from languages.options import MIB, MIN_MEMORY_MB
from languages.programs import refused_args
from rest.exceptions import Refusal

MOST_CPU_S = 120
_CPU_S, _DISK_MB, _STREAM_MB = 5, 20, 2
"""What jobe gives where a request says nothing."""
_MB = 1_000_000
_TESTER = "__tester__."
"""How CodeRunner calls every program."""
_MIN_PROCESSES = 2
_ILLEGAL = re.compile(r"[<>:\"/\\|?*\x00-\x1f\x7f\xa0\xad#\[\]@!$&'()+,;={}^~`]")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_LEADING_INTEGER = re.compile(r"\s*([+-]?\d{1,15})", re.ASCII)
# In one pass, whatever the source is: no part of it looks ahead to the end.
_MAIN_CLASS = re.compile(r"(?:^|\W)public\s+class\s+(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Run:
    """A run_spec, read."""

    entry: Entry
    program: Program


def languages() -> list[tuple[Entry, Language]]:
    """Those of jobe's table that are installed, then all others by names of their own."""
    found: dict[str, tuple[Entry, Language]] = {}
    for entry, language in table_of(Door.JOBE).installed():
        found.setdefault(entry["id"], (entry, language))
    known = {language.slug for _, language in found.values()}
    for language in Language.objects.catalogued():
        if language.enabled and language.slug not in known:
            found.setdefault(language.slug, (_own(language), language))
    return [found[name] for name in sorted(found)]


def run_in(body: Mapping[str, Any], caller: Caller | None) -> Run:
    """What a request's JSON asks for. Raises Refusal with jobe's own words."""
    spec = body.get("run_spec")
    if not isinstance(spec, dict):
        refuse("No run_spec attribute found in post data")
    source, name = _required(spec, "sourcecode"), _required(spec, "language_id")
    entry, language = _language(name)
    parameters = spec.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if _integer(parameters.get("cputime", 0)) > MOST_CPU_S:
        refuse(f"cputime exceeds maximum allowed on this Jobe server ({MOST_CPU_S} secs)")
    filename = _filename(spec.get("sourcefilename"), entry, source)
    contents = {filename: Content(_encoded(source))} | _files(spec.get("file_list"), caller)
    return Run(entry, _program(language, entry, filename, contents, spec, parameters))


def refuse(message: str, *, status: int = 400) -> NoReturn:
    """Raises Refusal."""
    raise Refusal(message, status=status)


def _program(
    language: Language,
    entry: Entry,
    filename: str,
    contents: Mapping[str, Content],
    spec: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> Program:
    given = spec.get("input")
    return Program(
        language=language,
        files=tuple(SourceFile(name, content) for name, content in contents.items()),
        entrypoint=filename,
        # Its compilers are given the source alone; other files are there to be read or included.
        sources=(),
        stdin=Content(_encoded(given if isinstance(given, str) else "")),
        args=_words(parameters.get("runargs")),
        compile_args=_compile_args(language, entry, parameters),
        limits=_limits(entry, parameters),
    )


def _required(spec: Mapping[str, Any], name: str) -> str:
    value = spec.get(name)
    if value is None:
        refuse(f"run_spec is missing the required attribute '{name}'")
    if not isinstance(value, str):
        refuse(f"The {name} for the run_spec is not a string")
    return value


def _language(name: str) -> tuple[Entry, Language]:
    # It compares names with a capital, and so takes them with one.
    wanted = name[:1].lower() + name[1:]
    for entry, language in languages():
        if entry["id"] == wanted:
            return entry, language
    refuse(f"Language '{name}' is not known")


def _own(language: Language) -> Entry:
    return Entry(language.slug, {"id": language.slug, "file": language.source_file, "own": True})


def _filename(name: Any, entry: Entry, source: str) -> str:
    if name is not None and (not isinstance(name, str) or _ILLEGAL.search(name) or name[:1] in {".", "-"}):
        refuse("The sourcefilename for the run_spec is illegal")
    # Older CodeRunners leave the name to the server, and in Java it matters. Compilers of languages that jobe has not
    # may want a name of their own: Go takes no file whose name begins with a line.
    if not name or name == "prog.java" or (entry.get("own") and name.startswith(_TESTER)):
        main = _MAIN_CLASS.search(source) if entry["file"].endswith(".java") else None
        return f"{main[1]}.java" if main else str(entry["file"])
    suffix = entry.get("suffix", "")
    return str(name) if PurePosixPath(name).suffix == suffix or not suffix else f"{name}{suffix}"


def _files(listed: Any, caller: Caller | None) -> dict[str, Content]:
    """What was sent before and is referred to, by its name here; of one name the last counts."""
    if listed is None:
        return {}
    if not isinstance(listed, list):
        refuse("The file_list for the run_spec is not a list")
    if len(listed) > MAX_FILES:
        refuse(f"The file_list for the run_spec has more than {MAX_FILES} files")
    for each in listed:
        if not _is_filespec(each):
            refuse(f"Invalid file specifier: {_print_r(each)}")
    found = files.digests(caller, [each[0] for each in listed])
    if missing := [each[0] for each in listed if each[0] not in found]:
        raise Refusal(MISSING_FILES, status=404, code="file_missing", missing=missing)
    return {each[1]: Content(file=found[each[0]]) for each in listed}


def _is_filespec(each: Any) -> bool:
    if not isinstance(each, list) or len(each) not in {2, 3}:
        return False
    name, called = each[0], each[1]
    if not isinstance(name, str) or not isinstance(called, str):
        return False
    return files.is_id(name) and called.isascii() and re.sub("[-_.]", "", called).isalnum()


def _print_r(each: Any) -> str:
    """As PHP prints a list."""
    if not isinstance(each, list):
        return str(each)[:100]
    lines = "".join(f"    [{number}] => {str(item)[:100]}\n" for number, item in enumerate(each[:10]))
    return f"Array\n(\n{lines})\n"


def _compile_args(language: Language, entry: Entry, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of a request, or else the language's usual ones, as far as the compiler here may be given them."""
    asked = _words(parameters["compileargs"]) if "compileargs" in parameters else tuple(entry.get("compile_args", ()))
    args = (*asked, *_words(parameters.get("linkargs")))
    refused = set(refused_args(language, args))
    return tuple(arg for number, arg in enumerate(args) if number not in refused)


def _words(given: Any) -> tuple[str, ...]:
    """A list of texts, each of which may be several words: a shell reads them there."""
    texts = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    if sum(map(len, texts)) > MAX_WORDS_BYTES:
        refuse("The arguments in the run_spec are too long")
    return tuple(word for text in texts for word in _split(text))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [text]


def _limits(entry: Entry, parameters: Mapping[str, Any]) -> AskedLimits:
    """Seconds and megabytes as ours. The language's own hold where jobe's defaults would only make a run slower."""
    cpu_s = _positive(parameters.get("cputime"), _CPU_S)
    memory = _positive(parameters.get("memorylimit"), 0)
    processes = _positive(parameters.get("numprocs"), 0)
    is_java = entry["id"] == "java"
    return AskedLimits(
        cpu_ms=_whole(cpu_s * 1000),
        # It ends a program after twice its time.
        wall_ms=_whole(cpu_s * 2000),
        # Java's own manages its memory, and its threads are many: it takes neither from a request.
        memory_mb=max(MIN_MEMORY_MB, _whole(memory * _MB / MIB)) if memory and not is_java else None,
        processes=max(_MIN_PROCESSES, _whole(processes)) if processes and not is_java else None,
        output_bytes=_whole(_positive(parameters.get("streamsize"), _STREAM_MB) * _MB),
        file_bytes=_whole(_positive(parameters.get("disklimit"), _DISK_MB) * _MB),
    )


def _positive(value: Any, default: float) -> float:
    """A number, or a text that is one; what is none is the default, and so is nothing."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return default
    return float(min(value, 10**9))


def _whole(value: float) -> int:
    return max(1, int(value))


def _integer(value: Any) -> int:
    """As PHP's intval: what stands at the beginning of a text."""
    if isinstance(value, str) and len(value) < 64 and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, str):
        found = _LEADING_INTEGER.match(value)
        return int(found[1]) if found else 0
    return int(max(-(10**9), min(value, 10**9))) if isinstance(value, (int, float)) else 0


def _encoded(text: str) -> bytes:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def versions(found: Iterable[tuple[Entry, Language]]) -> list[list[str]]:
    """As GET /languages has them."""
    return [[entry["id"], _version(language)] for entry, language in found]


def _version(language: Language) -> str:
    found = re.search(r"\d[\d._]*", language.version, re.ASCII)
    return found[0].rstrip("._") if found else "Unknown"
