"""Files that a program has left, kept here. Their names are a stranger's: none leads elsewhere, or overwrites."""

from __future__ import annotations

import os
from pathlib import Path

from gexec_client.cli.shared import note
from gexec_client.client import Client
from gexec_client.results import Execution
from gexec_client.terminal import is_control

_REFUSED = frozenset('\\:*?"<>|')
"""What is part of a path, or of none, on some system."""


def save(client: Client, execution: Execution, directory: Path, *, token: str | None) -> None:
    """Fetch them. Says which are not kept, and why."""
    for artifact in execution.artifacts:
        if artifact.skipped:
            note(f"{artifact.name} was not taken: {artifact.skipped}")
        elif not is_safe(artifact.name):
            note(f"{artifact.name} is not kept: its name may not be a file's here")
        else:
            _write(directory, artifact.name, client.artifact(execution, artifact, access_token=token))


def is_safe(name: str) -> bool:
    """Whether it is a file below a folder. Hidden ones are none that a program should put there: .git/hooks/…"""
    parts = name.split("/")
    return all(
        part and not part.startswith(".") and not any(is_control(each) or each in _REFUSED for each in part)
        for part in parts
    )


def _write(directory: Path, name: str, data: bytes) -> None:
    """A new file; where there is one already, or a link on the way, nothing is written."""
    path = directory / name
    folders = [folder for folder in path.relative_to(directory).parents if folder.name]
    if any((directory / folder).is_symlink() for folder in folders):
        note(f"{name} is not kept: a link is in its way")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        note(f"{name} is not kept: {path} is there already")
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    note(f"{path}: {len(data)} bytes")
