"""An execution as the result of a tool: words for a model, the resource for a program, pictures for both."""

from __future__ import annotations

import base64
from typing import Any

from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent

from gexec_client.aio import AsyncClient
from gexec_client.errors import GexecError
from gexec_client.results import Artifact, Execution, Printed, TestResult
from gexec_client.terminal import lines

MAX_SHOWN = 16 * 1024
"""Characters of a stream in the words: a model reads all of them."""
MAX_TOLD = 64 * 1024
"""Of a stream in the resource."""
MAX_DIFFERING = 10
"""Tests of which more than the verdict is said."""
MAX_PICTURES = 4
MAX_PICTURE_BYTES = 1024 * 1024
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""Types that models can see, and how they begin."""


async def told(client: AsyncClient, execution: Execution) -> CallToolResult:
    """The result. What is a fault of the service is an error; what a program does is none."""
    pictures, notes = await _pictures(client, execution)
    text = "\n".join([*_words(execution), *notes])
    content: list[ContentBlock] = [TextContent(type="text", text=text), *pictures]
    failed = execution.outcome == "sandbox_error" or execution.status == "rejected"
    return CallToolResult(content=content, structured_content=bounded(execution), is_error=failed)


def bounded(execution: Execution) -> dict[str, Any]:
    """The resource, with outputs cut where they are long, and without what opens it."""
    whole: dict[str, Any] = execution.model_dump(mode="json", exclude_unset=True, exclude={"access_token"})
    for step in (whole.get("compile"), whole.get("run"), *(whole.get("tests") or ()), *(whole.get("runs") or ())):
        if step:
            _cut(step)
    for artifact in whole.get("artifacts") or ():
        artifact["content"] = None  # Pictures stand beside it; the rest is fetched by its name.
    return whole


def _cut(step: dict[str, Any]) -> None:
    for name in ("stdout", "stderr"):
        text = step.get(name)
        if isinstance(text, str) and len(text) > MAX_TOLD:
            step[name], step[f"{name}_truncated"] = text[:MAX_TOLD], True
        if step.get(f"{name}_base64") and len(step[f"{name}_base64"]) > MAX_TOLD:
            step[f"{name}_base64"] = None


def _words(execution: Execution) -> list[str]:
    found: list[str] = []
    for step in (execution.compile if execution.outcome == "compile_error" else None, execution.run):
        if step is not None:
            found += _streams(step)
    if execution.tests is not None:
        found += _tests(execution.tests)
    return [*found, _ending(execution)]


def _streams(step: Printed) -> list[str]:
    named = {"stdout": step.stdout, "stderr": step.stderr}
    return [f"{name}:\n{_shown(text)}" for name, text in named.items() if text]


def _tests(tests: Any) -> list[str]:
    told = [f"{each.name}: {each.verdict}" for each in tests]
    failed = [each for each in tests if each.verdict not in {"passed", "skipped"}][:MAX_DIFFERING]
    return [*told, *(line for each in failed for line in _failure(each))]


def _failure(test: TestResult) -> list[str]:
    found = [f"in {test.name}:"]
    if (difference := test.first_difference) is not None:
        where = f"line {difference.line}, column {difference.column}"
        found.append(lines(f"{where}: expected {difference.expected!r}, got {difference.actual!r}"))
    if test.stderr:
        found.append(f"stderr:\n{_shown(test.stderr)[-2000:]}")
    return found


def _ending(execution: Execution) -> str:
    run = execution.run
    parts = [f"outcome: {execution.outcome or execution.status}"]
    if execution.verdict:
        score = execution.score
        parts.append(f"verdict: {execution.verdict}" + (f", {score.passed} of {score.total} passed" if score else ""))
    if run is not None and run.exit_code is not None:
        parts.append(f"exit code {run.exit_code}")
    if run is not None and run.signal_name:
        parts.append(run.signal_name)
    if run is not None and run.wall_ms is not None:
        parts.append(f"{run.wall_ms:.0f} ms")
    if execution.error:
        parts.append(execution.error)
    if run is not None and run.message:
        parts.append(run.message)
    return lines(", ".join(parts))


def _shown(text: str) -> str:
    """The beginning and the end, where it is long; without what would act on a terminal that shows it."""
    if len(text) > MAX_SHOWN:
        half = MAX_SHOWN // 2
        text = f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"
    return lines(text)


async def _pictures(client: AsyncClient, execution: Execution) -> tuple[list[ContentBlock], list[str]]:
    """Those that a model can see, and a line on each file that is not among them."""
    found: list[ContentBlock] = []
    notes: list[str] = []
    for artifact in execution.artifacts:
        data = await _picture(client, execution, artifact) if len(found) < MAX_PICTURES else None
        if data is None:
            why = f", {artifact.skipped}" if artifact.skipped else ""
            notes.append(lines(f"left a file: {artifact.name}, {artifact.bytes} bytes{why}"))
        else:
            found.append(
                ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=artifact.media_type)
            )
            notes.append(lines(f"picture: {artifact.name}"))
    return found, notes


async def _picture(client: AsyncClient, execution: Execution, artifact: Artifact) -> bytes | None:
    if artifact.skipped or artifact.media_type not in _PICTURES or artifact.bytes > MAX_PICTURE_BYTES:
        return None
    try:
        data = await client.artifact(execution, artifact)
    except GexecError:
        return None  # It is told of as a file; the rest of the result is as good without it.
    return data if data.startswith(_PICTURES[artifact.media_type]) else None
