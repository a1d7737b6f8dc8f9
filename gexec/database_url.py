"""DATABASE_URL, as libpq understands it, as Django wants it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gexec.environment import SettingError

_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


def database_of(url: str) -> dict[str, Any]:
    """NAME, USER, PASSWORD, HOST, PORT and OPTIONS of a postgresql:// URL; SettingError where it is none."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingError("DATABASE_URL must start with postgresql:// (gexec needs PostgreSQL).")
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise SettingError(f"DATABASE_URL cannot be read: {str(error).strip()}") from None
    if not given.get("dbname"):
        raise SettingError("DATABASE_URL names no database: postgresql://user:password@host:5432/NAME")
    database: dict[str, Any] = {"OPTIONS": {}}
    for name, value in given.items():
        if name in _NAMES:
            database[_NAMES[name]] = str(value)
        else:
            database["OPTIONS"][name] = value
    return database
