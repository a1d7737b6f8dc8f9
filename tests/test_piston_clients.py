"""Piston's clients as they are published, unchanged but for the address: four languages, all ways to end."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyston
import pytest
import ultra_piston
from ultra_piston.http_clients import HTTPXClient

from testkit.servers import RunningServer
from tests.npm_lab import run_node

LANGUAGES = ("bash", "lua")
"""Besides python and go, which are there."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A program, and what has to come back of its run."""

    language: str
    files: tuple[tuple[str, str], ...]
    told: Json
    more: Json = field(default_factory=dict)
    in_output: str = ""


CASES = (
    Case(
        "python", (("main.py", "import sys\nprint(sys.argv[1:], input())\nprint('é', file=sys.stderr)"),),
        {"code": 0, "signal": None, "stdout": "['a b', ''] 4\n", "stderr": "é\n", "output": "['a b', ''] 4\né\n"},
        {"args": ["a b", ""], "stdin": "4"},
    ),
    Case("bash", (("", 'read -r line; echo "$line $1"; exit 3'),), {"code": 3, "stdout": "x y\n"},
         {"args": ["y"], "stdin": "x\n"}),
    Case("lua", (("hello", "io.write(6 * 7)"),), {"code": 0, "stdout": "42", "stderr": "", "output": "42"}),
    Case("go", (("main.go", "package main\nfunc main() { undefined() }"),), {"stdout": "", "signal": None},
         in_output="undefined: undefined"),
    Case("golang", (("a", "package main\nimport \"fmt\"\nfunc main() { fmt.Println(1) }"),),
         {"code": 0, "stdout": "1\n"}),
    Case("sh", (("crash.sh", "echo before; kill -SEGV $$"),),
         {"code": 139, "signal": None, "stdout": "before\n", "output": "before\nSegmentation fault\n"}),
    # Long enough for an interpreter that has to share its processor.
    Case("bash", (("slow.sh", "echo so far; exec sleep 60"),),
         {"code": None, "signal": "SIGKILL", "stdout": "so far\n"}, {"run_timeout": 2000}),
    Case("bash", (("loud.sh", "yes"),), {"code": None, "signal": "SIGKILL"}),
    Case("python3", (("m.py", "import lib.util as u; print(u.X + open('data').read())"),
                     ("lib/util.py", "X = 'several '"), ("data", "files")),
         {"code": 0, "stdout": "several files\n"}),
)  # fmt: skip
PATIENCE = {"run_timeout": 30_000, "compile_timeout": 60_000}
"""The server has no less (tests/compat_lab.py), so that a machine that is busy is no reason to fail."""
CAMELS = {"run_timeout": "runTimeout", "compile_timeout": "compileTimeout"}
Send = Callable[[str, Path], Iterator[tuple[Case, Json]]]


def body_of(case: Case, **names: str) -> Json:
    """As most clients take it; `names` are theirs for ours."""
    files = [{"name": name, "content": content} for name, content in case.files]
    body: Json = {"language": case.language, "version": "*", "files": files} | PATIENCE | case.more
    return {names.get(name, name): value for name, value in body.items()}


class Patient(HTTPXClient):  # type: ignore[misc]  # it has no types
    """Its own client, which takes others: httpx gives up after five seconds."""

    def _get_http_payload(self, endpoint: str = "") -> Json:
        return {**super()._get_http_payload(endpoint), "timeout": 90}


def with_ultra_piston(server: str, _modules: Path) -> Iterator[tuple[Case, Json]]:
    """It sends one file, and tries to keep a distance between requests that is meant for the public server."""
    client = ultra_piston.PistonClient(base_url=f"{server}/api/v2/piston", rate_limit=0, http_client=Patient)
    assert {"python", "go", "bash", "lua"} <= {runtime.language for runtime in client.get_runtimes()}
    assert "python" in {package.language for package in client.get_packages() if package.installed}
    for case in CASES:
        if len(case.files) == 1:
            ((name, content),) = case.files
            ran = client.post_execute(
                case.language, "*", ultra_piston.File(name=name, content=content), **PATIENCE | case.more
            )
            yield case, ran.run.model_dump()


