"""An execution as the request that it came as: a body for the API, a command line, and a link to the playground.

What the row holds is what was run. Arguments and variables stand there behind those of the language, which are taken
off as they are today; arguments of a compiler are not told apart, and left out.
"""

from __future__ import annotations

import base64
import json
import shlex
import zlib
from collections.abc import Mapping
from typing import Any

from executions.grading.asked import Compare, Grading, Test
from executions.jobs import grading_in
from executions.models import Execution
from languages.models import Language
from languages.programs import RUN
from rest.display import plain

Json = dict[str, Any]
LONGEST_FRAGMENT = 64 * 1024
"""What the playground reads of a link, the number of its form included."""
LARGEST_SHARED = 1024 * 1024
"""What it reads of that when it is no longer packed."""
LONGEST_ARGUMENT = 128 * 1024
"""What Linux lets a command have as one."""
_VERSION = "1"
_DEFLATE_RAW = -15
_LIMITS = ("wall_ms", "cpu_ms", "memory_mb", "output_bytes", "processes", "file_bytes", "compile_wall_ms")


def body_of(execution: Execution, language: Language | None) -> Json | None:
    """The body of POST /api/v1/executions; None where there is no program."""
    job = execution.job
    if not job.get("files"):
        return None
    limits, run, grading = job.get("limits") or {}, _run_of(job), grading_in(job)
    body: Json = {
        "language": execution.language_slug,
        "files": [_file(execution, file) for file in job["files"]],
        "entrypoint": job.get("entrypoint") if len(job["files"]) > 1 else None,
        "stdin": None if grading else _content(execution, run.get("stdin", {"text": ""})) or None,
        "args": args_of(execution, language),
        "env": _variables(run, language),
        "limits": {name: limits[name] for name in _LIMITS if limits.get(name) and name not in limits.get("capped", ())},
        "merge_stderr": run.get("merge_stderr", False),
    }
    if grading is not None:
        body |= _graded(execution, grading)
    return {name: value for name, value in body.items() if value}


def curl_of(body: Json, url: str, *, with_key: bool) -> str:
    """A command line for a POSIX shell; the key is a variable that its user sets. Empty: no command can be so long."""
    told = json.dumps(body, indent=2, ensure_ascii=False)
    if len(told.encode()) >= LONGEST_ARGUMENT:
        return ""
    key = '  -H "Authorization: Api-Key $KEY" \\\n' if with_key else ""
    data = shlex.quote(_seen(told))
    return f'curl {shlex.quote(url)} \\\n{key}  -H "Content-Type: application/json" \\\n  --data-raw {data}\n'


def _seen(text: str) -> str:
    """JSON in which characters that hide are escapes, which mean the same."""
    return "".join(each if plain(each) == each else json.dumps(each)[1:-1] for each in text)


def fragment_of(execution: Execution, language: Language | None) -> str | None:
    """What the playground has behind the # of its address; None where it could not show all of it."""
    job = execution.job
    files = [_shared(execution, file) for file in job.get("files", ())]
    if not files or None in files:
        return None
    grading = grading_in(job)
    tests = [_shared_test(execution, test) for test in grading.tests] if grading else []
    stdin = _content(execution, _run_of(job).get("stdin", {"text": ""})) if grading is None else ""
    if None in tests or not isinstance(stdin, str):
        return None
    told = {
        "l": execution.language_slug,
        "f": files,
        "i": stdin,
        "a": shlex.join(args_of(execution, language)),
        "t": tests,
    }
    data = json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False).encode()
    if len(data) > LARGEST_SHARED:
        return None
    packer = zlib.compressobj(9, zlib.DEFLATED, _DEFLATE_RAW)
    packed = packer.compress(data)
    fragment = _VERSION + base64.urlsafe_b64encode(packed + packer.flush()).decode().rstrip("=")
    return fragment if len(fragment) <= LONGEST_FRAGMENT else None


def args_of(execution: Execution, language: Language | None) -> list[str]:
    """What stands behind the words of the language's own command."""
    argv: list[str] = _run_of(execution.job).get("argv", [])
    own = len(language.run_command) if language else len(argv)
    return argv[own:]


def _run_of(job: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((step for step in job.get("steps", ()) if step["name"] == RUN), {})


def _variables(run: Mapping[str, Any], language: Language | None) -> Json:
    own = language.environment if language else run.get("environment", {})
    return {name: value for name, value in run.get("environment", {}).items() if name not in own}


def _graded(execution: Execution, grading: Grading) -> Json:
    return {
        "tests": [_test(execution, test) for test in grading.tests],
        "grading": None if grading.compare is Compare.TRIM else {"compare": grading.compare.value},
    }


def _test(execution: Execution, test: Test) -> Json:
    told: Json = {
        "name": test.name,
        "stdin": _content(execution, test.stdin),
        "args": list(test.args),
        "expected_stdout": None if test.expected is None else _content(execution, test.expected),
        "hidden": test.hidden,
        "group": test.group,
    }
    return {name: value for name, value in told.items() if value} | {"points": test.points}


def _file(execution: Execution, file: Mapping[str, Any]) -> Json:
    told = {"name": file["name"], "content": _content(execution, file["content"])}
    return told | ({"executable": True} if file.get("executable") else {})


def _content(execution: Execution, content: Mapping[str, Any]) -> Any:
    """As a request has it: a string, or an object that names base64 or a stored file."""
    match content:
        case {"column": "source"}:
            return execution.source
        case {"column": "stdin"}:
            data = bytes(execution.stdin)
            try:
                return data.decode()
            except UnicodeDecodeError:
                return {"base64": base64.b64encode(data).decode()}
        case {"text": str(text)}:
            return text
    return {name: content[name] for name in ("base64", "file") if name in content}


def _shared(execution: Execution, file: Mapping[str, Any]) -> list[Any] | None:
    content = _content(execution, file["content"])
    if isinstance(content, str):
        return [file["name"], content]
    return [file["name"], {"b": content["base64"]}] if "base64" in content else None


def _shared_test(execution: Execution, test: Test) -> list[str] | None:
    stdin = _content(execution, test.stdin)
    expected = "" if test.expected is None else _content(execution, test.expected)
    alone = not (test.args or test.files)
    return [test.name, stdin, expected] if alone and isinstance(stdin, str) and isinstance(expected, str) else None
