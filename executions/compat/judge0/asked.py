"""One submission as a client sends it: read as its server reads it, refused in its words, made a program of ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from clients.caller import Caller
from clients.policy import capped
from executions.bounds import MAX_ARGS, MAX_COMPILE_ARGS, bytes_in, clash_in
from executions.compat.judge0 import catalogue
from executions.compat.judge0.archives import MAX_BYTES, BadArchive, unzipped
from executions.compat.judge0.arguments import words_in
from executions.compat.judge0.options import MAX_WORDS, NUMBERS
from executions.compat.judge0.ruby import decimal, decode64, is_blank, scalar, text_of, truth_of, whole_of
from executions.compat.running import AskedLimits, Content, Program, SourceFile
from executions.content import NOTHING
from executions.grading.asked import Compare, Grading, Test
from languages.models import Language
from languages.options import MIB, MIN_MEMORY_MB
from languages.programs import refused_args
from webhooks.services import check_url
from webhooks.targets import BadTarget

_BLANK, _NOT_BLANK = "can't be blank", "must be blank"
_KB = 1024
_EXPECTED_BYTES = 8 * 1024 * 1024
"""Of all runs together, each of which is a test of its own: a row has it as often."""
_FLAGS = (
    "enable_per_process_and_thread_time_limit",
    "enable_per_process_and_thread_memory_limit",
    "redirect_stderr_to_stdout",
    "enable_network",
)
_TEXTS = ("compiler_options", "command_line_arguments", "callback_url")


class Invalid(ValueError):
    """It is refused: what is wrong, by attribute."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Asked:
    """A submission that is not refused."""

    program: Program
    told: Mapping[str, Any]
    """Its attributes as they are told again, besides those that stand in the row: what it was asked with."""


@dataclass(slots=True)
class Room:
    """How much the archives of one request may hold together: little is sent, and much may be in it."""

    left_bytes: int = 2 * MAX_BYTES

    def take(self, files: Iterable[SourceFile]) -> None:
        """For these. Raises BadArchive where it is too little."""
        self.left_bytes -= sum(len(file.content.data) for file in files)
        if self.left_bytes < 0:
            raise BadArchive(f"has, with those before it, more than {2 * MAX_BYTES // _KB} kilobytes")


def asked_in(sent: Mapping[str, Any], caller: Caller | None, *, in_base64: bool, room: Room | None = None) -> Asked:
    """What was sent as one submission; `room` is what those of its request have left. Raises Invalid."""
    reader = _Reader(sent, caller, room or Room(), in_base64=in_base64)
    if reader.errors:
        raise Invalid(reader.errors)
    return reader.asked()


