"""Tools for agents, over the Model Context Protocol: run_code, run_tests, list_languages.

What a program does is a result, however it ends. An error (`isError`) is what is no program's doing: a request that the
server refuses, a fault of the service, a server that is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

import anyio
import httpx
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from gexec_client.aio import AsyncClient
from gexec_client.errors import ApiError, GexecError
from gexec_client.programs import Grading, Limits, Options, ProgramTest, Settings
from gexec_client.results import Execution
from gexec_client.telling import told
from gexec_client.transport import Place
from gexec_client.version import __version__

MAX_CODE = 256 * 1024
MAX_TEXT = 1024 * 1024
MAX_FILES = 20
MAX_TESTS = 100
MAX_REQUEST_BYTES = 4 * 1024 * 1024
MAX_AT_ONCE = 100
TIMEOUT_S = 600.0

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (no address to bind to, but one that is no name)

_INSTRUCTIONS = """\
Runs programs in a sandbox without network, from a clean state each time: nothing is kept from one call to the next.
Print what you want to see. Call list_languages once to learn what there is; "python" is nearly always there."""

Language = Annotated[
    str,
    Field(max_length=64, description='The language of the code, such as "python", "cpp", "java"; see list_languages.'),
]
Code = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_CODE,
        description="The whole program. It is run as a file, not in a notebook: print what you want to see.",
    ),
]
TimeLimit = Annotated[
    int | None,
    Field(ge=1, description="Milliseconds of wall time after which it is ended; left out: as the language has it."),
]
MemoryLimit = Annotated[int | None, Field(ge=16, description="Megabytes that it may use.")]


class SourceFile(BaseModel):
    """A file beside the program."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str, Field(min_length=1, max_length=255, description="Its path in the work directory: data.csv, lib/util.py.")
    ]
    content: Annotated[str, Field(max_length=MAX_TEXT, description="Its text.")]


class Test(BaseModel):
    """What the program gets, and what it should print."""

    __test__ = False
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100, description="For you to find it again.")] = ""
    stdin: Annotated[str, Field(max_length=MAX_TEXT, description="What the program reads.")] = ""
    expected_stdout: Annotated[
        str | None,
        Field(max_length=MAX_TEXT, description="What it should print; left out: it has only to end with exit code 0."),
    ] = None
    args: Annotated[list[str], Field(max_length=64, description="Arguments of the command line.")] = []


Files = Annotated[
    list[SourceFile], Field(max_length=MAX_FILES, description="Files that the program can open or import.")
]
Tests = Annotated[list[Test], Field(min_length=1, max_length=MAX_TESTS, description="The tests, in their order.")]
Compare = Annotated[
    Literal["trim", "exact", "lines", "tokens", "float"],
    Field(
        description="How outputs are compared. trim: all but white space at both ends; exact: every byte; "
        "lines: all but white space at the ends of lines; tokens: words; float: words, numbers within 1e-9."
    ),
]
Patterns = Annotated[
    list[Annotated[str, Field(max_length=255)]],
    Field(
        max_length=MAX_FILES,
        description='Which files that it leaves in its work directory come back: "*.png". Pictures are shown to you.',
    ),
]

ForCaller = Callable[[Context[Any, Any]], AsyncClient]


