"""A language keeps what its self-test passed with. What the tested ones have now counts as tested."""

from typing import Any, ClassVar

from django.db import migrations, models

TESTED = (
    "source_file", "compile_command", "run_command", "environment", "start_ahead", "memory_mb", "compile_memory_mb",
    "compile_timeout_ms", "cpu_quota_us", "processes", "tmpfs_mb",
)  # fmt: skip


def _fill(apps: Any, _schema_editor: Any) -> None:
    languages = apps.get_model("languages", "Language").objects
    for row in languages.filter(tested_at__isnull=False).exclude(image_digest=""):
        languages.filter(pk=row.pk).update(tested={name: getattr(row, name) for name in TESTED})


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0009_names_that_clients_use")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "tested",
            models.JSONField(
                default=dict,
                blank=True,
                editable=False,
                help_text="With what the self-test last passed; programs run with that until a newer one passes.",
            ),
        ),
        migrations.RunPython(_fill, migrations.RunPython.noop),
    ]