class _Reader:
    """Reads the attributes in the order in which their errors are told."""

    def __init__(self, sent: Mapping[str, Any], caller: Caller | None, room: Room, *, in_base64: bool) -> None:
        self.errors: dict[str, list[str]] = {}
        self._sent, self._caller, self._room, self._in_base64 = sent, caller, room, in_base64
        language_id = whole_of(scalar(sent.get("language_id")))
        self._id = language_id
        self._known = None if language_id is None else catalogue.known(language_id, caller)
        self._source = self._content("source_code")
        self._stdin, self._expected = self._content("stdin"), self._content("expected_output")
        self._texts = {name: text_of(scalar(sent.get(name))) for name in _TEXTS}
        if self._texts["callback_url"] is not None:
            self._texts["callback_url"] = self._texts["callback_url"].strip()
        self._flags = {name: bool(truth_of(scalar(sent.get(name)))) for name in _FLAGS}
        self._numbers: dict[str, float] = {}
        self._given: set[str] = set()
        self._files: list[SourceFile] = []
        self._check()

    def _check(self) -> None:
        archive = text_of(scalar(self._sent.get("additional_files")))
        self._check_source(archive)
        if self._id is None:
            self._wrong("language_id", _BLANK)
        self._check_numbers()
        for name in ("compiler_options", "command_line_arguments"):
            if len(self._texts[name] or "") > MAX_WORDS:
                self._wrong(name, f"is too long (maximum is {MAX_WORDS} characters)")
        for name, text in self._texts.items():
            if text is not None and ("\x00" in text or bytes_in(text) is None):
                self._wrong(name, "is invalid")
        self._check_language()
        if archive:
            self._check_archive(archive)
        self._check_words()
        self._check_callback()
        if self._flags["enable_network"]:
            self._wrong("enable_network", "enabling network is not allowed")

    def _check_source(self, archive: str | None) -> None:
        if self._known is not None and self._known.is_project:
            if not is_blank(self._source):
                self._wrong("source_code", _NOT_BLANK)
            if is_blank(archive):
                self._wrong("additional_files", _BLANK)
            return
        if is_blank(self._source):
            self._wrong("source_code", _BLANK)
        most = MAX_BYTES if self._known and "run" in self._known.entry.columns else settings.GEXEC_MAX_SOURCE_BYTES
        if len(self._source or b"") > most:
            self._wrong("source_code", f"is too long (maximum is {most} bytes)")

    def _check_numbers(self) -> None:
        for name, number in NUMBERS.items():
            value = scalar(self._sent.get(name))
            if value is None or value == "":
                self._numbers[name] = number.default
            elif (wrong := number.wrong(value)) is not None:
                self._wrong(name, wrong)
            else:
                self._given.add(name)
                self._numbers[name] = number.read(value)
        # A part of one is more than none.
        runs = self._numbers["number_of_runs"] = max(1, self._numbers.get("number_of_runs", 1))
        most = min(capped(self._caller, name, int(runs)) for name in ("repeat", "tests"))
        if runs > most:
            self._wrong("number_of_runs", f"must be less than or equal to {most}")
        if runs > 1 and runs * len(self._expected or b"") > _EXPECTED_BYTES:
            self._wrong("expected_output", f"is too long (maximum is {_EXPECTED_BYTES} bytes in all runs together)")

    def _check_language(self) -> None:
        if self._known is None:
            self._wrong("language_id", f"language with id {'' if self._id is None else self._id} doesn't exist")
        elif self._known.is_archived:
            self._wrong("language_id", f"language with id {self._id} is archived and cannot be used anymore")

    def _check_words(self) -> None:
        known = self._known
        if known is None or known.language is None:
            return
        options = self._texts["compiler_options"]
        if is_blank(options):
            pass
        elif not known.takes_options:
            self._wrong("compiler_options", "setting compiler options is only allowed for compiled languages")
        elif known.language.compile_command:
            given = self._options(known.language)
            for number in refused_args(known.language, given):
                self._wrong("compiler_options", f"setting compiler option {given[number]} is not allowed")
            if len(given) > MAX_COMPILE_ARGS:
                self._wrong("compiler_options", f"has more than {MAX_COMPILE_ARGS} options")
        if len(self._arguments()) > MAX_ARGS:
            self._wrong("command_line_arguments", f"has more than {MAX_ARGS} words")

    def _check_callback(self) -> None:
        url = self._texts["callback_url"]
        if not url:
            return
        if self._caller is None:
            self._wrong("callback_url", "setting callback is not allowed")
            return
        try:
            check_url(self._caller, url)
        except BadTarget as error:
            self._wrong("callback_url", str(error))

    def _check_archive(self, archive: str) -> None:
        try:
            self._files = unzipped(decode64(archive))
            self._room.take(self._files)
        except BadArchive as error:
            self._wrong("additional_files", str(error))
            return
        if self._known is not None and self._known.language is not None and not self._is_project:
            own = self._language().source_file
            names = (file.name for file in self._files if file.name != own)
            if clash_in([own, *names]) is not None:
                self._wrong("additional_files", f"has {own} as a folder, which is the program")

    def asked(self) -> Asked:
        """The submission, of which nothing is wrong."""
        language = self._language()
        return Asked(self._program(language), self._told(language))

    def _program(self, language: Language) -> Program:
        # As unzip does there, the program's own file is not written over.
        files = tuple(file for file in self._files if file.name != language.source_file or self._is_project)
        runs = int(self._numbers["number_of_runs"])
        return Program(
            language,
            (*self._own_file(language), *files),
            language.source_file,
            sources=tuple(self._also_compiled(language)),
            file_bytes=MAX_BYTES,
            stdin=Content(self._stdin or b""),
            args=self._arguments(),
            compile_args=tuple(self._options(language)) if language.compile_command and not self._is_project else (),
            limits=self._limits(language),
            merge_stderr=self._flags["redirect_stderr_to_stdout"],
            repeat=1 if self._expected is not None else runs,
            grading=None if self._expected is None else self._grading(runs),
            webhook_url=self._texts["callback_url"] or "",
        )

    def _language(self) -> Language:
        if self._known is None:
            raise ValueError("no language")
        return catalogue.program_of(self._known, [file.name for file in self._files])

    @property
    def _is_project(self) -> bool:
        return self._known is not None and self._known.is_project

    def _own_file(self, language: Language) -> tuple[SourceFile, ...]:
        if not self._is_project:
            return (SourceFile(language.source_file, Content(self._source or b""), executable=True),)
        if any(file.name == language.source_file for file in self._files):
            return ()
        # Nothing says how it is run, which its shell will say.
        return (SourceFile(language.source_file, Content(_NO_RUN)),)

    def _grading(self, runs: int) -> Grading:
        # Once in the row, however many tests get it.
        stdin = {"column": "stdin"} if self._stdin else NOTHING.reference()
        expected = Content(self._expected or b"").reference()
        tests = tuple(Test(str(number + 1), stdin, expected=expected) for number in range(runs))
        return Grading(tests, compare=Compare.JUDGE0, stop_on_failure=True)

    def _limits(self, language: Language) -> AskedLimits:
        numbers = self._numbers
        processes = int(numbers["max_processes_and_or_threads"])
        file_bytes = int(numbers["max_file_size"]) * _KB
        return AskedLimits(
            wall_ms=round(numbers["wall_time_limit"] * 1000),
            # Zero is no limit there.
            cpu_ms=max(1, round(numbers["cpu_time_limit"] * 1000)) if numbers["cpu_time_limit"] else None,
            memory_mb=self._memory_mb(language),
            # What is printed goes into a file there.
            output_bytes=file_bytes or None,
            # Fewer than usual need a container of their own; as many as usual are no matter.
            processes=max(2, processes) if processes < NUMBERS["max_processes_and_or_threads"].default else None,
            file_bytes=file_bytes or None if "max_file_size" in self._given else None,
        )

    def _memory_mb(self, language: Language) -> int:
        asked_mb = math.ceil(self._numbers["memory_limit"] * _KB / MIB)
        # Who asks for nothing gets what the runtime needs.
        return max(asked_mb, MIN_MEMORY_MB if "memory_limit" in self._given else language.memory_mb)

    def _options(self, language: Language) -> list[str]:
        also = set(self._also_compiled(language))
        return [word for word in words_in(self._texts["compiler_options"]) if word.removeprefix("./") not in also]

    def _also_compiled(self, language: Language) -> list[str]:
        """Additional files that are named among the compiler's options: to be compiled with the program."""
        suffix = language.source_file[language.source_file.rfind(".") :]
        suffixes = tuple(language.source_suffixes or [suffix])
        names = {file.name for file in self._files if file.name.endswith(suffixes)}
        words = (word.removeprefix("./") for word in words_in(self._texts["compiler_options"]))
        return [word for word in words if word in names and word != language.source_file]

    def _arguments(self) -> tuple[str, ...]:
        return words_in(self._texts["command_line_arguments"])

    def _told(self, language: Language) -> dict[str, Any]:
        numbers: dict[str, Any] = {
            name: decimal(value) if isinstance(NUMBERS[name].most, float) else int(value)
            for name, value in self._numbers.items()
        }
        if "memory_limit" not in self._given:
            numbers["memory_limit"] = max(numbers["memory_limit"], language.memory_mb * MIB // _KB)
        return {"language_id": self._id} | numbers | self._texts | self._flags

    def _content(self, name: str) -> bytes | None:
        text = text_of(scalar(self._sent.get(name)))
        if text is None:
            return None
        return decode64(text) if self._in_base64 else text.encode(errors="replace")

    def _wrong(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)


_NO_RUN = b"echo 'run: No such file or directory' >&2\nexit 127\n"
