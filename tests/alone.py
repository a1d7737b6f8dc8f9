"""How the tests share the machine: their files run side by side, and a test with the mark `alone` while no other does.

A whole run takes LANES processes, which pytest-xdist starts; a part of it, or one whose output is to be seen, runs in
one process as ever. `-n 0` and `-n 3` choose.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from testkit.locks import Room

LANES = 2
"""Most of the time is waiting for programs, servers and limits; else it takes processors: small machines have two."""
ALONE = "alone"
_ROOM = pytest.StashKey[Room]()


def is_lane(config: pytest.Config) -> bool:
    """Whether this is one of several processes."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", f"{ALONE}(reason): runs while no other test does, and why it has to")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """How many processes `-n auto` means."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    is_part = any(config.getoption(name, None) for name in ("keyword", "markexpr", "lf"))
    return LANES if is_whole and not is_part and config.getoption("capture") != "no" else 0


@pytest.fixture(scope="session")
def shared_by_lanes(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A directory that all processes of this run have in common, and no other run has."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if is_lane(pytestconfig) else own


def pytest_sessionstart(session: pytest.Session) -> None:
    """Whoever is not the only process asks the others before each test."""
    if is_lane(session.config):
        session.config.stash[_ROOM] = Room(Path(session.config.option.basetemp).parent)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """No file is left open."""
    if room := session.config.stash.get(_ROOM, None):
        room.close()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Who wants to be alone says why."""
    mark = item.get_closest_marker(ALONE)
    if mark is not None and not mark.kwargs.get("reason"):
        raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.{ALONE}(reason=...) has to say why")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Around the test with its fixtures and its time-out: what it waits for others is not its own time."""
    room = item.config.stash.get(_ROOM, None)
    if room is None:
        return (yield)
    with room.entered(alone=item.get_closest_marker(ALONE) is not None):
        return (yield)
