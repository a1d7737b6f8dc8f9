"""The commands of manage.py, but `serve`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from gexec.environment import SettingError
from gexec.version import VERSION
from rest.text import encodable
from serve import database
from serve.locks import Held, Unwritable
from serve.postgres import PostgresError

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of what Ctrl-C ended, as shells count it."""

_OF_FILES = frozenset({"backup", "restore", "run"})
"""Commands that are given names of files, which may be any bytes."""


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name."""
    if list(arguments) in (["--version"], ["version"]):
        print(VERSION)  # noqa: T201 (what was asked for)
        return 0
    if arguments and arguments[0] not in _OF_FILES and (unreadable := _not_text(arguments)):
        sys.exit(f"gexec: no UTF-8: {' '.join(unreadable)}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gexec.settings")
    # Migrations, backups and the lock of a start need one session, which a pooler does not give.
    if os.environ.get("DATABASE_URL") and (direct := os.environ.get("GEXEC_DATABASE_DIRECT_URL")):
        os.environ["DATABASE_URL"] = direct
    try:
        if database.outside(arguments):
            django.setup()
            database.refuse_unreachable(settings.DATABASE_URL)
            execute_from_command_line(["manage.py", *arguments])
        elif database.needed(arguments):
            # The command does so as well, but at a start the database comes up meanwhile.
            django.setup()
            with database.available(settings.GEXEC_DATA_DIR):
                execute_from_command_line(["manage.py", *arguments])
        else:
            execute_from_command_line(["manage.py", *arguments])
    except (SettingError, ImproperlyConfigured, PostgresError, Held, Unwritable, database.Unreachable) as error:
        sys.exit(f"gexec: {error}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _not_text(arguments: Sequence[str]) -> list[str]:
    """Those that no database, and no answer, could hold."""
    return [repr(os.fsencode(each)) for each in arguments if encodable(each) != each]
