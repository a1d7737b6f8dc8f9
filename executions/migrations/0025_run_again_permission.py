"""A right of its own for running an execution again: who may do so changes nothing."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0024_times_of_all_together")]
    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="execution",
            options={
                "ordering": ["-id"],
                "permissions": [("run_again_execution", "Can run an execution again")],
            },
        ),
    ]
