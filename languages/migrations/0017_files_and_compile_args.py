"""A language says which files are compiled together, and what a request may add to its compile command."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

import languages.validators

FORMERLY = ["gobuild", "/tmp/main"]


def _count_as_tested(apps: Any, _schema_editor: Any) -> None:
    """Everything that passed its self-test did so without suffixes of its own: nothing has to be tested again."""
    rows = apps.get_model("languages", "Language").objects
    for row in rows.exclude(tested={}):
        rows.filter(pk=row.pk).update(tested=row.tested | {"source_suffixes": []})


def _give_go_its_command(apps: Any, _schema_editor: Any) -> None:
    """The one that comes with its new image. Programs run with the former one until it has passed its self-test there.

    A server sees to that when it starts, for it keeps Go up to date; of other languages an operator says when.
    """
    rows = apps.get_model("languages", "Language").objects
    rows.filter(slug="go", image="gexec/go", compile_command=FORMERLY).update(
        compile_command=[*FORMERLY, "{source}", "{compile_args}"], compile_args=["-tags=*"]
    )


def _forget(apps: Any, _schema_editor: Any) -> None:
    rows = apps.get_model("languages", "Language").objects
    for row in rows.filter(tested__has_key="source_suffixes"):
        del row.tested["source_suffixes"]
        rows.filter(pk=row.pk).update(tested=row.tested)
    rows.filter(slug="go", compile_command=[*FORMERLY, "{source}", "{compile_args}"]).update(compile_command=FORMERLY)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0016_install_task")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "source_suffixes",
            models.JSONField(
                blank=True,
                default=list,
                validators=[languages.validators.validate_suffixes],
                help_text="How the names of files end that are compiled together: .cpp .cc .cxx. "
                "Empty: as that of the source file does.",
            ),
        ),
        migrations.AddField(
            "language",
            "compile_args",
            models.JSONField(
                "compile arguments",
                blank=True,
                default=list,
                validators=[languages.validators.validate_compile_args],
                help_text="What a request may add to the compile command, where that has {compile_args}: "
                "-O2 -Wall -D*. A * at the end stands for anything.",
            ),
        ),
        migrations.AlterField(
            "language",
            "compile_command",
            models.JSONField(
                blank=True,
                default=list,
                validators=[languages.validators.validate_command],
                help_text="Run once before the program: gcc -O2 -o main {source}, or a JSON list of words. {sources} "
                "are all files of the program that are compiled together. Empty where nothing is compiled.",
            ),
        ),
        migrations.RunPython(_count_as_tested, _forget),
        migrations.RunPython(_give_go_its_command, migrations.RunPython.noop),
    ]
