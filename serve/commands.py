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
from serve import database
from serve.locks import Held, Unwritable
from serve.postgres import PostgresError

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of what Ctrl-C ended, as shells count it."""


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name."""
    if list(arguments) in (["--version"], ["version"]):
        print(VERSION)  # noqa: T201 (what was asked for)
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gexec.settings")
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
