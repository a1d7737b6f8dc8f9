"""`gexec run -i`: a program that is talked to, at a terminal of its own and over pipes; afterwards all is as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gexec_client import Client
from testkit.servers import PROJECT, clean_environment
from testkit.waiting import eventually
from tests.client_lab import Cutting, Gexec

COMMAND = [sys.executable, "-m", "gexec_client.cli", "run", "-i", "main.py"]
INTERPRETER = "import os\nos.execvp('python3', ['python3', '-q', '-i'])"
WAITING = "print('ready', flush=True)\nimport time\ntime.sleep(60)"


def environment(gexec: Gexec, directory: Path, url: str | None = None) -> dict[str, str]:
    return clean_environment(
        PYTHONPATH=str(PROJECT / "clients/python/src"), GEXEC_SERVER=url or gexec.url, GEXEC_API_KEY=gexec.key,
        GEXEC_CONFIG=str(directory / "none"), TERM="xterm",
    )  # fmt: skip


class Terminal:
    """A user's: what is shown there, and what is typed."""

    def __init__(self, command: list[str], directory: Path, variables: dict[str, str]) -> None:
        self._here, self._there = pty.openpty()
        self.resize(80, 24)
        self.before = self.modes
        self.shown = b""
        self._seen = 0
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            cwd=directory,
            env=variables,
            stdin=self._there,
            stdout=self._there,
            stderr=self._there,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def modes(self) -> list[Any]:
        return termios.tcgetattr(self._there)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._there, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._here, text.encode())

    def until(self, text: str) -> bytes:
        """Waits for this; what came up to its end, and is not looked at again."""
        eventually(lambda: self.shown[self._seen :], until=lambda shown: text.encode() in shown)
        end = self.shown.find(text.encode(), self._seen) + len(text.encode())
        seen, self._seen = self.shown[self._seen : end], end
        return seen

    def end(self) -> int:
        """The exit code."""
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._there)
        self._reading.join(10)
        # Under a thread that reads it still, its number would soon be another file's.
        assert not self._reading.is_alive()
        os.close(self._here)

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self._here, 65536):
                self.shown += data


@contextmanager
def terminal(gexec: Gexec, directory: Path, source: str, *options: str, url: str | None = None) -> Iterator[Terminal]:
    """One at which the command is typed."""
    (directory / "main.py").write_text(source)
    made = Terminal([*COMMAND, *options], directory, environment(gexec, directory, url))
    try:
        yield made
    finally:
        made.close()


def newest(gexec: Gexec) -> str | None:
    with Client(gexec.url, gexec.key) as client:
        return next(client.history(page_size=1)).outcome


def test_an_interpreter_is_talked_to_at_a_terminal(gexec: Gexec, tmp_path: Path) -> None:
    with terminal(gexec, tmp_path, INTERPRETER, "--env", "TERM=dumb", "--env", "PYTHON_BASIC_REPL=1") as user:
        user.until(">>> ")
        user.type("6 * 7\r")
        user.until("\r\n42\r\n")
        user.type("while True: pass\r\r")
        user.until("... ")
        user.type("\x03")
        user.until("KeyboardInterrupt")
        user.resize(101, 33)
        user.type("import os, subprocess, time\r")
        user.type("while os.get_terminal_size().columns == 80: time.sleep(0.1)\r\r")
        user.type("subprocess.call(['stty', 'size'])\r")
        user.until("\r\n33 101\r\n")
        user.type("print('<', end='\\x1b]52;c;eA==\\x07\\x1b[6n\\x1b[5m>\\n')\r")
        user.until("<\x1b[5m>\r\n")
        user.type("os._exit(7)\r")
        assert user.end() == 7
        assert user.modes == user.before
        assert b"\x1b]52" not in user.shown


@pytest.mark.parametrize(("typed", "code"), [("\r~.", 130), (None, 143)])
def test_who_leaves_gets_the_terminal_back(gexec: Gexec, tmp_path: Path, typed: str | None, code: int) -> None:
    with terminal(gexec, tmp_path, "print('\\x1b[?1049h\\x1b[?1000h', end='')\n" + WAITING) as user:
        user.until("ready")
        eventually(lambda: user.modes[3] & termios.ICANON, until=lambda cooked: not cooked)
        if typed is None:
            user.process.send_signal(signal.SIGTERM)
        else:
            user.type(typed)
        assert user.end() == code
        assert user.modes == user.before
        user.until("\x1b[?1000l\x1b[?1049l")
    assert eventually(lambda: newest(gexec), until=lambda outcome: outcome is not None) == "cancelled"


def test_it_goes_on_after_a_cut(gexec: Gexec, tmp_path: Path) -> None:
    source = "for n in range(400): print(n, flush=True)\nprint(input('name? ').upper())\nraise SystemExit(5)"
    with Cutting(gexec.server.port, [3000]) as proxy, terminal(gexec, tmp_path, source, url=proxy.url) as user:
        user.until("is there again")
        user.until("name? ")
        user.type("ada\r")
        user.until("\r\nADA\r\n")
        assert user.end() == 5
        shown = [int(line) for line in user.shown.replace(b"\r", b"").split(b"\n") if line.isdigit()]
    assert shown == list(range(400))


def test_over_pipes_stdin_stays_open(gexec: Gexec, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import sys\nprint(sys.stdin.isatty(), file=sys.stderr, flush=True)\n"
        "for line in sys.stdin: print(line.strip().upper(), flush=True)\nprint('\\x1b]0;t\\x07')\nsys.exit(3)"
    )
    with subprocess.Popen(
        COMMAND,
        cwd=tmp_path,
        env=environment(gexec, tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in (b"one", b"two", b"~."):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == word.upper() + b"\n"
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (3, b"\x1b]0;t\x07\n", b"False\n")


def test_what_does_not_go_together(gexec: Gexec, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print(1)")
    for options in (["--json"], ["--stdin", "/dev/null"], ["--escape", "xx"]):
        done = subprocess.run(
            [*COMMAND, *options], cwd=tmp_path, env=environment(gexec, tmp_path), capture_output=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 2
