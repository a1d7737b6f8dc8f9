"""What is large in a row may stand apart from it, once where it is the same: see executions.packing.

Rows are left as they are here: the server puts their contents apart later, when no older one reads them any more. The
way back puts all of them into their rows again.
"""

# ruff: noqa: S608 (statements are made of the constants below)

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import OperationalError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from executions.apart import unpacked

LOCK_MS, PAUSE_S, TRIES = 1000, 0.5, 60
"""Writers wait a second at the most for this to get the lock; who has it may be a backup, which ends."""
AT_ONCE = 500
TABLE = "executions_execution"
NUMBERS = ("source_apart", "stdin_apart", "output_apart", "job_apart")
OF_AN_EXECUTION = ("executions_executiontag", "executions_compattoken", "executions_artifactfile")

_OLD, _NEW = (", ".join(f"{row}.{name}" for name in NUMBERS) for row in ("OLD", "NEW"))
# Not compared as rows, which PostgreSQL writes down in another way than it reads: a restored trigger would differ.
_CHANGED = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in NUMBERS)
_FORGET = "\n".join(
    f"    DELETE FROM {table} WHERE execution_id = ANY (ARRAY(SELECT id FROM gone));" for table in OF_AN_EXECUTION
)
_FORGET_ALL = "\n".join(f"    DELETE FROM {table};" for table in OF_AN_EXECUTION)
_NOTE = f"""
    INSERT INTO executions_contentleft SELECT number, count(*) FROM gone, unnest(ARRAY[{", ".join(NUMBERS)}]) number
        WHERE number IS NOT NULL GROUP BY number;"""
_NOTE_ALL = """
    DELETE FROM executions_contentleft;
    DELETE FROM executions_keptcontent;"""


def _forget(more: str, more_of_all: str) -> str:
    """How the functions of the triggers on deleting are."""
    return f"""
CREATE OR REPLACE FUNCTION executions_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{_FORGET}{more}
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION executions_forget_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{_FORGET_ALL}{more_of_all}
    RETURN NULL;
END $$;
"""


# The lines are deleted soon after they came: VACUUM has to come by often, and costs little.
LINES = """
CREATE TABLE executions_contentleft (content_id bigint NOT NULL, rows bigint NOT NULL)
    WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE executions_keptcontent ALTER data SET STORAGE EXTERNAL;
"""
NO_LINES = "DROP TABLE executions_contentleft"

APART = f"""
ALTER TABLE {TABLE} {", ".join(f"ADD COLUMN {name} bigint" for name in NUMBERS)};
CREATE FUNCTION executions_let_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_contentleft
        SELECT was, 1 FROM unnest(ARRAY[{_OLD}], ARRAY[{_NEW}]) number (was, now)
        WHERE was IS NOT NULL AND was IS DISTINCT FROM now;
    RETURN NULL;
END $$;
CREATE TRIGGER execution_lets_go AFTER UPDATE ON {TABLE} FOR EACH ROW
    WHEN (num_nonnulls({_OLD}) > 0 AND ({_CHANGED})) EXECUTE FUNCTION executions_let_go();
{_forget(_NOTE, _NOTE_ALL)}
"""
TOGETHER = f"""
DROP TRIGGER execution_lets_go ON {TABLE};
DROP FUNCTION executions_let_go();
{_forget("", "")}
ALTER TABLE {TABLE} {", ".join(f"DROP COLUMN {name}" for name in NUMBERS)};
DELETE FROM executions_retentionmark WHERE rule = 'contents apart';
"""
_NEAR = f"""
SELECT id, {", ".join(NUMBERS)} FROM {TABLE}
WHERE id > %s AND num_nonnulls({", ".join(NUMBERS)}) > 0 ORDER BY id LIMIT {AT_ONCE}
"""
_PUT_BACK = f"""
UPDATE {TABLE} SET {", ".join(f"{name} = NULL" for name in NUMBERS)}, source = coalesce(%s, source),
    stdin = coalesce(%s, stdin), output = coalesce(%s, output), job = coalesce(%s::jsonb, '{{}}') || job WHERE id = %s
"""


def put_apart(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Raises OperationalError where others do not let go of the table."""
    _in_a_moment(editor, APART)


def put_together(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Some rows in each transaction: what was put back stays so where it is cut short."""
    last: Any = "00000000-0000-0000-0000-000000000000"
    while rows := _fetched(editor, _NEAR, [last]):
        with transaction.atomic(using=editor.connection.alias):
            for pk, *numbers in rows:
                _put_back(editor, pk, numbers)
        last = rows[-1][0]
    _in_a_moment(editor, TOGETHER)


def _put_back(editor: BaseDatabaseSchemaEditor, pk: Any, numbers: Sequence[int | None]) -> None:
    source, stdin, output, job = (_content(editor, number) for number in numbers)
    texts = [None if each is None else each.decode() for each in (source, job)]
    with editor.connection.cursor() as cursor:
        cursor.execute(_PUT_BACK, [texts[0], stdin, output, texts[1], pk])


def _content(editor: BaseDatabaseSchemaEditor, number: int | None) -> bytes | None:
    if number is None:
        return None
    ((data,),) = _fetched(editor, "SELECT data FROM executions_keptcontent WHERE id = %s", [number])
    return unpacked(bytes(data))


def _in_a_moment(editor: BaseDatabaseSchemaEditor, statements: str) -> None:
    """All or nothing. Whoever has a lock that this needs is waited for shortly, and again; others get in between."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic(using=editor.connection.alias), editor.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
                cursor.execute(statements)
                return
        except OperationalError:
            if not left:
                raise
            time.sleep(PAUSE_S)


def _fetched(editor: BaseDatabaseSchemaEditor, statement: str, asked: Sequence[Any]) -> list[Any]:
    with editor.connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0026_partitions")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="KeptContent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rows", models.IntegerField(help_text="How many have its number.")),
                (
                    "part",
                    models.DateField(
                        db_index=True, help_text="When the part of the history begins that it is of.", null=True
                    ),
                ),
                ("size", models.IntegerField(help_text="Of what it is, in bytes.")),
                ("digest", models.BinaryField(help_text="Of that, whose it is, and the part.", unique=True)),
                ("data", models.BinaryField(help_text="See executions.apart.packed.")),
            ],
        ),
        migrations.RunSQL(LINES, NO_LINES),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(put_apart, put_together)],
            state_operations=[
                migrations.AddField("execution", name, models.BigIntegerField(blank=True, editable=False, null=True))
                for name in NUMBERS
            ],
        ),
    ]
