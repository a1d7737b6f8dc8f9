"""`gexec run`: a program here as if it ran here, though it runs there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click

from gexec_client import events
from gexec_client.cli import exits, saving, sources, talk
from gexec_client.cli.shared import asks_server, client_for, language_option, note, print_json
from gexec_client.client import Client
from gexec_client.errors import ApiError
from gexec_client.programs import Limits, Options
from gexec_client.results import Execution, Printed
from gexec_client.terminal import Filter

_AFTER_DASHES = "gexec.arguments"
_MAY_NOT_WATCH = frozenset({"forbidden_right", "too_many_watchers"})
_STDIN = "\0"
"""Among contents; no file is named so."""


class WithArguments(click.Command):
    """A command behind whose `--` the program's own arguments stand, whatever they look like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put them aside."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_AFTER_DASHES] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


class Printer:
    """Writes what a program prints where the user's own programs print: bytes as they are, or fit for a terminal."""

    def __init__(self, *, raw: bool) -> None:
        self._filters = {name: Filter() for name in ("stdout", "stderr") if not raw and getattr(sys, name).isatty()}
        self._told: dict[tuple[str, str], int] = {}
        self._waits_for_end = False

    def take(self, event: events.Event) -> None:
        """Show it, where there is something to show."""
        match event:
            case events.Output() if not self._waits_for_end:
                self._print(event.step, event.stream, event.data)
            case events.Gap():
                # What is missing stands in the result: until then nothing more is printed, or it would be out of order.
                self._waits_for_end = True
            case events.Restarted():
                if any(self._told.values()):
                    note("the run was lost and begins again; what was printed so far does not count")
                self._told, self._waits_for_end = {}, False
            case events.Finished() if self._waits_for_end:
                self.show(event.execution)

    def end(self) -> None:
        """Whatever happens, the terminal is as it was."""
        for name, kept in self._filters.items():
            self._write(name, kept.end().encode())

    def show(self, execution: Execution) -> None:
        """What of its output was not shown before."""
        steps: Mapping[str, Printed | None] = {"compile": execution.compile, "run": execution.run}
        for name, step in steps.items():
            if step is not None:
                self._print(name, "stdout", step.stdout_data[self._told.get((name, "stdout"), 0) :])
                self._print(name, "stderr", step.stderr_data[self._told.get((name, "stderr"), 0) :])

    def _print(self, step: str, stream: str, data: bytes) -> None:
        self._told[step, stream] = self._told.get((step, stream), 0) + len(data)
        # What a compiler says is no output of the program.
        target = "stderr" if step == "compile" else stream
        kept = self._filters.get(target)
        self._write(target, kept.feed(data).encode() if kept else data)

    def _write(self, name: str, data: bytes) -> None:
        file: BinaryIO = getattr(sys, name).buffer
        try:
            file.write(data)
            file.flush()
        except BrokenPipeError:
            # Whoever read it has gone, as `head` does. What is left would be complained of at the interpreter's end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
            raise click.exceptions.Exit(exits.READER_GONE) from None


@click.command(cls=WithArguments, epilog=f"Exit codes:\n\n{exits.TABLE}")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@language_option
@click.option(
    "--stdin", metavar="FILE", help="The program's input; else what is piped in; - is stdin, /dev/null nothing."
)
@click.option(
    "-i",
    "--interactive",
    is_flag=True,
    help="Talk to the program: stdin stays open, and at a terminal it has one. Enter ~ . leaves.",
)
@click.option(
    "--escape", metavar="CHARACTER", default="~", help="What leaves, behind Enter and before a dot; none: nothing does."
)
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable for the program.")
@click.option("--compile-arg", "compile_args", multiple=True, metavar="ARG", help="An argument for the compiler.")
@click.option("--time-limit", "seconds", type=float, metavar="SECONDS", help="Of wall time.")
@click.option("--memory-limit", "memory_mb", type=int, metavar="MB")
@click.option("--artifact", "patterns", multiple=True, metavar="PATTERN", help="Fetch files that it leaves: '*.png'.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=".", help="Where to; the folder here.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="To find it again by.")
@click.option("--raw", is_flag=True, help="Pass on to a terminal what else is filtered: escape sequences.")
@click.option("--time", "timed", is_flag=True, help="Say on stderr what it took.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON, at the end.")
@asks_server
@click.pass_context
def run(
    ctx: click.Context,
    /,
    files: tuple[str, ...],
    language: str | None,
    stdin: str | None,
    interactive: bool,
    escape: str,
    out: Path,
    raw: bool,
    timed: bool,
    as_json: bool,
    server: str | None,
    key: str | None,
    **asked: Any,
) -> None:
    """Run a program on the server: its output comes as it is printed, and its exit code is this command's.

    The first FILE is the one that is run; the others, and all in folders among them, lie beside it. With - the
    program is read from stdin. What stands behind -- are its arguments. ^C cancels it.
    """
    if interactive and (stdin is not None or as_json or sources.STDIN in files):
        raise click.UsageError("-i takes the program's input from here: no --stdin, no --json and no program there")
    escape_key = _escape_in(escape)
    program = sources.program(files, language)
    with client_for(server, key) as client:
        contents = sources.lighter(
            {**program.files, _STDIN: b"" if interactive else _stdin(files, stdin)}, has_key=client.has_key
        )
        options = _options(asked, ctx.meta.get(_AFTER_DASHES, []))
        options["stdin"] = contents.pop(_STDIN)
        if interactive:
            del options["stdin"]
        if contents:
            options["files"] = contents
        if program.entrypoint:
            options["entrypoint"] = program.entrypoint
        if as_json:
            execution = client.run(program.language, program.source_code, **options)
            print_json(execution.model_dump(mode="json", exclude_unset=True))
            saving.save(client, execution, out, token=execution.access_token)
        else:
            if interactive:
                execution, token = _talked(client, program, options, raw=raw, escape=escape_key)
            else:
                execution, token = _watched(client, program, options, Printer(raw=raw))
            saving.save(client, execution, out, token=token)
            _conclude(execution, timed=timed)
    ctx.exit(exits.of_execution(execution))


