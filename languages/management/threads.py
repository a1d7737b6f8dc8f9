"""A few things done at once for a command that Ctrl-C must be able to end."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(items: Sequence[Item], act: Callable[[Item], Done], *, at_once: int) -> list[tuple[Item, Done]]:
    """What `act` returned for each item, in the order in which they were done. What it raises is raised here.

    The threads are daemons: Python waits at its end for those of an executor, however long their work takes.
    """
    todo: queue.SimpleQueue[Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Item, Done] | BaseException] = queue.SimpleQueue()
    for item in items:
        todo.put(item)
    for _ in range(min(at_once, len(items))):
        # What is done is done by who acts here.
        threading.Thread(target=copy_context().run, args=[_work, todo, done, act], daemon=True).start()
    return [_answer(done.get()) for _ in items]


def _work(
    todo: queue.SimpleQueue[Item],
    done: queue.SimpleQueue[tuple[Item, Done] | BaseException],
    act: Callable[[Item], Done],
) -> None:
    while True:
        try:
            item = todo.get_nowait()
        except queue.Empty:
            return
        try:
            done.put((item, act(item)))
        except BaseException as error:  # noqa: BLE001 (handed to who waits)
            done.put(error)


def _answer(answer: tuple[Item, Done] | BaseException) -> tuple[Item, Done]:
    if isinstance(answer, BaseException):
        raise answer
    return answer
