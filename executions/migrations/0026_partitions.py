"""The table of executions becomes one in parts, by id and so by time: executions.partitions makes and drops them.

What is there already stays where it is, and becomes the first part. That it has no id of after its end is checked while
others write; then the names change hands, in a moment for which writers wait. Rows of other tables that went with an
execution by foreign keys go by a trigger: a part that is dropped need not be compared with all of them.
"""

# ruff: noqa: S608 (statements are made of the constants below)

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.db import OperationalError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from rest.ids import first_at

LOCK_MS, PAUSE_S, TRIES = 1000, 0.5, 60
"""Writers wait a second at the most for this to get the lock; who has it may be a backup, which ends."""
AT_LEAST = timedelta(days=7)
"""Of the time that the first part goes on: until then the server is to have started, which makes the next."""

PARENT = "executions_execution"
FIRST, OTHERS = f"{PARENT}_before", f"{PARENT}_others"
CHECK = "execution_of_before"
OF_AN_EXECUTION = {
    "executions_executiontag": "execution_tag_of_an_execution",
    "executions_compattoken": "compat_token_of_an_execution",
    "executions_artifactfile": "artifact_file_of_an_execution",
}
# As arrays, so that each is found by its index, however many go at once.
FORGET = "\n".join(
    f"    DELETE FROM {table} WHERE execution_id = ANY (ARRAY(SELECT id FROM gone));" for table in OF_AN_EXECUTION
)
FORGET_ALL = "\n".join(f"    DELETE FROM {table};" for table in OF_AN_EXECUTION)
TRIGGERS = f"""
CREATE FUNCTION executions_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{FORGET}
    RETURN NULL;
END $$;
CREATE FUNCTION executions_forget_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{FORGET_ALL}
    RETURN NULL;
END $$;
CREATE TRIGGER executions_deleted AFTER DELETE ON {PARENT} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION executions_forget();
CREATE TRIGGER executions_all_deleted BEFORE TRUNCATE ON {PARENT}
    FOR EACH STATEMENT EXECUTE FUNCTION executions_forget_all();
"""
NEW_TRIGGERS = ("executions_deleted", "executions_all_deleted")


def divide(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """What there is becomes the first part. Raises OperationalError where others do not let go of the table."""
    end = str(first_at(_end_of_first(datetime.now(UTC))))
    # It is there already where a try was cut short, and would refuse ids of after its end.
    drop = f"ALTER TABLE {PARENT} DROP CONSTRAINT IF EXISTS {CHECK}"
    add = f"ALTER TABLE {PARENT} ADD CONSTRAINT {CHECK} CHECK (id < '{end}') NOT VALID"
    _in_a_moment(editor, lambda: _run(editor, drop, add))
    try:
        # Ids are of the time at which they were made: later ones are of a clock that was wrong.
        has_late = _value(editor, f"SELECT EXISTS (SELECT FROM {PARENT} WHERE id >= '{end}')")
        if not has_late:
            _run(editor, f"ALTER TABLE {PARENT} VALIDATE CONSTRAINT {CHECK}")
        _in_a_moment(editor, lambda: _change_hands(editor, end, has_late=has_late))
    except BaseException:
        _in_a_moment(editor, lambda: _run(editor, drop))
        raise


def _end_of_first(now: datetime) -> datetime:
    """The first of a month."""
    first = (now + AT_LEAST).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=31)).replace(day=1)


def _change_hands(editor: BaseDatabaseSchemaEditor, end: str, *, has_late: bool) -> None:
    _lock_all(editor)
    indexes, triggers = _indexes(editor), _triggers(editor)
    is_empty = not _value(editor, f"SELECT EXISTS (SELECT FROM {PARENT})")
    _run(
        editor,
        *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name in OF_AN_EXECUTION.items()),
        *(f'DROP TRIGGER "{name}" ON {PARENT}' for name, _ in triggers),
        *(f'ALTER INDEX "{name}" RENAME TO "{name}_before"' for name, _ in indexes),
        f"ALTER TABLE {PARENT} RENAME TO {FIRST}",
        f"CREATE TABLE {PARENT} {_like(FIRST)} PARTITION BY RANGE (id)",
        f"ALTER TABLE {PARENT} DROP CONSTRAINT {CHECK}",
        f"ALTER TABLE {PARENT} ADD CONSTRAINT {PARENT}_pkey PRIMARY KEY (id)",
        *(definition for name, definition in indexes if name != f"{PARENT}_pkey"),
        f"CREATE TABLE {OTHERS} PARTITION OF {PARENT} DEFAULT",
        *([f"DROP TABLE {FIRST}"] if is_empty else _first_part(end, has_late=has_late)),
        *(definition for _, definition in triggers),
        TRIGGERS,
    )


