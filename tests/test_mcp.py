"""Tools for agents, as the official client of the Model Context Protocol sees them, over stdio and over HTTP."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client.client import Client as Agent
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ImageContent, TextContent, Tool

from gexec_client import Client, Execution
from gexec_client.agents import key_in, security
from gexec_client.cli.__main__ import done_with
from gexec_client.results import result
from gexec_client.telling import MAX_SHOWN, MAX_TOLD
from testkit.servers import PROJECT, clean_environment
from testkit.waiting import eventually
from tests.client_lab import Gexec

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
DRAWS = f"print('drawn')\nopen('a.png', 'wb').write({PNG!r})\nopen('b.png', 'w').write('none')\nopen('c.csv', 'w')"
COMMAND = [sys.executable, "-m", "gexec_client.cli", "mcp"]

Use = Callable[[Agent], Awaitable[None]]


def environment(gexec: Gexec, key: str) -> dict[str, str]:
    return clean_environment(
        PYTHONPATH=str(PROJECT / "clients/python/src"), GEXEC_SERVER=gexec.url, GEXEC_API_KEY=key, GEXEC_CONFIG="/none"
    )


@pytest.fixture(scope="module")
def over_http(gexec: Gexec) -> Iterator[str]:
    """The address of one that listens. Its own key is of no use."""
    command = [*COMMAND, "--http", "--port", "0", "--allow-host", "agents.example.org"]
    with subprocess.Popen(command, env=environment(gexec, "gx_wrong"), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", line := process.stderr.readline())
        assert found, line + process.stderr.read()
        yield found.group()
        process.terminate()
        assert process.wait(30) in {0, 143, -15}
        assert gexec.key[-20:] not in process.stderr.read()


def call(gexec: Gexec, url: str | None, use: Use, *, key: str | None = None, mode: str = "auto") -> None:
    """Use the tools, over HTTP where there is an address, else over stdio."""

    async def over_stdio() -> None:
        parameters = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment(gexec, gexec.key))
        async with Agent(stdio_client(parameters), mode=mode) as agent:
            await use(agent)

    async def over_http() -> None:
        key_sent = gexec.key if key is None else key
        headers = {"Authorization": f"Bearer {key_sent}"} if key_sent else {}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Agent(streamable_http_client(str(url), http_client=http), mode=mode) as agent,
        ):
            await use(agent)

    anyio.run(over_http if url else over_stdio)


def text_of(answer: CallToolResult) -> str:
    first = answer.content[0]
    assert isinstance(first, TextContent)
    return first.text


async def used(agent: Agent) -> None:
    """All that the tools promise."""
    described = {tool.name: tool for tool in (await agent.list_tools()).tools}
    assert set(described) == {"run_code", "run_tests", "list_languages"}
    for tool in described.values():
        said_without_examples(tool)
    await runs_code(agent)
    await is_told_of_failures(agent)
    await runs_tests(agent)
    listed = await agent.call_tool("list_languages", {})
    assert "python 3." in text_of(listed)
    assert {each["slug"] for each in listed.structured_content["languages"]} >= {"python", "go"}


def said_without_examples(tool: Tool) -> None:
    assert tool.description
    properties: dict[str, Any] = tool.input_schema.get("properties", {})
    for schema in [properties, *(each["properties"] for each in tool.input_schema.get("$defs", {}).values())]:
        assert all(each.get("description") for each in schema.values()), tool.name


async def runs_code(agent: Agent) -> None:
    files = [{"name": "data.txt", "content": "from a file"}]
    source = "import sys\nprint(input(), open('data.txt').read(), sys.argv[1])\nprint('e\\x1b[2J', file=sys.stderr)"
    arguments = {"language": "python", "code": source, "stdin": "typed\n", "files": files, "args": ["-x"]}
    answer = await agent.call_tool("run_code", arguments)
    assert not answer.is_error
    assert text_of(answer).startswith("stdout:\ntyped from a file -x\n\nstderr:\ne␛[2J\n\noutcome: ok, exit code 0, ")
    execution = result(Execution, answer.structured_content)
    assert (execution.ok, execution.stdout, execution.access_token) == (True, "typed from a file -x\n", None)
    answer = await agent.call_tool("run_code", {"language": "python", "code": DRAWS, "artifacts": ["*"]})
    (picture,) = [each for each in answer.content if isinstance(each, ImageContent)]
    assert (base64.b64decode(picture.data), picture.mime_type) == (PNG, "image/png")
    assert "left a file: b.png, 4 bytes" in text_of(answer)
    assert [each["content"] for each in answer.structured_content["artifacts"]] == [None] * 4  # main.py is one


async def is_told_of_failures(agent: Agent) -> None:
    """Of the program's as results, of others' as errors."""
    answer = await agent.call_tool("run_code", {"language": "python", "code": "print('before')\n1/0"})
    assert not answer.is_error
    assert re.search(r"before[^$]*ZeroDivisionError[^$]*outcome: nonzero_exit, exit code 1", text_of(answer))
    answer = await agent.call_tool("run_code", {"language": "go", "code": "package main\nfunc main() { x }"})
    assert not answer.is_error
    assert "undefined: x" in text_of(answer)
    assert "outcome: compile_error" in text_of(answer)
    answer = await agent.call_tool("run_code", {"language": "klingon", "code": "1"})
    assert answer.is_error
    assert "#/language" in text_of(answer)
    answer = await agent.call_tool("run_code", {"language": "python", "code": "x" * 300_000})
    assert answer.is_error
    flood = {"language": "python", "code": "print('x' * 500_000)"}
    answer = await agent.call_tool("run_code", flood)
    assert len(text_of(answer)) < MAX_SHOWN + 1000
    assert len(answer.structured_content["run"]["stdout"]) == MAX_TOLD
    assert answer.structured_content["run"]["stdout_truncated"] is True


async def runs_tests(agent: Agent) -> None:
    tests = [{"stdin": "1", "expected_stdout": "1"}, {"name": "two", "stdin": "2", "expected_stdout": "3"}]
    answer = await agent.call_tool("run_tests", {"language": "python", "code": "print(input())", "tests": tests})
    assert not answer.is_error
    assert "two: wrong_answer" in text_of(answer)
    assert "line 1, column 1: expected '3', got '2'" in text_of(answer)
    assert "1 of 2 passed" in text_of(answer)
    assert answer.structured_content["verdict"] == "wrong_answer"


def test_over_stdio_what_an_agent_gives_up_is_cancelled(gexec: Gexec) -> None:
    source = f"__import__('time').sleep(60)  # {uuid.uuid4().hex}"

    def newest() -> Execution:
        with Client(gexec.url, gexec.key) as client:
            return client.get(next(client.history()), include=["source"])

    def is_it(one: Execution) -> bool:
        return any(file["content"] == source for file in one.files or ())

    async def gives_up(agent: Agent) -> None:
        await runs_code(agent)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(agent.call_tool, "run_code", {"language": "python", "code": source})
            await anyio.to_thread.run_sync(lambda: eventually(newest, until=is_it))
            tasks.cancel_scope.cancel()

    call(gexec, None, gives_up)
    ended = eventually(newest, until=lambda one: is_it(one) and one.ended)
    assert ended.outcome == "cancelled"


def test_over_http_with_the_callers_key(gexec: Gexec, over_http: str) -> None:
    call(gexec, over_http, used)


def test_a_client_of_before_is_served_too(gexec: Gexec, over_http: str) -> None:
    call(gexec, over_http, runs_tests, mode="legacy")


def test_a_caller_without_a_key_has_nobodys(gexec: Gexec, over_http: str) -> None:
    tag = uuid.uuid4().hex

    async def unknown(agent: Agent) -> None:
        answer = await agent.call_tool("run_code", {"language": "python", "code": f"print('{tag}')"})
        assert not answer.is_error
        with Client(gexec.url, gexec.key) as client:
            newest = islice(client.history(), 20)
            assert answer.structured_content["id"] not in {each.id for each in newest}

    async def refused(agent: Agent) -> None:
        answer = await agent.call_tool("run_code", {"language": "python", "code": f"print('{tag}')"})
        assert answer.is_error
        assert "unauthorized" in text_of(answer)

    # Were its own key used, which is wrong, the first would be refused as the second is.
    call(gexec, over_http, unknown, key="")
    call(gexec, over_http, refused, key="gx_wrong_too")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 400),
        ({"Host": "agents.example.org"}, 200),
        ({"Host": "agents.example.org:8443", "Origin": "http://localhost:3000"}, 200),
    ],
)
def test_pages_and_names_of_strangers_are_refused(over_http: str, headers: dict[str, str], status: int) -> None:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    assert httpx2.post(over_http, json=ask, headers=accept | headers).status_code == status


def test_a_body_is_bounded(over_http: str) -> None:
    sent = httpx2.post(over_http, content=b"x" * 5_000_000, headers={"Content-Type": "application/json"})
    assert sent.status_code == 413


def test_where_it_listens_for_all_no_name_is_trusted_by_itself() -> None:
    assert "0.0.0.0" not in security("0.0.0.0", [], []).allowed_hosts
    assert "10.0.0.7:*" in security("10.0.0.7", [], []).allowed_hosts
    assert "[::2]:*" in security("::2", [], []).allowed_hosts
    assert security("::1", ["a.example:80"], []).allowed_hosts[-1] == "a.example:80"


@pytest.mark.parametrize(
    ("header", "key"),
    [("Bearer k", "k"), ("Api-Key k ", "k"), ("bearer k", "k"), ("Basic k", ""), ("k", ""), (None, "")],
)
def test_the_callers_key(header: str | None, key: str) -> None:
    assert key_in(header) == key


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "gexec_client.agents")
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    assert done_with(["mcp"]) == 1
    assert "gexec-client[mcp]" in capfd.readouterr().err
