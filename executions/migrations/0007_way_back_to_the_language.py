"""On the way back the executions find their languages again by name, in batches, none of which locks for long."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import migrations

BATCH = 5_000
"""Rows of one transaction: well under a second."""
_BATCH = """
WITH batch AS (SELECT id, language_slug FROM executions_execution WHERE id > %s ORDER BY id LIMIT %s),
    filled AS (UPDATE executions_execution AS execution SET language_id = language.id
        FROM batch, languages_language AS language
        WHERE execution.id = batch.id AND language.slug = batch.language_slug)
SELECT id FROM batch ORDER BY id DESC LIMIT 1
"""


def _find_languages(_apps: Any, schema_editor: Any) -> None:
    last = UUID(int=0)
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(_BATCH, [last, BATCH])
            found = cursor.fetchone()
            if found is None:
                return
            (last,) = found


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("executions", "0006_job_and_steps")]
    operations: ClassVar = [migrations.RunPython(migrations.RunPython.noop, _find_languages)]
