"""A counter for each caller and day of what it has stored. Unlogged: after a crash of the database the count starts again.

Its rows are written again and again, so each page keeps room for that.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

_TABLE = "executions_callerstorage"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0010_unkept_bytes")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="CallerStorage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("caller", models.CharField(max_length=100)),
                ("executions", models.BigIntegerField()),
                ("kept_bytes", models.BigIntegerField("kept")),
                ("unkept_bytes", models.BigIntegerField("not kept")),
            ],
            options={
                "verbose_name": "storage of a caller",
                "verbose_name_plural": "storage by caller",
                "constraints": [
                    models.UniqueConstraint(fields=("day", "caller"), name="caller_storage_once"),
                ],
            },
        ),
        migrations.RunSQL(
            f"ALTER TABLE {_TABLE} SET UNLOGGED; ALTER TABLE {_TABLE} SET (fillfactor = 50);",
            migrations.RunSQL.noop,
        ),
    ]
