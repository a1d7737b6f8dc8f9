"""What a step leaves behind: for the next test of its job, and where files are asked for. On a local Docker engine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from functools import partial

from attacks.attack import Run
from attacks.families.direct import DirectAttack
from sandbox.container import Container
from sandbox.types import (
    Artifact,
    ArtifactRequest,
    ArtifactsCollected,
    File,
    Job,
    Limits,
    Step,
    StepFinished,
    StepResult,
)

_LIMITS = Limits(wall_ms=15_000, output_bytes=1 << 20, file_size_bytes=8 << 30)
_MAX_FILES = 20
_MAX_BYTES = 1 << 20
_MOST_TOLD = 300
_COLLECTED_S = 10.0
"""The runner looks for five seconds at most; a machine may be busy."""
_WITH_HONEST = ("links", "large", "deep")
"""Where what must not come does not keep the rest from coming."""
_SLOW = (*("*" + "a*" * 60 + word for word in ("b", "c", "d", "?b")), "*" + "a" * 120 + "b", "**/" * 30 + "*a*a*a*b")
"""Patterns that have to be tried at every place of a name."""
_CHECK = """
import os
found = sorted(os.path.join(where, name) for where, dirs, names in os.walk('.') for name in dirs + names)
print(found, open('compiled').read(), open('given/input').read(), open('input.txt').read())
print(os.listdir('/tmp'), os.listdir('/dev/shm'), [pid for pid in os.listdir('/proc') if pid.isdigit()][2:])
"""
_FOUND = (
    "['./compiled', './given', './given/input', './input.txt', './main.py'] compiled given of this test\n[] [] []\n"
)


def _guest(name: str, guest: Run) -> Step:
    return Step(name, ("python3", "-c", guest.source(secrets.token_hex(4))), _LIMITS, fresh=True)


def _told(steps: tuple[StepResult, ...]) -> Iterator[str]:
    """What guests have said of what should have failed, and oddities of the rest."""
    for step in steps:
        printed = (step.stdout + step.stderr).decode(errors="replace")
        yield from (f"{step.name}: {line:.200}" for line in printed.splitlines() if "BREACH" in line)
        if b"DONE" not in step.stdout:
            yield f"{step.name}: {step.outcome} {step.detail} {printed[-300:]!r}"


def _leave_for_the_next(guest: str, container: Container) -> tuple[str, list[str]]:
    """What looks for traces of a run in a used container finds none in the next test either."""
    finds = Run("find_anything.py").source(secrets.token_hex(4)).encode()
    found = Step("find", ("python3", "main.py"), _LIMITS, files=(File("main.py", finds),), fresh=True)
    job = Job((), (_guest("leave", Run(guest)), found, _guest("leave again", Run(guest)), found), keep_going=True)
    steps = container.run(job, tenant="attack").steps
    return " ".join(step.outcome for step in steps), list(_told(steps)) + ["a test is missing"] * (len(steps) != 4)


def _spoil(container: Container) -> tuple[str, list[str]]:
    """The next test has its own input, and all else as it was compiled."""
    compiles = Step("compile", ("sh", "-c", "printf compiled > compiled"), _LIMITS, {"PATH": "/usr/bin:/bin"})
    files = (File("main.py", _CHECK.encode()), File("given/input", b"given"), File("input.txt", b"of the job"))
    check = Step("check", ("python3", "main.py"), _LIMITS, fresh=True, files=(File("input.txt", b"of this test"),))
    job = Job(files, (compiles, check, _guest("spoil", Run("spoil_tests.py")), check), keep_going=True)
    _, before, spoilt, after = container.run(job, tenant="attack").steps
    problems = list(_told((spoilt,)))
    problems += [
        f"{step.outcome} {step.stdout!r} {step.stderr[-300:]!r}" for step in (before, after) if not _as_made(step)
    ]
    return after.outcome, problems


def _as_made(step: StepResult) -> bool:
    return step.stdout.decode() == _FOUND


def _ask_for_files(kind: str, patterns: tuple[str, ...], container: Container) -> tuple[str, list[str]]:
    """Only what the program itself wrote comes, within the bounds, soon, and the container is none the worse."""
    request = ArtifactRequest((*patterns, "honest"), _MAX_FILES, _MAX_BYTES)
    job = Job((), (_guest("leave", Run("leave_artifacts.py", kind=kind)),), artifacts=request)
    events = container.events(job, tenant="attack")
    ended, began = next(events), time.monotonic()
    (collected,) = events
    took_s = time.monotonic() - began
    assert isinstance(ended, StepFinished)
    assert isinstance(collected, ArtifactsCollected)
    container.end_job()
    problems = [*_told((ended.result,)), *_wrong(collected.artifacts)]
    if took_s > _COLLECTED_S:
        problems.append(f"that took {took_s:.1f} s")
    if not container.usable(20.0):
        problems.append("the container cannot be used again")
    if kind in _WITH_HONEST and Artifact("honest", 6, b"honest") not in collected.artifacts:
        problems.append("what it may leave is not there")
    return f"{len(collected.artifacts)} told in {took_s:.1f} s", problems


def _wrong(artifacts: tuple[Artifact, ...]) -> Iterator[str]:
    taken = {artifact.name: artifact.content for artifact in artifacts if artifact.content is not None}
    if len(taken) > _MAX_FILES or sum(map(len, taken.values())) > _MAX_BYTES:
        yield f"{len(taken)} files came"
    if len(artifacts) > _MOST_TOLD:
        yield f"{len(artifacts)} files were told"
    for name, content in taken.items():
        if content.strip(b"\0") not in (b"", b"honest"):
            yield f"{name!r:.60} came with {content!r:.60}"


ATTACKS = (
    *(
        DirectAttack(
            f"the next test, {words}", f"{tries} left by one test for the next", partial(_leave_for_the_next, guest)
        )
        for words, tries, guest in (
            ("everything", "files, modes, daemons, sockets and limits", "leave_everything.py"),
            ("odd files", "deep directories, every byte in names, links that loop, locked folders", "file_mess.py"),
            ("links", "symlinks over the runner's paths", "file_links.py"),
            ("a race", "files that processes make while they are ended", "race_the_wipe.py"),
        )
    ),
    DirectAttack("the next test, spoilt", "sources, results and input changed, removed, linked elsewhere", _spoil),
    DirectAttack(
        "files, links", "FIFOs, sockets, links to secrets, swapped", partial(_ask_for_files, "links", ("**",))
    ),
    DirectAttack("files, many", "100,000 files with long names", partial(_ask_for_files, "many", ("**",))),
    DirectAttack(
        "files, large", "sparse files of 4 GB, a thousand names of one", partial(_ask_for_files, "large", ("**",))
    ),
    DirectAttack("files, deep", "a directory 1000 deep", partial(_ask_for_files, "deep", ("**", "**/bottom"))),
    DirectAttack("files, slow", "patterns and names that take long to compare", partial(_ask_for_files, "slow", _SLOW)),
)
