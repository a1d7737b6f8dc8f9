"""Rate limit counters need no write-ahead log: losing them in a crash costs a client nothing."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0002_totals_by_trigger")]
    operations: ClassVar = [
        migrations.RunSQL(
            "ALTER TABLE executions_counter SET UNLOGGED; ALTER TABLE executions_counter SET (fillfactor = 50);",
            "ALTER TABLE executions_counter SET LOGGED; ALTER TABLE executions_counter RESET (fillfactor);",
        )
    ]
