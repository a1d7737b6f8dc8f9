"""What is typed on one machine and heard on another, over a way that loses messages: all of it, once, in order."""

from __future__ import annotations

import random
import threading

import pytest

from dispatch.keyboard import Keyboard
from sandbox import bus
from sandbox.console import WINDOW_BYTES, Console, TypedTooMuch
from sandbox.host.talked import TalkedTo
from sandbox.messages import Heard, Said
from sandbox.types import TerminalSize
from testkit.waiting import eventually


class Program:
    """What a console talks to on a host: takes all that is typed."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.typed = b""
        self.ended = 0
        self.signals: list[int] = []
        self.sizes: list[TerminalSize] = []

    def feed(self) -> None:
        data, last = self.console.take(WINDOW_BYTES)
        self.typed += data
        self.ended += last

    def signal(self, number: int) -> None:
        self.signals.append(number)

    def resize(self, size: TerminalSize) -> None:
        self.sizes.append(size)


class Way:
    """Both ends of one conversation, and between them a network that loses one message in so many."""

    def __init__(self, loses: float) -> None:
        self._random = random.Random(7)
        self._loses = loses
        self.console = Console(kept_bytes=100)
        self.keyboard = Keyboard(self.console, self._say)
        self.talked = TalkedTo(kept_bytes=100, answer=self._answer)
        self.program = Program(self.talked.console)

    def _say(self, said: Said) -> None:
        if self._random.random() >= self._loses:
            self.talked.said(said)

    def _answer(self, heard: Heard) -> None:
        if self._random.random() >= self._loses:
            self.keyboard.heard(heard)

    def settle(self, rounds: int = 40) -> None:
        """So many seconds."""
        for _ in range(rounds):
            self.keyboard.repeat()
            self.talked.hear()


@pytest.mark.parametrize("loses", [0.0, 0.5])
def test_all_arrives_once_and_in_order(loses: float) -> None:
    way = Way(loses)
    way.console.type(b"before it has begun ")
    way.console.resize(TerminalSize(80, 24))
    way.talked.console.begun(way.program)
    # What comes before it has begun, as far as is known there, is no signal to anybody.
    way.settle()
    for number in range(100):
        way.console.type(b"%d " % number)
        if number % 10 == 0:
            way.console.signal(10)
            way.talked.hear()
    way.console.close_stdin()
    way.settle()
    assert way.program.typed == b"before it has begun " + b"".join(b"%d " % number for number in range(100))
    assert way.program.ended
    assert way.program.signals == [10] * 10
    assert way.program.sizes[-1] == TerminalSize(80, 24)


def test_room_comes_back_as_the_program_takes_it() -> None:
    way = Way(0.5)
    way.talked.console.begun(way.program)
    way.settle()
    for _ in range(3):
        way.console.type(b"x" * WINDOW_BYTES)
        with pytest.raises(TypedTooMuch):
            way.console.type(b"x")
        way.settle()
        way.talked.console.taken(WINDOW_BYTES)
        way.settle()
    assert way.console.room == WINDOW_BYTES
    assert len(way.program.typed) == 3 * WINDOW_BYTES


def test_what_a_host_claims_to_have_heard_is_believed_as_far_as_it_can_be() -> None:
    way = Way(0.0)
    way.keyboard.heard(Heard(begun=True, typed=2**40, signals=2**40, taken=2**40))
    way.console.type(b"typed")
    way.keyboard.heard(Heard(begun=True, typed=-1, signals=-1, taken=-1))
    assert way.console.room == WINDOW_BYTES - len(b"typed")
    way.talked.console.begun(way.program)
    way.settle(1)
    assert way.program.typed == b"typed"


def test_one_to_whom_nothing_is_said_for_long_has_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way(0.0)
    monkeypatch.setattr(bus, "MUTE_S", 0.0)
    # It waits for its container: nobody knows yet to which host there is something to be said.
    assert not way.talked.is_mute
    way.talked.begin()
    eventually(lambda: way.talked.is_mute)
    monkeypatch.setattr(bus, "MUTE_S", 60.0)
    assert not way.talked.is_mute


def test_what_is_printed_waits_for_its_reader() -> None:
    way = Way(0.0)
    told = []

    def print_on() -> None:
        for number in range(10):
            way.talked.printed(bus.UNREAD_BYTES // 2)
            told.append(number)

    printing = threading.Thread(target=print_on)
    printing.start()
    eventually(lambda: len(told) == 2)
    printing.join(0.3)
    assert len(told) == 2
    way.keyboard.read(bus.UNREAD_BYTES)
    eventually(lambda: len(told) == 4)
    way.talked.open()
    printing.join()
    assert len(told) == 10
