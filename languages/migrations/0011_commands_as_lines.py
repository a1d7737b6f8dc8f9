"""The help of commands tells that a command line is taken too."""

from typing import Any, ClassVar

from django.db import migrations, models

import languages.validators


def _command(help_text: str, **more: Any) -> models.JSONField:
    return models.JSONField(help_text=help_text, validators=[languages.validators.validate_command], **more)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0010_what_was_tested")]
    operations: ClassVar = [
        migrations.AlterField(
            "language",
            "compile_command",
            _command(
                "Run once before the program: gcc -O2 -o main {source}, or a JSON list of words. "
                "Empty where nothing is compiled.",
                blank=True,
                default=list,
            ),
        ),
        migrations.AlterField(
            "language",
            "run_command",
            _command(
                "Starts the program: python3 {source}, or a JSON list of words. Arguments follow it. "
                "Quotes are as in a shell, but none is started."
            ),
        ),
        migrations.AlterField(
            "language",
            "version_command",
            _command(
                "What prints the version: python3 --version, or a JSON list of words. The self-test records it.",
                blank=True,
                default=list,
            ),
        ),
    ]
