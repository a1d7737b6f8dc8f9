"""A registry of images on this machine, of Debian's package."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.hosts import Process
from testkit.servers import free_port

_CONFIGURATION = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {directory}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


def program() -> str | None:
    """Where it is there: installed, or fetched by scripts/bootstrap."""
    return shutil.which("docker-registry", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@contextmanager
def registry(directory: Path) -> Iterator[str]:
    """Its address, at which Docker asks for no TLS."""
    port = free_port()
    configuration = directory / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(directory=directory / "registry", port=port))
    command = [str(program()), "serve", str(configuration)]
    running = Process(command, directory / "registry.log", dict(os.environ))
    try:
        running.wait_for("listening on")
        yield f"127.0.0.1:{port}"
    finally:
        running.kill()
