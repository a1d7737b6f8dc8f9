"""A language says how deep its programs may call; built-in ones whose runtime has stacks of its own get larger ones."""

from typing import Any, ClassVar

import django.core.validators
from django.db import migrations, models

STACKS = {
    "java": (20, ["-Xss{stack_mb}m", "-XX:ThreadStackSize=1024"]),
    "sbcl": (64, ["--control-stack-size", "{stack_mb}MB"]),
}
"""By the command's first word: the stack in MB, and the words that give it."""
BUILT_IN = ("clojure", "commonlisp", "groovy", "java", "kotlin", "scala")
_NAMES_A_STACK = ("-Xss", "--control-stack-size")


def _with_stack(command: list[str]) -> list[str]:
    if not command or command[0] not in STACKS or any(word.startswith(_NAMES_A_STACK) for word in command):
        return command
    return [command[0], *STACKS[command[0]][1], *command[1:]]


def _without_stack(command: list[str]) -> list[str]:
    words = STACKS[command[0]][1] if command and command[0] in STACKS else []
    return [command[0], *command[1 + len(words) :]] if words and command[1 : 1 + len(words)] == words else command


def _give_stacks(apps: Any, _schema_editor: Any) -> None:
    """What a self-test passed with passes with a larger stack, too: nothing has to be tested again."""
    languages = apps.get_model("languages", "Language").objects
    for row in languages.all():
        command = _with_stack(row.run_command)
        if row.slug.partition("@")[0] in BUILT_IN and command != row.run_command:
            row.run_command, row.stack_mb = command, STACKS[command[0]][0]
            if "run_command" in row.tested:
                row.tested |= {"run_command": _with_stack(row.tested["run_command"])}
        if row.tested:
            row.tested |= {"stack_mb": row.stack_mb}
        row.save(update_fields=["run_command", "stack_mb", "tested"])


def _take_stacks(apps: Any, _schema_editor: Any) -> None:
    languages = apps.get_model("languages", "Language").objects
    for row in languages.all():
        row.run_command = _without_stack(row.run_command)
        row.tested.pop("stack_mb", None)
        if "run_command" in row.tested:
            row.tested["run_command"] = _without_stack(row.tested["run_command"])
        row.save(update_fields=["run_command", "tested"])


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0012_room_for_threads")]
    operations: ClassVar = [
        migrations.AddField(
            "language",
            "stack_mb",
            models.PositiveIntegerField(
                "stack (MB)",
                null=True,
                blank=True,
                help_text="How deep a program may call; empty: until its memory is full. Of runtimes with stacks of "
                "their own, those whose command names {stack_mb} follow it.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            "language",
            models.CheckConstraint(
                condition=models.Q(("stack_mb__gte", 1)),
                name="language_stack_mb_in_range",
                violation_error_message="stack_mb is out of range: at least 1.",
            ),
        ),
        migrations.RunPython(_give_stacks, _take_stacks),
    ]