def build(for_caller: ForCaller) -> MCPServer[Any]:
    """The server; `for_caller` gives the client with the key of whoever calls."""
    server: MCPServer[Any] = MCPServer(
        "gexec", title="gexec", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING"
    )
    runs = ToolAnnotations(destructive_hint=False, open_world_hint=False)

    @server.tool(title="Run code", annotations=runs)
    async def run_code(
        ctx: Context[Any, Any],
        language: Language,
        code: Code,
        stdin: Annotated[str, Field(max_length=MAX_TEXT, description="What the program reads from stdin.")] = "",
        files: Files = [],  # noqa: B006 (never changed)
        args: Annotated[list[str], Field(max_length=64, description="Arguments of the command line.")] = [],  # noqa: B006
        time_limit_ms: TimeLimit = None,
        memory_limit_mb: MemoryLimit = None,
        artifacts: Patterns = ["*.png"],  # noqa: B006
    ) -> Annotated[CallToolResult, Execution]:
        """Run a program in a sandbox and get what it printed and how it ended.

        There is no network, and nothing is kept between calls. A program that fails is no error of this tool: look at
        the line `outcome` (ok, nonzero_exit, signal, timeout_wall, out_of_memory, compile_error …) and at stderr.
        """
        options = Options(stdin=stdin, args=args, files={each.name: each.content for each in files})
        options["limits"] = _limits(time_limit_ms, memory_limit_mb)
        if artifacts:
            options["artifacts"] = artifacts
        return await _answered(
            lambda: for_caller(ctx), lambda client: client.run(language, code, timeout_s=TIMEOUT_S, **options)
        )

    @server.tool(title="Run tests", annotations=runs)
    async def run_tests(
        ctx: Context[Any, Any],
        language: Language,
        code: Code,
        tests: Tests,
        files: Files = [],  # noqa: B006
        compare: Compare = "trim",
        stop_on_failure: Annotated[bool, Field(description="Whether the first failure ends it.")] = False,
        time_limit_ms: TimeLimit = None,
        memory_limit_mb: MemoryLimit = None,
    ) -> Annotated[CallToolResult, Execution]:
        """Run a program once for each test, and learn which it passes and where its output first differs.

        It is compiled once; each test begins from the same clean state. Limits hold for each test.
        """
        options = Settings(files={each.name: each.content for each in files})
        options["limits"] = _limits(time_limit_ms, memory_limit_mb)
        return await _answered(
            lambda: for_caller(ctx),
            lambda client: client.run_tests(
                language,
                code,
                tests=[_test(each) for each in tests],
                grading=Grading(compare=compare, stop_on_failure=stop_on_failure),
                timeout_s=TIMEOUT_S,
                **options,
            ),
        )

    @server.tool(title="List languages", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    async def list_languages(ctx: Context[Any, Any]) -> CallToolResult:
        """List the languages that programs can be written in, with their versions and what they get by default."""
        try:
            found = await for_caller(ctx).languages()
        except (GexecError, ValueError) as error:
            return _error(error)
        lines = [f"{each.slug} {each.version or ''}".strip() for each in found]
        structured = [each.model_dump(mode="json", exclude_unset=True) for each in found]
        return CallToolResult(
            content=[TextContent(type="text", text="\n".join(lines) or "There are none.")],
            structured_content={"languages": structured},
        )

    return server


def serve_stdio(place: Place) -> None:
    """Until stdin ends. Everybody who speaks there is the user, whose key it uses."""
    anyio.run(_stdio, place)


def serve_http(server: str, *, host: str, port: int, hosts: Sequence[str], origins: Sequence[str]) -> None:
    """Until a signal. Each request brings its caller's key; none is kept."""
    anyio.run(_http, server, host, port, tuple(hosts), tuple(origins))


def security(host: str, hosts: Sequence[str], origins: Sequence[str]) -> TransportSecuritySettings:
    """By which names it may be called, and by which pages.

    The page of a stranger who has a name of his own lead to this machine sends that name, and is refused by it.
    """
    own = [] if host in _EVERYWHERE else [f"[{host}]" if ":" in host else host]
    names = [form for each in (*_LOOPBACK, *own) for form in (each, f"{each}:*")]
    given = [form for each in hosts for form in _with_ports(each)]
    pages = [form for each in _LOOPBACK for form in (f"http://{each}", f"http://{each}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=names + given, allowed_origins=pages + list(origins)
    )


def key_in(authorization: str | None) -> str:
    """The caller's key: `Bearer …`, which most hosts send, or `Api-Key …`."""
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() in {"bearer", "api-key"} else ""


def _with_ports(host: str) -> Sequence[str]:
    return (host,) if host.rpartition(":")[2].isdecimal() else (host, f"{host}:*")


async def _stdio(place: Place) -> None:
    async with httpx.AsyncClient() as http:
        client = AsyncClient(place.server, place.key or "", http=http)
        await build(lambda _: client).run_stdio_async()


async def _http(server: str, host: str, port: int, hosts: Sequence[str], origins: Sequence[str]) -> None:
    async with httpx.AsyncClient() as http:

        def for_caller(ctx: Context[Any, Any]) -> AsyncClient:
            request = ctx.request_context.request
            return AsyncClient(server, key_in(request and request.headers.get("authorization")), http=http)

        app = build(for_caller).streamable_http_app(
            stateless_http=True,
            max_request_body_size=MAX_REQUEST_BYTES,
            transport_security=security(host, hosts, origins),
        )
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
            limit_concurrency=MAX_AT_ONCE,
        )  # fmt: skip
        listener = config.bind_socket()
        print(f"gexec: listening at http://{host}:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)  # noqa: T201
        await uvicorn.Server(config).serve(sockets=[listener])


async def _answered(
    caller: Callable[[], AsyncClient], run: Callable[[AsyncClient], Awaitable[Execution]]
) -> CallToolResult:
    try:
        client = caller()
        return await told(client, await run(client))
    except (GexecError, ValueError) as error:
        return _error(error)


def _error(error: Exception) -> CallToolResult:
    """In words that a model can act upon: what was wrong, and where."""
    lines = [str(error)]
    if isinstance(error, ApiError):
        lines += [f"{each.pointer}: {each.detail}" for each in error.errors]
        if error.retry_after_s is not None:
            lines.append(f"try again in {error.retry_after_s:.0f} s")
    return CallToolResult(content=[TextContent(type="text", text="\n".join(lines))], is_error=True)


def _test(test: Test) -> ProgramTest:
    case = ProgramTest(name=test.name, stdin=test.stdin, args=test.args)
    if test.expected_stdout is not None:
        case["expected_stdout"] = test.expected_stdout
    return case


def _limits(time_limit_ms: int | None, memory_limit_mb: int | None) -> Limits:
    limits = Limits()
    if time_limit_ms is not None:
        limits["wall_ms"] = time_limit_ms
    if memory_limit_mb is not None:
        limits["memory_mb"] = memory_limit_mb
    return limits
