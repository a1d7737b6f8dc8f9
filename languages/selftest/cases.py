"""The self-tests of a language as data: what is run and what must come of it. Nothing is run here.

A case is a program `selftest/<case>.<anything>`, stored under the language's source file name, or a folder
`selftest/<case>/` of several files. What each case must do is the same for all languages and stands in
images/selftest.toml; a language's own selftest/selftest.toml changes it or gives the reason why a case does not apply.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from languages.documents import BadDescription
from languages.examples import Example, examples_in, folder_for
from languages.folders import Folder
from languages.models import Language

COMMON = "selftest.toml"
_EXAMPLE_HINT = (
    "The language's example must end well: look at the commands, at PATH under environment, and at the example itself."
)
_PAGES_EXAMPLE_HINT = """\
It is offered on the page at /, and must do in every language what images/examples.toml says: look at examples/ in its \
folder."""
_KNOWN = {
    "hint", "stdin", "args", "entrypoint", "compile_args", "timeout_ms", "stdout", "matches", "outcome", "exit_code",
    "skip", "lines", "has", "repeat", "optional", "of", "begins_with", "line_end",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One program, what it is given, and what must come of it."""

    name: str
    files: Mapping[str, bytes]
    stdin: str = ""
    args: tuple[str, ...] = ()
    entrypoint: str = ""
    """The file that is started; empty: the language's source file."""
    compile_args: tuple[str, ...] = ()
    timeout_ms: int | None = None
    """None: the language's own."""
    stdout: str | None = None
    """None: anything."""
    matches: str = ""
    """A pattern that the compiler's or the program's output must contain."""
    outcomes: frozenset[str] = frozenset({"ok"})
    exit_code: int | None = None
    hint: str = ""
    """What an operator can do where it fails."""

    def problem(self, *, outcome: str, exit_code: int | None, stdout: str, everything: str) -> str:
        """What is wrong with how the program ended; empty where nothing is. everything: all output of all steps."""
        if outcome not in self.outcomes:
            return f"ended {outcome}, not {' or '.join(sorted(self.outcomes))}: {everything.strip()[-600:]}"
        if self.exit_code is not None and exit_code != self.exit_code:
            return f"exit code {exit_code}, not {self.exit_code}"
        if self.stdout is not None and stdout != self.stdout:
            return f"printed {stdout[:400]!r}, not {self.stdout[:400]!r}"
        if self.matches and not re.search(self.matches, everything):
            return f"printed {everything.strip()[:400]!r}, nothing like {self.matches!r}"
        return ""


def cases_of(folder: Folder) -> list[Case]:
    """The cases of a language, in the common file's order. Raises BadDescription where one is missing or unknown."""
    common = tomllib.loads((folder.path.parent / COMMON).read_text())
    own = _own(folder)
    if unknown := sorted(own.keys() - common.keys()):
        raise BadDescription(f"{folder.slug}: no such self-test: {', '.join(unknown)}")
    described = {name: common[name] | own.get(name, {}) for name in common}
    wanted = {name: values for name, values in described.items() if "skip" not in values}
    return [_case(folder, name, values) for name, values in wanted.items() if _is_there(folder, name, values)]


def left_out(folder: Folder) -> dict[str, str]:
    """The cases that the language leaves out, in the common file's order, with its reasons."""
    own = _own(folder)
    common = tomllib.loads((folder.path.parent / COMMON).read_text())
    return {name: str(own[name]["skip"]) for name in common if "skip" in own.get(name, {})}


def _is_there(folder: Folder, name: str, values: Mapping[str, Any]) -> bool:
    """False of what only some languages know, where the folder has no program for it."""
    return "optional" not in values or any(_found(folder, name))


def cases_for(language: Language) -> list[Case]:
    """The cases of its folder, or of the language that it is a version of; else its example, which must end well."""
    folder = folder_for(language)
    if folder is not None and folder.fields["source_file"] == language.source_file:
        return [*cases_of(folder), *(case_of(example) for example in examples_in(folder).programs)]
    files = {language.source_file: language.example.encode()}
    return [Case("example", files, hint=_EXAMPLE_HINT)] if language.example else []


