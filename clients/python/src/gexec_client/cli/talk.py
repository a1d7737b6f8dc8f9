"""`gexec run -i`: the user and a program, with a terminal between them, or pipes."""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import Any, BinaryIO

import click

from gexec_client import events
from gexec_client.cli import exits
from gexec_client.cli.shared import note
from gexec_client.errors import ConnectionFailed, GexecError
from gexec_client.interaction import Interaction
from gexec_client.keys import Asked, Keys
from gexec_client.screen import ScreenFilter
from gexec_client.terminal import one_line

try:
    import termios
    import tty
except ImportError:  # There is none on Windows: pipes do.
    HAS_TERMINALS = False
else:
    HAS_TERMINALS = True

_PIECE_BYTES = 16 * 1024
_MOST_AHEAD_BYTES = 1024 * 1024
_BARE_LINE_END = re.compile(rb"(?<!\r)\n")
_RESIZED, _OVER = b"r", b"o"
_LEAVING = tuple(getattr(signal, name) for name in ("SIGQUIT",) if hasattr(signal, name))


def at_terminals() -> bool:
    """Whether a program can have the user's terminal."""
    return HAS_TERMINALS and all(file is not None and file.isatty() for file in (sys.stdin, sys.stdout))


def size() -> tuple[int, int]:
    """Columns and rows of it, whatever COLUMNS and LINES say: those are of when the shell was started."""
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return 80, 24
    return columns, rows


def over_pipes(interaction: Interaction, take: Callable[[events.Event], None]) -> None:
    """Until its end: what comes on stdin is passed on, and then stdin's end. Raises GexecError."""
    threading.Thread(target=_pass_stdin_on, args=(interaction,), name="gexec-stdin", daemon=True).start()
    for event in interaction:
        if isinstance(event, events.Reattached):
            if event.unsure_bytes:
                # A program must not go on with a hole in what it reads.
                interaction.cancel()
                raise ConnectionFailed("the connection was cut, and some of stdin is lost with it", sent=True)
            note("the connection was cut, and is there again")
        take(event)


def _pass_stdin_on(interaction: Interaction) -> None:
    with suppress(GexecError, OSError, ValueError):
        descriptor = sys.stdin.fileno()
        while data := os.read(descriptor, _PIECE_BYTES):
            interaction.write(data)
    with suppress(GexecError):
        interaction.close_stdin()


def at_terminal(interaction: Interaction, *, raw: bool, escape: bytes | None) -> None:
    """Until its end, with the user's terminal, which afterwards is as it was. Raises GexecError."""
    screen = Screen(raw=raw)
    with ExitStack() as stack:
        stack.callback(screen.end)
        stack.enter_context(_leaving())
        for event in interaction:
            if isinstance(event, events.StepStarted) and event.step != "compile" and not screen.is_taken:
                # Until then ^C is for this command: a compiler has no terminal.
                screen.is_taken = True
                stack.enter_context(_taken(sys.stdin.fileno()))
                # First: what a terminal says to that, or a mouse before it, is not read by a shell.
                stack.callback(screen.end)
                stack.enter_context(_typing(interaction, screen, Keys(escape)))
            screen.take(event)


class Screen:
    """Shows what comes, and says a word beside it."""

    def __init__(self, *, raw: bool) -> None:
        self.is_taken = False
        """Whether lines need a carriage return to begin on the left."""
        self._filter = None if raw else ScreenFilter()
        self._writing = threading.Lock()

    def take(self, event: events.Event) -> None:
        """Show it, where there is something to show."""
        match event:
            case events.Output():
                data = event.data
                if self.is_taken and event.step == "compile":
                    data = _BARE_LINE_END.sub(b"\r\n", data)
                self._write(self._filter.feed(data) if self._filter else data)
            case events.Cut():
                self.say(f"the connection is lost; it is tried anew for {event.within_s:.0f} s")
            case events.Reattached():
                lost = "; what you typed last may be lost" if event.unsure_bytes else ""
                self.say(f"the connection is there again{lost}")
            case events.Gap():
                self.say("some of the output is lost")

    def say(self, text: str) -> None:
        """A line of ours."""
        if not self.is_taken:
            note(text)
            return
        with self._writing:
            sys.stderr.write(f"\r\ngexec: {one_line(text)}\r\n")
            sys.stderr.flush()

    def end(self) -> None:
        """Whatever happens, the terminal is as it was."""
        with suppress(click.exceptions.Exit):
            self._write(self._filter.end() if self._filter else b"")

    def _write(self, data: bytes) -> None:
        file: BinaryIO = sys.stdout.buffer
        try:
            with self._writing:
                file.write(data)
                file.flush()
        except OSError:
            raise click.exceptions.Exit(exits.READER_GONE) from None


