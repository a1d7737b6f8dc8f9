"""An execution can have a cell of its own in a container that serves many, of one caller or of all."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """All languages are as the server says, which says containers."""

    dependencies: ClassVar = [("languages", "0019_oci_runtime")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "isolation",
            models.CharField(
                max_length=16,
                blank=True,
                default="",
                choices=[("container", "container"), ("cell", "cell")],
                help_text="container: a fresh container for each execution, or as many as runs_per_container says for "
                "one key. cell: a container serves many, each execution in a cell, made for it within and gone with "
                "it. Empty: as the server's others (GEXEC_ISOLATION). Where the kernel refuses cells, containers hold.",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "language",
            "share_containers",
            models.BooleanField(
                "share containers",
                default=False,
                help_text="A container serves one caller after another, each execution in a cell. Without cells it has "
                "no effect.",
            ),
        ),
    ]
