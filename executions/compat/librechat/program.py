"""From what was asked for to a program of ours."""

from __future__ import annotations

from pathlib import PurePosixPath

from clients.caller import Caller
from executions.compat import running
from executions.compat.librechat.asked import Asked
from executions.compat.running import ArtifactRequest, AskedLimits, Content, Program, SourceFile
from files.digests import id_of

WALL_MS = 30_000
"""The other service's, where no request names one."""
MAX_FILES, MAX_BYTES = 100, 32 << 20
"""Of what one run leaves."""
_STDIN = b"\n"


def program_of(asked: Asked, caller: Caller) -> Program:
    """The program, with its inputs beside it and all that it leaves asked for."""
    most = running.caps(asked.language, caller)
    wall_ms = int(min(asked.timeout_ms or WALL_MS, most.wall_ms))
    entrypoint = entrypoint_of(asked)
    files = [SourceFile(entrypoint, Content(asked.code.encode(errors="replace")))]
    files += [
        SourceFile(each.name, Content(file=id_of(each.row.digest))) for each in asked.inputs if each.name != entrypoint
    ]
    taken = sum(each.row.bytes for each in asked.inputs)
    return Program(
        asked.language,
        tuple(files),
        entrypoint,
        stdin=Content(_STDIN),
        args=asked.args,
        limits=AskedLimits(wall_ms=max(1, wall_ms)),
        artifacts=ArtifactRequest(("**",), MAX_FILES + len(files), MAX_BYTES + taken),
    )


def entrypoint_of(asked: Asked) -> str:
    """The language's own name for it, unless an input has that."""
    name = asked.language.source_file
    taken = {each.name for each in asked.inputs}
    if name not in taken or asked.entry.get("fixed"):
        return name
    suffix = PurePosixPath(name).suffix
    return next(made for number in range(1, len(taken) + 2) if (made := f"program{number}{suffix}") not in taken)
