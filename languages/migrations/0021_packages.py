"""The packages of the image that a language's programs run in, and the command that lists them."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

import languages.validators


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0020_cells")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "packages_command",
            models.JSONField(
                blank=True,
                default=list,
                db_default=[],
                validators=[languages.validators.validate_command],
                help_text="What prints the image's packages, one a line with its version: pip list. The self-test "
                "records them. Empty, for a folder of the catalogue: what its Dockerfile installs from Debian.",
            ),
        ),
        migrations.AddField(
            "language",
            "packages",
            models.JSONField(
                null=True,
                blank=True,
                editable=False,
                help_text="The packages of the tested image, as the self-test found them; null where none has asked yet.",
            ),
        ),
    ]