def pairs_in(texts: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE. Raises UsageError."""
    for text in texts:
        if "=" not in text:
            raise click.UsageError(f"{text!r} is not NAME=VALUE")
    return dict(text.split("=", 1) for text in texts)


def limits_in(asked: Mapping[str, Any]) -> Limits:
    """Those that were asked for."""
    limits = Limits()
    if asked["seconds"] is not None:
        limits["wall_ms"] = round(asked["seconds"] * 1000)
    if asked["memory_mb"] is not None:
        limits["memory_mb"] = asked["memory_mb"]
    return limits


def _options(asked: Mapping[str, Any], arguments: list[str]) -> Options:
    options = Options(args=arguments, env=pairs_in(asked["variables"]), compile_args=list(asked["compile_args"]))
    if limits := limits_in(asked):
        options["limits"] = limits
    if asked["patterns"]:
        options["artifacts"] = list(asked["patterns"])
    if asked["tags"]:
        options["tags"] = pairs_in(asked["tags"])
    return options


def _stdin(files: tuple[str, ...], stdin: str | None) -> bytes:
    """What the program reads. At a terminal it gets nothing: who types needs an answer to each line."""
    if stdin is not None and stdin != sources.STDIN:
        return sources.read(Path(stdin))
    if sources.STDIN in files:
        if stdin is not None:
            raise click.UsageError("stdin is the program already")
        return b""
    if stdin is None and (sys.stdin is None or sys.stdin.isatty()):
        return b""
    return sys.stdin.buffer.read()


def _watched(
    client: Client, program: sources.Program, options: Options, printer: Printer
) -> tuple[Execution, str | None]:
    """The execution, shown as it ran, and what opens it."""
    try:
        with client.stream(program.language, program.source_code, **options) as stream:
            for event in stream:
                printer.take(event)
            return stream.result(), stream.access_token
    except ApiError as error:
        if error.code not in _MAY_NOT_WATCH:
            raise
        # Nothing has run. What may not be watched may be run all the same, and is shown at the end.
        execution = client.run(program.language, program.source_code, **options)
        printer.show(execution)
        return execution, execution.access_token
    finally:
        printer.end()


def _talked(
    client: Client, program: sources.Program, options: Options, *, raw: bool, escape: bytes | None
) -> tuple[Execution, str | None]:
    """The execution, talked to as it ran, and what opens it."""
    has_terminal = talk.at_terminals()
    terminal = talk.size() if has_terminal else None
    with client.interact(program.language, program.source_code, terminal=terminal, **options) as interaction:
        if has_terminal:
            talk.at_terminal(interaction, raw=raw, escape=escape)
        else:
            printer = Printer(raw=raw)
            try:
                talk.over_pipes(interaction, printer.take)
            finally:
                printer.end()
        if not interaction.has_finished:
            # Left, and nobody has said how it ended.
            raise click.exceptions.Exit(exits.CANCELLED)
        return interaction.result(), interaction.access_token


def _escape_in(told: str) -> bytes | None:
    if told == "none":
        return None
    if len(told) != 1 or not told.isascii() or told in ".?\r\n":
        raise click.UsageError("--escape is one character, or none")
    return told.encode()


def _conclude(execution: Execution, *, timed: bool) -> None:
    """Say how it ended, where its output does not."""
    run = execution.run
    if execution.outcome == "compile_error":
        note("it does not compile")
    elif execution.outcome == "signal" and run is not None:
        note(f"the program was ended by {run.signal_name or run.signal}")
    elif execution.error:
        note(execution.error)
    elif run is not None and run.message:
        note(run.message)
    if run is not None and (run.stdout_truncated or run.stderr_truncated):
        note("not all of its output was kept")
    if timed and run is not None and run.wall_ms is not None:
        memory = f", {run.peak_memory_bytes / 1_000_000:.1f} MB" if run.peak_memory_bytes else ""
        note(f"{run.wall_ms:.1f} ms{memory}")
