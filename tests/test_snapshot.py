"""A snapshot asks again only after its time, and once for all threads that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from rest import snapshot
from rest.snapshot import Snapshot


def counting() -> Callable[[], int]:
    numbers = iter(range(1, 100))
    return lambda: next(numbers)


def test_it_is_loaded_once_while_it_is_young() -> None:
    shot = Snapshot(counting())
    assert [shot.current() for _ in range(3)] == [1, 1, 1]


def test_it_is_loaded_again_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    shot = Snapshot(counting())
    assert shot.current() == 1
    monkeypatch.setattr(snapshot, "MAX_AGE_S", -1.0)
    assert shot.current() == 2


def test_it_is_loaded_again_when_it_is_forgotten() -> None:
    shot = Snapshot(counting())
    assert shot.current() == 1
    shot.forget()
    assert shot.current() == 2


def test_what_fails_to_load_is_tried_again() -> None:
    failures = [OSError("away")]

    def load() -> str:
        if failures:
            raise failures.pop()
        return "there"

    shot = Snapshot(load)
    with pytest.raises(OSError, match="away"):
        shot.current()
    assert shot.current() == "there"


def test_many_threads_load_once() -> None:
    load = counting()

    def slowly() -> int:
        time.sleep(0.05)
        return load()

    shot = Snapshot(slowly)
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(shot.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


def test_what_is_forgotten_while_it_loads_is_loaded_again() -> None:
    shot: Snapshot[int]
    load = counting()

    def load_while_a_change_comes() -> int:
        number = load()
        if number == 1:
            shot.forget()
        return number

    shot = Snapshot(load_while_a_change_comes)
    assert [shot.current(), shot.current()] == [1, 2]
