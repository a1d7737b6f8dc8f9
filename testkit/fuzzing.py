"""Requests that the schema of the API allows, and such that it forbids, sent to a real server by schemathesis."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from testkit.servers import PROJECT, RunningServer, ServerFailed

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
REFUSALS = (400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 422, 429, 431, 503)
"""How what is wrong may be answered: some of it is met by chance, as a place that is taken."""
RIGHTS = "execute,stream,read,see_hidden,manage_files,manage_keys,admin"
_SHORT = {"wall_ms": 1000, "compile_wall_ms": 3000, "memory_mb": 64}
"""The most that a program which nobody wrote may have."""
_LONGEST_WAIT_S = 1


def key_with_all_rights(server: RunningServer) -> str:
    """A new API key of the server."""
    done = server.manage("create_api_key", "fuzz", "--rights", RIGHTS)
    return done.stdout.splitlines()[-1].strip()


def ids_of(server: RunningServer, key: str) -> dict[str, str]:
    """Things of every kind that the paths name, so that not everything is missing. Raises ServerFailed."""

    def send(path: str, body: Any = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        answer = server.request(f"/api/v1/{path}", body, headers=headers, **more)
        if answer.status >= 300:
            raise ServerFailed(answer.body.decode())
        return answer.json()

    source = "open('left.txt', 'w').write('here')"
    run = {"language": "python", "source_code": source, "artifacts": {"paths": ["*.txt"]}}
    return {
        "execution_id": send("executions", run)["id"],
        "name": "python",
        "file_id": send("files", b"1,2\n", method="PUT")["id"],
        "webhook_id": send("webhooks", {"url": "https://example.org/", "events": ["execution.finished"]})["id"],
        "prefix": send("keys", {"name": "one more"})["id"],
    }


def schema_for(server: RunningServer, directory: Path) -> Path:
    """The schema as a file, narrowed where programs would run for longer than anybody waits, or in no language."""
    schema = yaml.safe_load((PROJECT / "docs" / "openapi.yaml").read_text())
    for component in schema["components"]["schemas"].values():
        _narrow(component.get("properties", {}))
    path = directory / "openapi.json"
    path.write_text(json.dumps(schema))
    return path


def _narrow(properties: dict[str, Any]) -> None:
    for name, most in _SHORT.items():
        if "maximum" in properties.get(name, {}):
            properties[name]["maximum"] = max(most, properties[name].get("minimum", 0))
    if "source_code" in properties and "language" in properties:
        properties["language"] |= {"enum": ["python"]}
    if "wait" in properties and "oneOf" in properties["wait"]:
        properties["wait"] = {"type": "number", "minimum": 0, "maximum": _LONGEST_WAIT_S}


def fuzz(
    server: RunningServer,
    directory: Path,
    *,
    examples: int,
    within_s: int,
    seed: int,
    known: Mapping[str, str],
    key: str,
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis until its time is over; what it prints names each fault with the request that shows it."""
    settings = directory / "schemathesis.toml"
    lines = [f'"path.{name}" = {json.dumps(value)}' for name, value in known.items()]
    refusals = ", ".join(f'"{status}"' for status in REFUSALS)
    checks = ["[checks.negative_data_rejection]", f"expected-statuses = [{refusals}]"]
    # A slot or the database may be busy, which is said and means no fault; every other 5xx is one.
    checks += ["[checks.not_a_server_error]", 'expected-statuses = ["2xx", "3xx", "4xx", "503"]']
    settings.write_text("\n".join(["[parameters]", *lines, *checks, ""]))
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(settings),
        "run",
        str(schema_for(server, directory)),
        *("--url", server.base_url),
        *("--header", f"Authorization: Bearer {key}"),
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(examples)),
        *("--max-time", str(within_s)),
        *("--seed", str(seed)),
        *("--workers", "1"),
        *("--warnings", "off"),
        "--continue-on-failure",
    ]
    return subprocess.run(
        command,
        cwd=directory,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=within_s * 3 + 60,
        check=False,
    )
