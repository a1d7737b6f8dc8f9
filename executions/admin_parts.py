"""What the page of one execution shows of programs of several files, of several runs, tests and artifacts."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from executions.grading.asked import Grading, Test
from executions.grading.plan import step_of
from executions.grading.verdicts import Verdict
from executions.highlighting import tokens_of
from executions.live.characters import Characters
from executions.models import Execution
from executions.outcomes import ENDINGS, Outcome
from executions.results import StepRecord, steps_in
from executions.signals import name_of
from languages.programs import RUN
from rest.display import arrival_block, badge, code_block, duration, facts, nothing, output_block, plain, size, visible

_SHOWN_BYTES, _LEAST_BYTES = 128 * 1024, 512
"""Of what all tests get, expect and print: each has an even share, and so much at least."""
_KINDS: dict[str, str] = {
    Verdict.PASSED: "good",
    Verdict.WRONG_ANSWER: "warn",
    Verdict.PRESENTATION_ERROR: "warn",
    Verdict.PARTIAL: "warn",
    Verdict.CHECKER_ERROR: "bad",
}
Row = Sequence[Any]


def ending_badge(outcome: Outcome, signal: int | None, exit_code: int | None = None) -> SafeString:
    """How a program ended: by which signal, with which code, as far as that says more."""
    ending = ENDINGS[outcome]
    if outcome is Outcome.SIGNAL and signal:
        return badge(f"killed by {name_of(signal)}", ending.kind)
    if outcome is Outcome.NONZERO_EXIT and exit_code is not None:
        return badge(f"exit code {exit_code}", ending.kind)
    return badge(ending.label, ending.kind)


def verdict_badge(verdict: str) -> SafeString:
    """A verdict; one that is an outcome looks as that does."""
    if verdict in _KINDS or verdict not in set(Outcome):
        return badge(verdict.replace("_", " "), _KINDS.get(verdict, ""))
    ending = ENDINGS[Outcome(verdict)]
    return badge(ending.label, ending.kind)


def files_shown(row: Execution) -> SafeString:
    """Each file with its name, in colours; one that stands alone under the language's own name needs none."""
    files = row.job.get("files", ())
    if not files:
        (tokens,) = tokens_of(row.language_slug, (("", row.source),))
        return code_block(row.source, tokens, name="Source")
    entrypoint = row.job.get("entrypoint")
    contents = [_bytes_of(row, file["content"]) for file in files]
    texts = [(file["name"], _text(data)) for file, data in zip(files, contents, strict=True)]
    coloured = iter(tokens_of(row.language_slug, tuple((name, text) for name, text in texts if text is not None)))
    return format_html_join(
        "",
        '<div class="gexec-file"><p><code>{}</code>{}</p>{}</div>',
        (
            (
                plain(name),
                " · is run" if len(files) > 1 and name == entrypoint else "",
                content_shown(row, file["content"])
                if text is None
                else code_block(text, next(coloured), name=f"Source: {plain(name)}"),
            )
            for file, (name, text) in zip(files, texts, strict=True)
        ),
    )


def _text(data: bytes | None) -> str | None:
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def content_shown(row: Execution, content: Mapping[str, Any]) -> SafeString:
    """What a content that is no source has in it, or where that is."""
    data = _bytes_of(row, content)
    if data is None:
        return format_html('<span class="gexec-nothing">{}</span>', _elsewhere(content))
    text = _text(data)
    return output_block(data, truncated=False) if text is None else code_block(text)


def run_of(row: Execution) -> Mapping[str, Any]:
    """The run as it was asked for; empty where nothing of it is kept."""
    found: Mapping[str, Any] = next((step for step in row.job.get("steps", ()) if step["name"] == RUN), {})
    return found


def telling_run(row: Execution) -> StepRecord | None:
    """Of several runs the first that did not end well, else the first: the one that the API shows."""
    runs = runs_in(steps_in(row))
    return next((run for run in runs if run.outcome is not Outcome.OK), runs[0] if runs else None)


def came_in_turns(run: StepRecord | None) -> bool:
    """Whether it printed to both streams, in an order that is known."""
    return run is not None and len(run.order) > 1 and bool(run.stdout) and bool(run.stderr)


def arrival_shown(run: StepRecord) -> SafeString:
    """Both streams as they came, cut between characters."""
    characters, pieces = Characters(), list[tuple[int, bytes]]()
    told = ((stream, characters.whole(stream, data)) for stream, data in run.pieces())
    for stream, data in chain(told, characters.rest()):
        if data and pieces and pieces[-1][0] == stream:
            pieces[-1] = (stream, pieces[-1][1] + data)
        elif data:
            pieces.append((stream, data))
    return arrival_block(pieces, truncated=run.stdout_truncated or run.stderr_truncated)


def runs_in(steps: Iterable[StepRecord]) -> list[StepRecord]:
    """The runs of the program, of which `repeat` makes several."""
    return [step for step in steps if step.name == RUN or step.name.startswith(f"{RUN}/")]


def runs_shown(runs: Sequence[StepRecord]) -> SafeString:
    """A line for each run."""
    rows = (
        (number, ending_badge(run.outcome, run.signal), run.exit_code, *_used(run))
        for number, run in enumerate(runs, start=1)
    )
    return _table(("run", "ended", "exit code", "wall time", "CPU time", "peak memory"), rows)


