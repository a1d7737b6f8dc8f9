"""`gexec test`: a program against a folder of inputs and answers."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console

from gexec_client.cli import exits, sources, suites
from gexec_client.cli.run import limits_in
from gexec_client.cli.shared import asks_server, client_for, language_option, note, print_json, print_table
from gexec_client.programs import Grading, Judge, ProgramTest, Settings
from gexec_client.results import Execution, TestResult
from gexec_client.terminal import lines

_COMPARE = ("exact", "trim", "lines", "tokens", "float", "judge0", "none")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@click.option(
    "--tests", "directory", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with 1.in and 1.out or 1.ans, as Kattis (sample/, secret/) or Polygon (01, 01.a) name them.",
)  # fmt: skip
@language_option
@click.option("--compare", type=click.Choice(_COMPARE), help="How outputs are compared; trim.")
@click.option("--tolerance", type=float, help="Compare numbers: how far they may be apart, absolute or relative.")
@click.option("--checker", metavar="FILE", help="A program that looks at outputs, after testlib's protocol.")
@click.option("--interactor", metavar="FILE", help="A program that talks to this one.")
@click.option("--protocol", type=click.Choice(["testlib", "kattis", "json"]), help="Of checker or interactor.")
@click.option("--time-limit", "seconds", type=float, metavar="SECONDS", help="Of wall time, for each test.")
@click.option("--memory-limit", "memory_mb", type=int, metavar="MB")
@click.option("--stop", is_flag=True, help="End at the first test that is not passed.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
@asks_server
@click.pass_context
def test(
    ctx: click.Context,
    /,
    files: tuple[str, ...],
    directory: Path,
    language: str | None,
    as_json: bool,
    server: str | None,
    key: str | None,
    **asked: Any,
) -> None:
    """Run a program for each test in a folder, and show which it passes.

    Ends with 0 where all are passed, with 1 where one is not, with 65 where it does not compile; else as `gexec run`.
    """
    program = sources.program(files, language)
    pairs = suites.pairs(directory)
    for pair in pairs:
        if pair.answer is None:
            note(f"{pair.name} has no answer beside it: any output will do")
    with client_for(server, key) as client:
        options = Settings(files=program.files)
        if program.entrypoint:
            options["entrypoint"] = program.entrypoint
        if limits := limits_in(asked):
            options["limits"] = limits
        with Console().status(f"{len(pairs)} tests …") if sys.stdout.isatty() else nullcontext():
            execution = client.run_tests(
                program.language,
                program.source_code,
                tests=_tests(pairs, has_key=client.has_key),
                grading=_grading(asked),
                **options,
            )
    if as_json:
        print_json(execution.model_dump(mode="json", exclude_unset=True))
    else:
        _show(execution)
    ctx.exit(exits.of_tests(execution))


def _tests(pairs: list[suites.Pair], *, has_key: bool) -> list[ProgramTest]:
    contents: dict[str, Any] = {f"{at}.in": pair.stdin for at, pair in enumerate(pairs)}
    contents |= {f"{at}.out": pair.answer for at, pair in enumerate(pairs) if pair.answer is not None}
    lighter = sources.lighter(contents, has_key=has_key)
    tests = []
    for at, pair in enumerate(pairs):
        test = ProgramTest(name=pair.name, stdin=lighter[f"{at}.in"])
        if pair.answer is not None:
            test["expected_stdout"] = lighter[f"{at}.out"]
        tests.append(test)
    return tests


def _grading(asked: dict[str, Any]) -> Grading:
    grading = Grading(stop_on_failure=asked["stop"])
    if asked["tolerance"] is not None:
        grading["abs_tolerance"] = grading["rel_tolerance"] = asked["tolerance"]
        grading["compare"] = "float"
    if asked["compare"]:
        grading["compare"] = asked["compare"]
    if asked["checker"]:
        grading["checker"] = _judge(asked["checker"], asked["protocol"])
    if asked["interactor"]:
        grading["interactor"] = _judge(asked["interactor"], asked["protocol"])
    return grading


def _judge(name: str, protocol: Literal["testlib", "kattis", "json"] | None) -> Judge:
    judge = Judge(language=sources.language_of(name), source_code=sources.read(Path(name)))
    if protocol is not None:
        judge["protocol"] = protocol
    return judge


def _show(execution: Execution) -> None:
    if execution.outcome == "compile_error" and execution.compile is not None:
        click.echo(lines(execution.compile.stdout + execution.compile.stderr), err=True)
        note("it does not compile")
        return
    rows = [_row(each) for each in execution.tests or ()]
    print_table(["test", "verdict", "time", "memory", ""], rows, coloured=1)
    if execution.score is not None:
        click.echo(f"{execution.score.passed} of {execution.score.total} passed")
    if execution.error:
        note(execution.error)


def _row(test: TestResult) -> list[str]:
    return [
        test.name,
        test.verdict,
        _number(test.wall_ms, 1, "ms"),
        _number(test.peak_memory_bytes, 1_000_000, "MB"),
        _why(test),
    ]


def _why(test: TestResult) -> str:
    """In a line, why it is not passed."""
    if test.verdict in {"passed", "skipped"}:
        return ""
    if (found := test.first_difference) is not None:
        return (
            f"line {found.line}, column {found.column}: expected {_quoted(found.expected)}, got {_quoted(found.actual)}"
        )
    if test.checker_message:
        return test.checker_message
    last = test.stderr.strip().rpartition("\n")[2]
    if test.verdict == "signal":
        return " ".join(filter(None, [test.signal_name, last]))
    if test.verdict == "nonzero_exit":
        return " ".join(filter(None, [f"exit code {test.exit_code}", last]))
    return test.message


def _quoted(text: str | None) -> str:
    return "nothing" if text is None else json.dumps(text, ensure_ascii=False)


def _number(value: float | None, scale: float, unit: str) -> str:
    return "" if value is None else f"{value / scale:.1f} {unit}"
