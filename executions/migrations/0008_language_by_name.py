"""An execution keeps its language's name, which was there already, and no longer points at its row.

So deleting a language touches no execution. PostgreSQL drops a column without writing a row.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0007_way_back_to_the_language")]
    operations: ClassVar = [
        migrations.RemoveIndex("execution", "execution_language"),
        migrations.RemoveField("execution", "language"),
    ]
