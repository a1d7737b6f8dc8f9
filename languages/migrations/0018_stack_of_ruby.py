"""Ruby gets a stack of 16 MB: it touches the far end of its own, so that one as large as its memory left it none."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

STACK_MB = 16


def _give_stack(apps: Any, _schema_editor: Any) -> None:
    """What its self-test passed with passes with a smaller stack, too: nothing has to be tested again."""
    rows = apps.get_model("languages", "Language").objects
    for row in rows.filter(slug__regex="^ruby(@|$)", stack_mb=None):
        tested = row.tested | {"stack_mb": STACK_MB} if row.tested else row.tested
        rows.filter(pk=row.pk).update(stack_mb=STACK_MB, tested=tested)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0017_files_and_compile_args")]
    operations: ClassVar = [migrations.RunPython(_give_stack, migrations.RunPython.noop)]
