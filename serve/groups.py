"""Children with a process group of their own, which do not outlive this process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def start_group(
    command: Sequence[str],
    *,
    cwd: Path,
    stdin: int | None = None,
    pass_fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child that gets SIGTERM should this process be killed, and no Ctrl-C of the terminal.

    The kernel sends the SIGTERM when the thread that started the child ends, so call it in the main thread.
    """
    follow = ["setpriv", "--pdeathsig", "TERM", "--"]
    return subprocess.Popen(
        [*follow, *command], cwd=cwd, stdin=stdin, pass_fds=pass_fds, env=environment, process_group=0
    )


def signal_group(group: int, number: int) -> bool:
    """Signal every process of the group (none, with number 0); False where none is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def end_group(child: subprocess.Popen[bytes], *, wait_s: float) -> None:
    """End the child, if it runs, with SIGTERM, and after `wait_s` seconds everything that is left of its group."""
    if child.poll() is not None:
        return
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(wait_s)
    signal_group(child.pid, signal.SIGKILL)
    child.wait()
