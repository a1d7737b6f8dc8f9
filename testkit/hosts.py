"""A real NATS, and hosts that run programs for whoever asks it, on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from testkit.servers import PROJECT, ServerFailed, clean_environment, free_port
from testkit.waiting import eventually

NATS_SERVER = Path(sys.executable).with_name("nats-server")
STOP_S = 30
_CONFIGURATION = "max_payload: 8MB\n"


class Process:
    """One that was started here, with what it prints in a file."""

    def __init__(self, command: list[str], log_path: Path, environment: dict[str, str]) -> None:
        self.log_path = log_path
        with log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        """All that it has printed so far."""
        return self.log_path.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send it one."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a machine that loses its power; also where it was frozen."""
        self.process.kill()
        self.process.wait(STOP_S)

    def stop(self) -> int:
        """Have it end; its exit code. Raises ServerFailed where it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"it did not end:\n{self.log}") from None

    def wait_for(self, words: str, *, times: int = 1) -> str:
        """Until it has printed this so often; the last time. Raises ServerFailed where it ends before."""

        def look() -> list[str]:
            if self.process.poll() is not None:
                raise ServerFailed(f"it ended with {self.process.returncode}:\n{self.log}")
            return re.findall(words, self.log)

        return str(eventually(look, until=lambda found: len(found) >= times)[-1])


@dataclass
class Fleet:
    """A NATS server and its hosts."""

    directory: Path
    configuration: str = _CONFIGURATION
    """Of NATS."""
    port: int = field(default_factory=free_port)
    hosts: dict[str, Process] = field(default_factory=dict)
    nats: Process = field(init=False)

    def __post_init__(self) -> None:
        (self.directory / "nats.conf").write_text(self.configuration)
        self.start_nats()

    @property
    def url(self) -> str:
        """What GEXEC_NATS_URL is."""
        return f"nats://127.0.0.1:{self.port}"

    def start_nats(self) -> None:
        """Start it, or start it again with what it has stored."""
        log_path = self.directory / "nats.log"
        before = log_path.read_text().count("Server is ready") if log_path.exists() else 0
        command = [str(NATS_SERVER), "-c", str(self.directory / "nats.conf"), "-a", "127.0.0.1", "-p", str(self.port)]
        if "jetstream" not in self.configuration:
            command += ["-js", "-sd", str(self.directory / "nats")]
        self.nats = Process(command, log_path, dict(os.environ))
        self.nats.wait_for("Server is ready", times=before + 1)

    def start_host(
        self, name: str, *, slots: int = 4, wait: bool = True, settings: Mapping[str, str] | None = None
    ) -> Process:
        """Start one and wait until it takes jobs."""
        own = {"GEXEC_NATS_URL": self.url, "GEXEC_HOST_NAME": name, "GEXEC_SLOTS": str(slots)}
        environment = clean_environment(**own, GEXEC_SHUTDOWN_GRACE_S="10", **(settings or {}))
        command = [sys.executable, "-m", "sandbox.host"]
        host = self.hosts[name] = Process(command, self.directory / f"{name}.log", environment)
        if wait:
            host.wait_for("takes jobs")
        return host

    def stop(self) -> None:
        """Stop all of it."""
        for host in self.hosts.values():
            host.stop()
        self.nats.stop()


@contextmanager
def fleet(*names: str, slots: int = 4, configuration: str = _CONFIGURATION) -> Iterator[Fleet]:
    """A NATS with this configuration and hosts of these names, gone at the end."""
    with TemporaryDirectory(prefix="gexec-hosts-", ignore_cleanup_errors=True) as directory:
        made = Fleet(Path(directory), configuration)
        try:
            for name in names:
                made.start_host(name, slots=slots, wait=False)
            for host in made.hosts.values():
                host.wait_for("takes jobs")
            yield made
        finally:
            made.stop()