def _first_part(end: str, *, has_late: bool) -> list[str]:
    """No row is looked at: the check says that all belong there, and their indexes are those of the whole."""
    late = [
        f"INSERT INTO {OTHERS} SELECT * FROM {FIRST} WHERE id >= '{end}'",
        f"DELETE FROM {FIRST} WHERE id >= '{end}'",
    ]
    return [
        *(late if has_late else []),
        f"ALTER TABLE {PARENT} ATTACH PARTITION {FIRST} FOR VALUES FROM (MINVALUE) TO ('{end}')",
        f"ALTER TABLE {FIRST} DROP CONSTRAINT {CHECK}",
    ]


def unite(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """All rows are written once more, and nobody reads or writes them meanwhile."""
    _in_a_moment(editor, lambda: _write_anew(editor))


def _write_anew(editor: BaseDatabaseSchemaEditor) -> None:
    _lock_all(editor)
    indexes, triggers = _indexes(editor), _triggers(editor)
    of_rows = "FOREIGN KEY (execution_id) REFERENCES executions_execution (id) ON DELETE CASCADE"
    _run(
        editor,
        f"CREATE TABLE {PARENT}_one {_like(PARENT)}",
        f"INSERT INTO {PARENT}_one SELECT * FROM {PARENT}",
        f"DROP TABLE {PARENT}",
        "DROP FUNCTION executions_forget(), executions_forget_all()",
        f"ALTER TABLE {PARENT}_one RENAME TO {PARENT}",
        f"ALTER TABLE {PARENT} ADD CONSTRAINT {PARENT}_pkey PRIMARY KEY (id)",
        *(definition.replace(" ON ONLY ", " ON ") for name, definition in indexes if name != f"{PARENT}_pkey"),
        *(definition for name, definition in triggers if name not in NEW_TRIGGERS),
        *(
            f"DELETE FROM {table} WHERE NOT EXISTS (SELECT FROM {PARENT} WHERE id = execution_id)"
            for table in OF_AN_EXECUTION
        ),
        *(f"ALTER TABLE {table} ADD CONSTRAINT {name} {of_rows}" for table, name in OF_AN_EXECUTION.items()),
    )


def _lock_all(editor: BaseDatabaseSchemaEditor) -> None:
    _run(editor, f"LOCK TABLE {PARENT}, {', '.join(OF_AN_EXECUTION)} IN ACCESS EXCLUSIVE MODE")


def _like(table: str) -> str:
    copied = ("DEFAULTS", "CONSTRAINTS", "GENERATED", "STORAGE", "COMPRESSION", "COMMENTS")
    return f"(LIKE {table} {' '.join(f'INCLUDING {each}' for each in copied)})"


def _indexes(editor: BaseDatabaseSchemaEditor) -> list[tuple[str, str]]:
    return _rows(
        editor,
        "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        f" WHERE indrelid = '{PARENT}'::regclass ORDER BY indexrelid",
    )


def _triggers(editor: BaseDatabaseSchemaEditor) -> list[tuple[str, str]]:
    return _rows(
        editor,
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        f" WHERE tgrelid = '{PARENT}'::regclass AND NOT tgisinternal ORDER BY oid",
    )


def _in_a_moment(editor: BaseDatabaseSchemaEditor, work: Callable[[], None]) -> None:
    """All or nothing. Whoever has a lock that this needs is waited for shortly, and again; others get in between."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic(using=editor.connection.alias):
                _run(editor, f"SET LOCAL lock_timeout = {LOCK_MS}")
                work()
                return
        except OperationalError:
            if not left:
                raise
            time.sleep(PAUSE_S)


def _run(editor: BaseDatabaseSchemaEditor, *statements: str) -> None:
    with editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _rows(editor: BaseDatabaseSchemaEditor, statement: str) -> list[Any]:
    with editor.connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _value(editor: BaseDatabaseSchemaEditor, statement: str) -> Any:
    return _rows(editor, statement)[0][0]


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0025_run_again_permission")]
    operations: ClassVar = [migrations.RunPython(divide, unite)]