@contextmanager
def _taken(descriptor: int) -> Iterator[None]:
    """The terminal passes on each key as it is."""
    before = termios.tcgetattr(descriptor)

    def take(*_: Any) -> None:
        while True:
            try:
                tty.setraw(descriptor, termios.TCSADRAIN)
            except termios.error as error:
                # While it waits for what is shown a signal may come, such as that of a new size.
                if error.args[0] == errno.EINTR:
                    continue
            return

    # A shell that had it in between has set it to what shells need.
    continued = signal.signal(signal.SIGCONT, take)
    take()
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, continued)
        with suppress(termios.error):
            # What has come and was not read is for the program, or a terminal's answer to it: not for a shell.
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


@contextmanager
def _leaving() -> Iterator[None]:
    """Signals that would end this process at once let it put the terminal right first."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = [(number, signal.signal(number, leave)) for number in _LEAVING]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _typing(interaction: Interaction, screen: Screen, keys: Keys) -> Iterator[None]:
    """What is typed goes to the program, and so does the size of the window."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)

    def resized(number: int, frame: FrameType | None) -> None:
        # Nothing is sent from here: the thread that was interrupted may be sending itself.
        with suppress(BlockingIOError):
            os.write(wake, _RESIZED)

    typed = _Typed(interaction)
    reading = threading.Thread(
        target=_read_keys, args=(interaction, screen, keys, typed, woken), name="gexec-keys", daemon=True
    )
    before = signal.signal(signal.SIGWINCH, resized)
    # It may have changed since the program was asked for.
    resized(signal.SIGWINCH, None)
    reading.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
        typed.end()
        with suppress(BlockingIOError):
            os.write(wake, _OVER)
        # It must not take a key that is for the shell.
        reading.join(1)
        if not reading.is_alive():
            os.close(woken)
            os.close(wake)


class _Typed:
    """Sends what was typed, in a thread of its own: while it has to wait, escapes are still heard."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._ahead_bytes = 0
        threading.Thread(target=self._send, name="gexec-typed", daemon=True).start()

    def put(self, data: bytes) -> bool:
        """Whether there was room for it."""
        if self._ahead_bytes > _MOST_AHEAD_BYTES:
            return False
        self._ahead_bytes += len(data)
        self._queue.put(data)
        return True

    def end(self) -> None:
        self._queue.put(None)

    def _send(self) -> None:
        with suppress(GexecError):
            while (data := self._queue.get()) is not None:
                self._interaction.write(data)
                self._ahead_bytes -= len(data)


def _read_keys(interaction: Interaction, screen: Screen, keys: Keys, typed: _Typed, woken: int) -> None:
    descriptor = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([descriptor, woken], [], [])
        if woken in ready:
            if _OVER in os.read(woken, 64):
                return
            interaction.resize(*size())
        if descriptor in ready:
            try:
                data = os.read(descriptor, _PIECE_BYTES)
            except OSError:
                data = b""
            if not data:
                # The terminal is gone.
                interaction.close()
                return
            if not _take_keys(interaction, screen, typed, *keys.feed(data)):
                return


def _take_keys(interaction: Interaction, screen: Screen, typed: _Typed, data: bytes, asked: list[Asked]) -> bool:
    """Whether there is more to read."""
    if Asked.LEAVE in asked:
        screen.say("left")
        interaction.close()
        return False
    if Asked.HELP in asked:
        screen.say("Enter ~ .  leaves, and ends the program;  ~ ~  types one ~")
    if data and not typed.put(data):
        screen.say("the program does not read what you type")
    return True
