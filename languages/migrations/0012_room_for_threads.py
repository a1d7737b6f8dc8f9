"""A program may have 128 processes and threads: the former default becomes the new one."""

from typing import Any, ClassVar

import django.core.validators
from django.db import migrations, models

FORMER, DEFAULT = 64, 128


def _raise(apps: Any, _schema_editor: Any) -> None:
    """What a self-test passed with passes with more, too: nothing has to be tested again."""
    languages = apps.get_model("languages", "Language").objects
    languages.filter(processes=FORMER).update(processes=DEFAULT)
    for row in languages.filter(tested__processes=FORMER):
        languages.filter(pk=row.pk).update(tested=row.tested | {"processes": DEFAULT})


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0011_commands_as_lines")]
    operations: ClassVar = [
        migrations.AlterField(
            "language",
            "processes",
            models.PositiveIntegerField(
                default=DEFAULT,
                help_text="Processes and threads at one time. With more than one for each MB of memory, fork bombs are "
                "slow to end.",
                validators=[
                    django.core.validators.MinValueValidator(2),
                    django.core.validators.MaxValueValidator(4096),
                ],
            ),
        ),
        migrations.RunPython(_raise, migrations.RunPython.noop),
    ]
