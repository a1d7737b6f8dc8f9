"""Who changes languages: told to the database, whose trigger writes each change of a row down with it.

A page acts for its user, a task for who started it. Whatever else runs, a command or a start, acts for the person at
the command line. What reaches the rows by another way, psql for one, is written down as the database's user.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePath

from django.db import connection, transaction

SETTING = "gexec.who"
"""Of the database session, until the end of the transaction; the trigger reads it."""
LONGEST = 200

_who: ContextVar[str] = ContextVar("who")


@contextmanager
def acting(who: str) -> Iterator[None]:
    """What changes in here was changed by `who`."""
    token = _who.set(who)
    try:
        yield
    finally:
        _who.reset(token)


def actor() -> str:
    """Who changes things now."""
    return (_who.get("") or _of_process())[:LONGEST]


@contextmanager
def signed() -> Iterator[None]:
    """A transaction whose changes of languages carry the actor's name."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, actor()])
        yield


def _of_process() -> str:
    """The person at the command line, before sudo, and the command."""
    command = " ".join([PurePath(sys.argv[0]).name, *sys.argv[1:2]])
    return f"{os.environ.get('SUDO_USER') or _user()} ({command})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number and no name.
        return f"user {os.getuid()}"
