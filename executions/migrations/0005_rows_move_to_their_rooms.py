"""Server processes, tasks of languages and counters of the rate limit go to the applications that they belong to."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


def _renamed(old: str, new: str) -> migrations.RunSQL:
    return migrations.RunSQL(f"ALTER TABLE {old} RENAME TO {new}", f"ALTER TABLE {new} RENAME TO {old}")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0004_language_task"), ("languages", "0004_start_ahead")]
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                _renamed("executions_worker", "dispatch_worker"),
                _renamed("executions_languagetask", "languages_languagetask"),
                _renamed("executions_counter", "rest_counter"),
            ],
            state_operations=[
                migrations.DeleteModel("Worker"),
                migrations.DeleteModel("LanguageTask"),
                migrations.DeleteModel("Counter"),
            ],
        )
    ]
