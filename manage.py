#!/usr/bin/env python
"""Django's command line, with the embedded database found, or started where a command needs it."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from gexec.environment import SettingError
from serve import database
from serve.locks import Held
from serve.postgres import PostgresError


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gexec.settings")
    try:
        if database.needed(sys.argv[1:]):
            with database.available(settings.GEXEC_DATA_DIR):
                execute_from_command_line(sys.argv)
        else:
            execute_from_command_line(sys.argv)
    except (SettingError, ImproperlyConfigured, PostgresError, Held) as error:
        sys.exit(f"gexec: {error}")


if __name__ == "__main__":
    main()
