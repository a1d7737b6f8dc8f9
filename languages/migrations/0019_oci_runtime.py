"""A language may start its containers with an OCI runtime of its own, such as gVisor's."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

import languages.validators


def _count_as_tested(apps: Any, _schema_editor: Any) -> None:
    """Everything that passed its self-test did so with the server's runtime: nothing has to be tested again."""
    rows = apps.get_model("languages", "Language").objects
    for row in rows.exclude(tested={}):
        rows.filter(pk=row.pk).update(tested=row.tested | {"oci_runtime": ""})


def _forget(apps: Any, _schema_editor: Any) -> None:
    rows = apps.get_model("languages", "Language").objects
    for row in rows.filter(tested__has_key="oci_runtime"):
        del row.tested["oci_runtime"]
        rows.filter(pk=row.pk).update(tested=row.tested)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0018_stack_of_ruby")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "oci_runtime",
            models.CharField(
                "OCI runtime",
                max_length=64,
                blank=True,
                default="",
                validators=[languages.validators.validate_runtime],
                help_text="What its containers start with, by the name that Docker knows: runsc (gVisor). "
                "Empty: as the server's others do (GEXEC_DOCKER_RUNTIME).",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(_count_as_tested, _forget),
    ]
