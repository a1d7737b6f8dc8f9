"""What an execution runs, as its row holds it: from a submission to the row's `job`, and from the row to a task.

`job` is JSON, for whatever process takes the row up:

    {"profile": {"image": "sha256:…", "memory_bytes": …, …, "ahead": {"script", "argv", "environment"} or null},
     "files": [{"name": "main.py", "content": CONTENT, "executable": false}],
     "entrypoint": "main.py",
     "steps": [{"name": "run", "argv": […], "environment": {…}, "limits": {"wall_ms": …, …}, "stdin": CONTENT,
                "fresh": false, "merge_stderr": false, "terminal": {"columns": 80, "rows": 24}}],
     "keep_going": false, "artifacts": {"patterns": […], "max_files": …, "max_bytes": …},
     "limits": what was effective, by the API's names: see executions.limits,
     "interactive": true where its client talks to it,
     "request_id", "traceparent": of the request, where it is run in the background, for log lines and traces,
     "of_strangers": true where its key is a publishable one,
     "grading": its tests, where there are any, each of which the last step is run for: see executions.grading.asked}

CONTENT is a reference: {"column": "source"} or {"column": "stdin"} of the same row, a stored file of its client,
{"file": "sha256:…"}, or short things themselves: {"text": "…"}, {"base64": "…"}. What a row of before does not say has
its default.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from itertools import chain
from typing import Any

from django.conf import settings

from clients.caller import sharing
from dispatch.base import Task
from executions.grading.asked import Grading, Judge
from executions.grading.plan import graded, index_of
from executions.models import Execution, Lane
from executions.submission import Interactive, SourceFile, Submission
from files import services as stored_files
from files.digests import PREFIX
from languages.options import MIB
from languages.programs import as_started, profile_of, steps_of
from sandbox.types import Ahead, ArtifactRequest, Companion, File, Job, Limits, Profile, Step, TerminalSize
from sandbox.types import Lane as SlotLane

Json = dict[str, Any]
Resolve = Callable[[Mapping[str, Any]], bytes]
"""Gives the bytes of CONTENT. Raises FileMissing."""

OF_STRANGERS = "of_strangers"
"""In a job: true where those who use its key need not be the same person."""
_SOURCE: Json = {"column": "source"}
_STDIN: Json = {"column": "stdin"}
_NOTHING: Json = {"text": ""}
TERM = "xterm-256color"
"""What browsers' terminals are, and all others understand."""
_OWN_WORDS_BYTES = 4096
"""No language has a longer command and environment of its own."""
_FLAGS = ("fresh", "merge_stderr")
"""Of a step; in the row where they are true."""
_LIMITS = tuple(field.name for field in fields(Limits))
_PLAIN = tuple(field.name for field in fields(Profile) if field.name != "ahead")


def job_of(submission: Submission) -> Json:
    """The row's `job`: the files; the compile step, where there is one; the run, as often as it was asked for."""
    limits = submission.limits
    job: Json = {
        "profile": _profile_json(_profile_for(submission, limits.profile(profile_of(submission.language)))),
        "files": [_file_json(file, submission) for file in submission.files],
        "steps": _steps_json(submission),
        "keep_going": False,
        "limits": limits.as_json(),
        "entrypoint": submission.entrypoint,
    }
    if submission.artifacts is not None:
        job["artifacts"] = asdict(submission.artifacts) | {"patterns": list(submission.artifacts.patterns)}
    if submission.interactive is not None:
        job["interactive"] = True
    if submission.grading is not None:
        job["grading"] = submission.grading.to_json()
    return job


def _profile_for(submission: Submission, profile: Profile) -> Profile:
    """A container that has a terminal is for one run, and starts nothing ahead, which would have pipes."""
    if submission.interactive is None or submission.interactive.terminal is None:
        return profile
    return replace(profile, terminal=True, ahead=None, runs_per_container=1, cells=0, share=False)


