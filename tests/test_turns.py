"""Threads that wait for what fails slowly wait once, whatever their number."""

from __future__ import annotations

import threading
import time

import pytest

from rest.turns import Turns

SLOW_S = 0.3


def fail_slowly() -> None:
    time.sleep(SLOW_S)
    raise TimeoutError("away")


def test_who_waited_for_one_that_failed_fails_with_it() -> None:
    turns, tries, failures = Turns(), [], []
    begun = threading.Event()

    def ask() -> None:
        try:
            with turns.turn():
                tries.append(1)
                begun.set()
                fail_slowly()
        except TimeoutError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    # A thread that was slow to start may have asked only after the failure.
    assert len(tries) < 10
    assert [str(failure) for failure in failures] == ["away"] * 20
    assert len({id(failure) for failure in failures}) == 20


def test_who_asks_after_a_failure_tries_again() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(OSError, match="away"), turns.turn():
            raise OSError("away")
    with turns.turn():
        tried = True
    assert tried


def test_who_waited_for_one_that_succeeded_has_its_turn() -> None:
    turns, seen = Turns(), []

    def take() -> None:
        with turns.turn():
            seen.append(1)
            time.sleep(0.01)

    threads = [threading.Thread(target=take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 5