def case_of(example: Example) -> Case:
    """The example as a case: it does what it promises, and the first of its tests passes."""
    given: Mapping[str, Any] = example.tests[0] if example.tests else {}
    ends = dict(example.ends or {}) | ({"stdout": given["expected_stdout"]} if given else {})
    outcome = ends.get("outcome", "ok")
    return Case(
        name=f"example_{example.name}",
        files={name: text.encode() for name, text in example.files.items()},
        stdin=given.get("stdin", example.stdin),
        args=example.args,
        stdout=ends.get("stdout"),
        matches=ends.get("matches", ""),
        outcomes=frozenset([outcome] if isinstance(outcome, str) else outcome),
        exit_code=ends.get("exit_code"),
        hint=_PAGES_EXAMPLE_HINT,
    )


def _own(folder: Folder) -> Mapping[str, Mapping[str, Any]]:
    """What its own file changes; of a version, over what that of the language changes."""
    own: dict[str, dict[str, Any]] = {}
    for place in reversed(folder.places("selftest")):
        if (path := place / COMMON).exists():
            for name, values in tomllib.loads(path.read_text()).items():
                own[name] = own.get(name, {}) | values
    return own


def _case(folder: Folder, name: str, values: Mapping[str, Any]) -> Case:
    if unknown := sorted(values.keys() - _KNOWN):
        raise BadDescription(f"{folder.slug}: self-test {name}: unknown: {', '.join(unknown)}")
    outcome = values.get("outcome", "ok")
    return Case(
        name=name,
        files=_written(
            _files(folder, values.get("of", name), values.get("entrypoint", folder.fields["source_file"])), values
        ),
        stdin=values.get("stdin", ""),
        args=tuple(values.get("args", ())),
        entrypoint=values.get("entrypoint", ""),
        compile_args=tuple(values.get("compile_args", ())),
        timeout_ms=values.get("timeout_ms"),
        stdout=_stdout(folder, values),
        matches=values.get("matches", ""),
        outcomes=frozenset([outcome] if isinstance(outcome, str) else outcome),
        exit_code=values.get("exit_code"),
        hint=" ".join(str(values.get("hint", "")).split()),
    )


def _written(files: Mapping[str, bytes], values: Mapping[str, Any]) -> Mapping[str, bytes]:
    """The files as another editor would have written them."""
    begins, end = (values.get(name, default).encode() for name, default in (("begins_with", ""), ("line_end", "\n")))
    return {name: begins + content.replace(b"\n", end) for name, content in files.items()}


def _stdout(folder: Folder, values: Mapping[str, Any]) -> str | None:
    """The text that must be printed, `repeat` times; of `lines`, those that the language `has`."""
    if "lines" in values:
        wanted = values.get("has", list(values["lines"]))
        return "".join(f"{name}: {values['lines'][name]}\n" for name in values["lines"] if name in wanted)
    text = values.get("stdout")
    return None if text is None else text.replace("{name}", folder.fields["name"]) * values.get("repeat", 1)


def _files(folder: Folder, name: str, source_file: str) -> Mapping[str, bytes]:
    if name == "hello":
        return {source_file: str(folder.fields["example"]).encode()}
    several, programs = _found(folder, name)
    if several is not None:
        found = {str(path.relative_to(several)): path.read_bytes() for path in _tree(several)}
        if source_file not in found:
            raise BadDescription(f"{folder.slug}: self-test {name}: {source_file} is missing")
        return found
    if len(programs) != 1:
        raise BadDescription(f"{folder.slug}: self-test {name}: one program is wanted, there are {len(programs)}")
    return {source_file: programs[0].read_bytes()}


def _found(folder: Folder, name: str) -> tuple[Path | None, list[Path]]:
    """The folder of several files, or the programs, that this case has in the first place that has any."""
    for place in folder.places("selftest"):
        if (place / name).is_dir():
            return place / name, []
        if programs := [path for path in place.glob(f"{name}.*") if path.name != COMMON]:
            return None, programs
    return None, []


def _tree(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
