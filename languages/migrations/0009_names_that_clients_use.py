"""Built-in languages get the names that clients of other services send, where nobody has changed their aliases."""

from typing import Any, ClassVar

from django.db import migrations

NAMES = {
    "c": ([], ["gcc"]),
    "commonlisp": (["lisp", "sbcl", "cl"], ["common-lisp"]),
    "cpp": (["c++", "g++"], ["cxx", "cplusplus"]),
    "csharp": (["cs", "c#", "mono"], ["c-sharp"]),
    "elixir": (["ex", "exs"], ["iex"]),
    "erlang": (["erl"], ["escript"]),
    "fortran": (["f90"], ["f95", "gfortran"]),
    "groovy": ([], ["gvy"]),
    "java": ([], ["jdk", "openjdk"]),
    "javascript": (["js", "node", "nodejs"], ["node-js", "node-javascript"]),
    "kotlin": (["kt", "kotlinc"], ["kts"]),
    "octave": (["matlab"], ["gnu-octave"]),
    "pascal": (["fpc", "pas"], ["freepascal"]),
    "perl": (["pl"], ["perl5"]),
    "php": ([], ["php8"]),
    "prolog": (["swipl"], ["swi-prolog"]),
    "python": (["py"], ["py3", "python3", "cpython"]),
    "r": (["rscript"], ["rlang"]),
    "ruby": (["rb"], ["ruby3"]),
    "rust": (["rs"], ["rustc"]),
    "tcl": ([], ["tclsh"]),
    "typescript": (["ts", "tsc"], ["node-ts"]),
}
"""What the folders' aliases were, and what they are now besides."""


def _add(apps: Any, _schema_editor: Any) -> None:
    """A list that an operator has changed stays as it is, and so does a name that another language has."""
    languages = apps.get_model("languages", "Language").objects
    taken = {name for row in languages.all() for name in (row.slug, *row.aliases)}
    for slug, (before, more) in NAMES.items():
        free = [name for name in more if name not in taken]
        languages.filter(slug=slug, aliases=before).update(aliases=[*before, *free])


def _take_back(apps: Any, _schema_editor: Any) -> None:
    languages = apps.get_model("languages", "Language").objects
    for slug, (before, more) in NAMES.items():
        for row in languages.filter(slug=slug, aliases__contains=before):
            if set(row.aliases) <= {*before, *more}:
                languages.filter(pk=row.pk).update(aliases=before)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0008_one_text_for_what_is_not_tested")]
    operations: ClassVar = [migrations.RunPython(_add, _take_back)]