def with_aiopyston(server: str, _modules: Path) -> Iterator[tuple[Case, Json]]:
    async def send() -> list[Json]:
        client = pyston.PystonClient(base_url=f"{server}/api/v2/")
        try:
            assert "python" in await client.languages()
            answers = []
            for case in CASES:
                files = [pyston.File(content, name) for name, content in case.files]
                answers.append((await client.execute(case.language, files, **PATIENCE | case.more)).raw_json["run"])
            return answers
        finally:
            await client.close_session()

    yield from zip(CASES, asyncio.run(send()), strict=True)


def with_piston_rspy(server: str, _modules: Path) -> Iterator[tuple[Case, Json]]:
    if importlib.util.find_spec("piston_rspy") is None:
        pytest.skip("piston-rspy cannot be installed with this Python")
    import piston_rspy  # noqa: PLC0415

    async def send() -> list[Any]:
        client = piston_rspy.Client.with_url(f"{server}/api/v2/piston")
        assert "python" in [runtime.language for runtime in await client.fetch_runtimes()]
        return [await client.execute(executor(case)) for case in CASES]

    def executor(case: Case) -> Any:
        files = [piston_rspy.File(name=name, content=content) for name, content in case.files]
        more: Json = PATIENCE | case.more
        return piston_rspy.Executor(language=case.language, version="*", files=files, **more)

    for case, answer in zip(CASES, asyncio.run(send()), strict=True):
        assert answer.status == 200, answer
        yield case, {name: getattr(answer.run, name) for name in ("stdout", "stderr", "output", "code", "signal")}


def with_node(client: str, **names: str) -> Send:
    def send(server: str, modules: Path) -> Iterator[tuple[Case, Json]]:
        given = {"client": client, "cases": [body_of(case, **names) for case in CASES]}
        told = run_node("piston.mjs", str(modules), server, given=given)
        assert {"python", "go", "bash", "lua"} <= {runtime["language"] for runtime in told["runtimes"]}
        yield from ((case, answer["run"]) for case, answer in zip(CASES, told["results"], strict=True))

    return send


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(with_ultra_piston, id="ultra-piston"),
        pytest.param(with_aiopyston, id="aiopyston"),
        pytest.param(with_piston_rspy, id="piston-rspy"),
        pytest.param(
            with_node("piston-client", run_timeout="runTimeout", compile_timeout="compileTimeout"), id="piston-client"
        ),
        pytest.param(with_node("PistonClient"), id="piston-api-client"),
        pytest.param(with_node("NodePistonClient"), id="piston-api-client-old"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:pyston", "ignore::DeprecationWarning:aiohttp")
def test_programs(compat_server: RunningServer, request: pytest.FixtureRequest, send: Send) -> None:
    is_node = "piston-" in request.node.callspec.id and request.node.callspec.id != "piston-rspy"
    modules = request.getfixturevalue("node_modules") if is_node else Path()
    for case, run in send(compat_server.base_url, modules):
        assert {name: run[name] for name in case.told} == case.told, case
        assert case.in_output in run["output"], case
        if case.files[0][0] == "loud.sh":
            assert len(run["stdout"]) > 500_000


def test_a_key_stands_in_authorization_alone(compat_server: RunningServer) -> None:
    key = compat_server.create_api_key("piston")

    def ask(key: str) -> str:
        url = f"{compat_server.base_url}/api/v2"
        client = ultra_piston.PistonClient(base_url=url, api_key=key, rate_limit=0, http_client=Patient)
        file = ultra_piston.File(content="print(1)")
        return str(client.post_execute("python", "3.10.0", file, **PATIENCE).run.stdout)

    assert ask(key) == "1\n"
    with pytest.raises(ultra_piston.errors.UnexpectedStatusError, match="401"):
        ask(f"{key}x")