def grading_shown(grading: Grading) -> SafeString:
    """How tests are judged, with the program that does it."""
    judge = grading.judge
    told = facts(
        [
            (
                "compared" if judge is None else judge.role.value,
                grading.compare.value if judge is None else judge.language,
            ),
            *([] if judge is None else [("protocol", judge.protocol.value)]),
            ("report", grading.report.value),
        ]
    )
    if judge is None:
        return told
    sources = format_html_join(
        "", "<p><code>{}</code></p>{}", ((plain(each["name"]), _judges(each["content"])) for each in judge.files)
    )
    return format_html("{}<details><summary>source of the {}</summary>{}</details>", told, judge.role.value, sources)


def tests_shown(row: Execution, grading: Grading, steps: Iterable[StepRecord]) -> SafeString:
    """A line for each test, and behind it what it got, what was expected and what came."""
    by_name = {step.name: step for step in steps}
    told = row.tests or [{}] * len(grading.tests)
    most = max(_LEAST_BYTES, _SHOWN_BYTES // max(1, len(told)))
    return _table(
        ("test", "verdict", "points", "wall time", "CPU time", "peak memory", ""),
        (
            _test_row(row, asked, test, by_name.get(step_of(index)), most)
            for index, (asked, test) in enumerate(zip(grading.tests, told, strict=True))
        ),
    )


def artifacts_shown(row: Execution) -> SafeString:
    """A line for each file that it left."""
    rows = (
        (
            plain(each["name"]),
            size(each["bytes"]),
            plain(each["media_type"]),
            f"not taken: {each['skipped'].replace('_', ' ')}"
            if each["skipped"]
            else (each["file"] or f"sha256:{each['sha256']}"),
        )
        for each in row.artifacts or ()
    )
    return _table(("name", "size", "type", "content"), rows) if row.artifacts else nothing()


def _test_row(row: Execution, asked: Test, test: Mapping[str, Any], step: StepRecord | None, most: int) -> Row:
    names = [each for each in (asked.group, "hidden" if asked.hidden else "") if each]
    return (
        plain(asked.name + (f" ({', '.join(names)})" if names else "")),
        verdict_badge(test["verdict"]) if test else badge("not yet", "busy"),
        f"{test['points']:g} of {asked.points:g}" if test else "-",
        *(_used(step) if step else ("-", "-", "-")),
        format_html("{}{}", _why(test, step), _exchange(row, asked, step, most)),
    )


def _why(test: Mapping[str, Any], step: StepRecord | None) -> str:
    """What there is to say of a test that is not passed."""
    found = test.get("first_difference")
    where = (
        f"line {found['line']}, column {found['column']}: {_quoted(found['expected'])} was expected, "
        f"{_quoted(found['actual'])} came"
        if found
        else ""
    )
    detail = step.detail if step and test.get("verdict") != Verdict.PASSED else ""
    return visible(" · ".join(each for each in (test.get("checker_message"), where, detail) if each).encode())


def _quoted(text: str | None) -> str:
    return "nothing" if text is None else f"“{text}”"


def _exchange(row: Execution, asked: Test, step: StepRecord | None, most: int) -> SafeString:
    parts: list[tuple[str, bytes | str]] = [("stdin", _brought(row, asked.stdin))]
    if asked.expected is not None:
        parts.append(("expected", _brought(row, asked.expected)))
    if step:
        parts += [("stdout", step.stdout), ("stderr", step.stderr)]
    shown = format_html_join("", "<p>{}</p>{}", ((name, _part(data, most)) for name, data in parts if data))
    return format_html("<details><summary>input and output</summary>{}</details>", shown) if shown else shown


def _part(data: bytes | str, most: int) -> SafeString:
    if isinstance(data, str):
        return format_html('<span class="gexec-nothing">{}</span>', data)
    cut = f"the first {size(most)} of {size(len(data))}" if len(data) > most else size(len(data))
    return format_html('<div class="gexec-output"><pre tabindex="0">{}</pre><p>{}</p></div>', visible(data[:most]), cut)


def _used(step: StepRecord) -> tuple[str, str, str]:
    return duration(step.wall_ms), duration(step.cpu_ms), size(step.peak_memory_bytes)


def _brought(row: Execution, content: Mapping[str, Any]) -> bytes | str:
    data = _bytes_of(row, content)
    return _elsewhere(content) if data is None else data


def _judges(content: Mapping[str, Any]) -> SafeString:
    return code_block(content["text"]) if "text" in content else _part(_brought(Execution(), content), _SHOWN_BYTES)


def _bytes_of(row: Execution, content: Mapping[str, Any]) -> bytes | None:
    """None for a stored file, which is not read for a page."""
    match content:
        case {"column": "source"}:
            return row.source.encode()
        case {"column": "stdin"}:
            return bytes(row.stdin)
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(encoded)}:
            return base64.b64decode(encoded)
    return None


def _elsewhere(content: Mapping[str, Any]) -> str:
    return f"a stored file: {content.get('file', '-')}"


def _table(head: Sequence[str], rows: Iterable[Row]) -> SafeString:
    return format_html(
        '<table class="gexec-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        format_html_join("", "<th>{}</th>", ((name,) for name in head)),
        format_html_join(
            "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
        ),
    )