def stored_files_in(job: Mapping[str, Any]) -> set[str]:
    """The digests of all stored files that a job refers to. Only contents are looked at: a variable may be named so."""
    return {content["file"].removeprefix(PREFIX) for content in _contents(job) if "file" in content}


def task_of(execution: Execution) -> Task:
    """The task that the row describes; nothing but the row is read, and the files of its client. Raises FileMissing."""
    job = execution.job
    return Task(
        id=str(execution.pk),
        profile=profile_in(job["profile"]),
        job=_job(execution),
        attempt=execution.attempt,
        tenant=tenant_of(execution),
        caller=caller_of(execution),
        lane=lane_of(execution),
        bare_results="grading" in job,
    )


def judge_of(submission: Submission, **what: Any) -> Judge:
    """A checker or interactor, from what it would be as a program of its own; `what` are its role and protocol."""
    job = job_of(submission)
    return Judge(
        language=submission.language.slug,
        profile=job["profile"],
        files=tuple({**file, "content": _standing_alone(file, submission)} for file in job["files"]),
        steps=tuple(job["steps"]),
        **what,
    )


def grading_in(job: Mapping[str, Any]) -> Grading | None:
    """What is to be tested; None where nothing is."""
    return Grading.from_json(job["grading"]) if "grading" in job else None


def is_talked_to(job: Mapping[str, Any]) -> bool:
    """Whether its client talks to it while it runs."""
    return "interactive" in job


def companion_in(job: Mapping[str, Any]) -> Profile | None:
    """In what its checker or interactor runs, where it has one."""
    judge = job.get("grading", {}).get("judge")
    return profile_in(judge["profile"]) if judge else None


def expected_in(execution: Execution, grading: Grading) -> list[bytes | None]:
    """What each test expects of its output."""
    return [None if test.expected is None else content_of(execution, test.expected) for test in grading.tests]


def lane_of(execution: Execution) -> SlotLane:
    """In which line it waits for a slot."""
    return "batch" if execution.lane == Lane.BATCH else "interactive"


def caller_of(execution: Execution) -> str:
    """Who shares slots with others: a client, or else an address, of IPv6 its network."""
    if execution.client_id is None and execution.api_key_id is not None:
        return f"key {execution.api_key_id}"  # A row that waited while the server was updated.
    return sharing(execution.client_id, execution.client_address)


def tenant_of(execution: Execution) -> str | None:
    """Who may find a container again that it has used: a key; nobody without one, or with one that many people have."""
    return None if execution.job.get(OF_STRANGERS) else execution.api_key_id


def profile_in(data: Mapping[str, Any]) -> Profile:
    """The profile from its JSON in a job."""
    ahead = data["ahead"]
    return Profile(
        # Rows that waited while the server was updated lack what is new, and have its default.
        **{name: data[name] for name in _PLAIN if name in data},
        ahead=ahead and Ahead(ahead["script"], tuple(ahead["argv"]), tuple(sorted(ahead["environment"].items()))),
    )


def limits_in(job: Mapping[str, Any], step: str) -> Mapping[str, Any]:
    """What a step of this name was allowed, or the run that is a test; empty where the job has none."""
    if (index := index_of(step)) is not None and (tests := job.get("grading", {}).get("tests")):
        return {**job["steps"][-1]["limits"], **tests[index]["limits"]}
    found: Mapping[str, Any] = next((each["limits"] for each in job.get("steps", ()) if each["name"] == step), {})
    return found


def without_contents(job: Mapping[str, Any]) -> Json:
    """What may stay of a job whose client wants nothing kept of what it sent: in what it ran, within which limits."""
    steps = [{"name": step["name"], "limits": step["limits"]} for step in job.get("steps", ())]
    kept = {name: job[name] for name in ("profile", "limits") if name in job} | {"files": [], "steps": steps}
    return kept | ({"grading": {"report": job["grading"]["report"]}} if "grading" in job else {})


