"""A language may excuse cases of its self-test, each with the reason."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

import languages.validators


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0014_history")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "excused",
            models.JSONField(
                "excused cases",
                blank=True,
                default=dict,
                validators=[languages.validators.validate_excused],
                help_text="Cases of the self-test that may fail, each with the reason, as a JSON object: "
                '{"timeout": "its runtime holds back what it prints to a pipe"}. Any case but hello.',
            ),
        )
    ]