def brought_by(job: Mapping[str, Any]) -> int:
    """How many bytes a client has brought that stand in the job itself: of files, of tests, of a checker, of words."""
    contents = sum(_bytes_in(content, {}) for content in (*_of_programs(job), *_of_tests(job)))
    return contents + _words_bytes(job)


def _words_bytes(job: Mapping[str, Any]) -> int:
    """Of arguments and variables; a step has some of its language's own, and each run has all of them again."""
    # What is not kept of a step says nothing of them.
    steps = (
        sum(map(_size, (*step.get("argv", ()), *chain(*step.get("environment", {}).items()))))
        for step in job.get("steps", ())
    )
    tests = (sum(map(_size, test["args"])) for test in job.get("grading", {}).get("tests", ()))
    return sum(max(0, size - _OWN_WORDS_BYTES) for size in steps) + sum(tests)


def brought_by_tests(job: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
    """How many bytes the tests get and expect, each stored file, of these sizes, as often as it is named."""
    return sum(_bytes_in(content, sizes) for content in _of_tests(job))


def brought_by_program(job: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
    """How many bytes the stored files, of these sizes, are that the program, its stdin and its judge are made of."""
    contents = (*_of_programs(job), *(step["stdin"] for step in job["steps"][-1:]))
    return sum(_bytes_in(content, sizes) for content in contents if "file" in content)


def _contents(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All of them: each step that is run again has the same stdin."""
    yield from _of_programs(job)
    yield from _of_tests(job)
    yield from (step["stdin"] for step in job["steps"])


def _of_programs(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    judge = job.get("grading", {}).get("judge") or {}
    yield from (file["content"] for file in (*job.get("files", ()), *judge.get("files", ())))


def _of_tests(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for test in job.get("grading", {}).get("tests", ()):
        yield from (test["stdin"], test["expected"] or _NOTHING, *(file["content"] for file in test["files"]))


def _bytes_in(content: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
    if "file" in content:
        return sizes.get(content["file"].removeprefix(PREFIX), 0)
    return _size(content.get("text", content.get("base64", "")))


def _size(text: str) -> int:
    """In bytes: a character has up to four."""
    return len(text) if text.isascii() else len(text.encode())


def _job(execution: Execution) -> Job:
    data, content = execution.job, _once_each(execution)
    job = Job(
        _sources(data, content),
        tuple(_step(step, content) for step in data["steps"]),
        keep_going=data["keep_going"],
        artifacts=_artifacts_in(data),
    )
    grading = grading_in(data)
    return job if grading is None else graded(job, grading, _companion(grading, content), content)


def _once_each(execution: Execution) -> Resolve:
    """Gives the bytes of a reference, the same ones where it comes again: runs and tests may share what is large."""
    known: dict[tuple[tuple[str, Any], ...], bytes] = {}

    def resolve(reference: Mapping[str, Any]) -> bytes:
        name = tuple(reference.items())
        if name not in known:
            known[name] = content_of(execution, reference)
        return known[name]

    return resolve


def _companion(grading: Grading, content: Resolve) -> Companion | None:
    judge = grading.judge
    if judge is None:
        return None
    steps = tuple(_step(step, content) for step in judge.steps)
    return Companion(profile_in(judge.profile), _files(judge.files, content), steps)


def _sources(data: Mapping[str, Any], content: Resolve) -> tuple[File, ...]:
    """The program's files. A row that waited while the server was updated does not say which one is started."""
    entrypoint = data.get("entrypoint", "")
    return tuple(as_started(file, entrypoint=entrypoint) for file in _files(data["files"], content))


def _files(files: Iterable[Mapping[str, Any]], content: Resolve) -> tuple[File, ...]:
    return tuple(File(each["name"], content(each["content"]), each["executable"]) for each in files)


def _standing_alone(file: Mapping[str, Any], submission: Submission) -> Json:
    """The content of a judge's file: its source has no column in a row that is another program's."""
    content: Json = file["content"]
    return {"text": submission.source} if content == _SOURCE else content


def _steps_json(submission: Submission) -> list[Json]:
    steps = [submission.limits.step(step) for step in _steps_of(submission)]
    stdin = _stdin_json(submission)
    run = _talked_to(replace(steps[-1], merge_stderr=submission.merge_stderr), submission.interactive)
    # Each run after the first begins from the same files, as the first one did.
    runs = (
        [run]
        if submission.repeat == 1
        else [
            replace(run, name=f"{run.name}/{number}" if number else run.name, fresh=True)
            for number in range(submission.repeat)
        ]
    )
    return [_step_json(step, _NOTHING) for step in steps[:-1]] + [_step_json(step, stdin) for step in runs]


def _talked_to(step: Step, interactive: Interactive | None) -> Step:
    """What its reader has shown takes no room here: only what is kept is bounded as ever, see Console."""
    if interactive is None:
        return step
    environment = dict(step.environment)
    if interactive.terminal is not None:
        environment.setdefault("TERM", TERM)
    limits = replace(step.limits, output_bytes=settings.GEXEC_INTERACTIVE_OUTPUT_MB * MIB)
    return replace(step, terminal=interactive.terminal, environment=environment, limits=limits)


def _steps_of(submission: Submission) -> tuple[Step, ...]:
    return steps_of(
        submission.language,
        timeout_ms=submission.limits.wall_ms,
        args=submission.args,
        entrypoint=submission.entrypoint,
        files=tuple(file.name for file in submission.files) if submission.sources is None else submission.sources,
        compile_args=submission.compile_args,
        environment=submission.environment,
    )


def _file_json(file: SourceFile, submission: Submission) -> Json:
    in_column = file.name == submission.entrypoint and submission.source
    content = _SOURCE if in_column else file.content.reference()
    return {"name": file.name, "content": content, "executable": file.executable}


def _stdin_json(submission: Submission) -> Json:
    stdin = submission.stdin
    return stdin.reference() if stdin.file else _STDIN if stdin.data else _NOTHING


def _profile_json(profile: Profile) -> Json:
    ahead = profile.ahead
    return {name: getattr(profile, name) for name in _PLAIN} | {
        "ahead": ahead and {"script": ahead.script, "argv": list(ahead.argv), "environment": dict(ahead.environment)}
    }


def _step_json(step: Step, stdin: Json) -> Json:
    return {
        "name": step.name,
        "argv": list(step.argv),
        "environment": dict(step.environment),
        "limits": {name: getattr(step.limits, name) for name in _LIMITS},
        "stdin": stdin,
        **{name: True for name in _FLAGS if getattr(step, name)},
        **({"terminal": asdict(step.terminal)} if step.terminal else {}),
    }


def _step(data: Mapping[str, Any], content: Resolve) -> Step:
    return Step(
        data["name"],
        tuple(data["argv"]),
        Limits(**data["limits"]),
        # By name, as the profile has it: a step is forked from what was started ahead only where both say the same.
        dict(sorted(data["environment"].items())),
        content(data["stdin"]),
        fresh=data.get("fresh", False),
        merge_stderr=data.get("merge_stderr", False),
        terminal=TerminalSize(**data["terminal"]) if "terminal" in data else None,
    )


def _artifacts_in(job: Mapping[str, Any]) -> ArtifactRequest | None:
    asked = job.get("artifacts")
    return asked and ArtifactRequest(tuple(asked["patterns"]), asked["max_files"], asked["max_bytes"])


def content_of(execution: Execution, reference: Mapping[str, Any]) -> bytes:
    """The bytes that a reference in its job names. Raises FileMissing."""
    match reference:
        case {"column": "source"}:
            return execution.source.encode()
        case {"column": "stdin"}:
            return bytes(execution.stdin)
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(encoded)}:
            return base64.b64decode(encoded)
        case {"file": str(name)} if execution.client_id is not None:
            return stored_files.content(execution.client_id, name.removeprefix(PREFIX))
    raise ValueError(f"no such content: {reference!r:.100}")
