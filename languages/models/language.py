"""A language: an image, the commands that compile and run a program in it, and the limits that it gets."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from languages.acting import signed
from languages.catalogue import Catalogue
from languages.commands import COMPILE_ARGS
from languages.options import LanguageOptions, range_constraints
from languages.validators import (
    validate_command,
    validate_compile_args,
    validate_environment,
    validate_excused,
    validate_image,
    validate_runtime,
    validate_slug,
    validate_source_file,
    validate_suffixes,
)
from languages.versions import family_of
from rest.display import check_name

COMPILERS_SHARE = 4
"""How many times the memory of a run the compile step may be given: compilers need more than what they compile."""
TESTED = (
    "source_file", "source_suffixes", "compile_command", "run_command", "environment", "start_ahead", "memory_mb",
    "compile_memory_mb", "compile_timeout_ms", "cpu_quota_us", "processes", "tmpfs_mb", "stack_mb",
    "oci_runtime",
)  # fmt: skip
"""What a self-test tries besides the image, and what a change of may break."""
COMMANDS = ("compile_command", "run_command", "version_command", "packages_command")
WORDS = (*COMMANDS, "source_suffixes", "compile_args")
"""What people may write as words with a shell's quotes."""
NOT_TESTED = "Its self-test has not passed yet: build or pull the image, then test it."


class Isolation(models.TextChoices):
    """What is made anew for each execution."""

    CONTAINER = "container", "container"
    CELL = "cell", "cell"


class LanguageQuerySet(models.QuerySet["Language"]):
    """Languages that are changed together: the history tells by whom, as of one that is saved."""

    def update(self, **values: Any) -> int:
        with signed():
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        with signed():
            return super().delete()


class LanguageManager(models.Manager["Language"]):
    """The rows, and the catalogue over them."""

    def get_queryset(self) -> LanguageQuerySet:
        return LanguageQuerySet(self.model, using=self._db)

    def __init__(self) -> None:
        super().__init__()
        # Django copies a manager for each model that has it; all copies share this catalogue.
        self._catalogue = Catalogue(lambda: [row.served() for row in self.all()])

    def matching(self, name: str) -> Language | None:
        """The language, enabled or not, with this slug or alias in any case, as it was served at most a second ago.

        `python@3.13` is, where no language has that name, the one of Python's versions that reports 3.13 or 3.13.x.
        The row is shared between threads: read it, never change or save it.
        """
        return self._catalogue.matching(name)

    def versions(self, name: str) -> list[Language]:
        """The languages that stand side by side as versions of the one named, `@…` in the name left aside."""
        return self._catalogue.versions(name)

    def catalogued(self) -> list[Language]:
        """All languages by slug, as they were served at most a second ago; shared between threads."""
        return self._catalogue.all()

    def forget_catalogue(self) -> None:
        """See changes of this process at once."""
        self._catalogue.forget()


class Language(LanguageOptions):
    """One language, or one version of it. All of it is data: a new language needs no code."""

    slug = models.CharField(
        max_length=64,
        unique=True,
        validators=[validate_slug],
        help_text="What a request calls the language, in lower case: python, c++, python@3.11.",
    )
    name = models.CharField(max_length=100, help_text="What people call it: Python, C++.")
    aliases = ArrayField(
        models.CharField(max_length=64, validators=[validate_slug]),
        default=list,
        blank=True,
        help_text="Other names that a request may use, separated by commas: py, python3.",
    )
    version = models.CharField(
        max_length=200, blank=True, help_text="The version as the interpreter or compiler reported it in the self-test."
    )
    version_command = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_command],
        help_text="What prints the version: python3 --version, or a JSON list of words. The self-test records it.",
    )
    packages_command = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        validators=[validate_command],
        help_text="What prints the image's packages, one a line with its version: pip list. The self-test "
        "records them. Empty, for a folder of the catalogue: what its Dockerfile installs from Debian.",
    )
    image = models.CharField(
        max_length=255,
        validators=[validate_image],
        help_text="The image's name on the Docker host or in a registry: gexec/python, ruby:3.3.",
    )
    image_digest = models.CharField(
        "image digest",
        max_length=100,
        blank=True,
        help_text="The image on which the self-test last passed, and in which programs run. Empty: none yet.",
    )
    source_file = models.CharField(
        max_length=255, validators=[validate_source_file], help_text="The source is stored under this name: main.py."
    )
    source_suffixes = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_suffixes],
        help_text="How the names of files end that are compiled together: .cpp .cc .cxx. "
        "Empty: as that of the source file does.",
    )
    compile_command = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_command],
        help_text="Run once before the program: gcc -O2 -o main {source}, or a JSON list of words. {sources} are all "
        "files of the program that are compiled together. Empty where nothing is compiled.",
    )
    compile_args = models.JSONField(
        "compile arguments",
        default=list,
        blank=True,
        validators=[validate_compile_args],
        help_text="What a request may add to the compile command, where that has {compile_args}: -O2 -Wall -D*. "
        "A * at the end stands for anything.",
    )
    run_command = models.JSONField(
        validators=[validate_command],
        help_text="Starts the program: python3 {source}, or a JSON list of words. Arguments follow it. "
        "Quotes are as in a shell, but none is started.",
    )
    environment = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_environment],
        help_text='Environment variables as a JSON object: {"LANG": "C.UTF-8"}. A value may hold {memory_mb}, '
        "{heap_mb} (three quarters of the memory) and {cpus}.",
    )
    oci_runtime = models.CharField(
        "OCI runtime",
        max_length=64,
        blank=True,
        validators=[validate_runtime],
        help_text="What its containers start with, by the name that Docker knows: runsc (gVisor). "
        "Empty: as the server's others do (GEXEC_DOCKER_RUNTIME).",
    )
    isolation = models.CharField(
        max_length=16,
        blank=True,
        choices=Isolation,
        help_text="container: a fresh container for each execution, or as many as runs_per_container says for one key. "
        "cell: a container serves many, each execution in a cell, made for it within and gone with it. "
        "Empty: as the server's others (GEXEC_ISOLATION). Where the kernel refuses cells, containers hold.",
    )
    excused = models.JSONField(
        "excused cases",
        default=dict,
        blank=True,
        validators=[validate_excused],
        help_text="Cases of the self-test that may fail, each with the reason, as a JSON object: "
        '{"timeout": "its runtime holds back what it prints to a pipe"}. Any case but hello.',
    )
    enabled = models.BooleanField(
        default=False,
        help_text="Requests may use it. Needs a self-test that has passed: build or pull, then test, then enable.",
    )
    example = models.TextField(blank=True, help_text="A short program, shown to users of the API.")
    tested_at = models.DateTimeField(null=True, blank=True, help_text="When its self-test last passed.")
    tested = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="With what the self-test last passed; programs run with that until a newer one passes.",
    )
    packages = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="The packages of the tested image, as the self-test found them; null where none has asked yet.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[LanguageManager] = LanguageManager()

    class Meta:
        ordering: ClassVar = ["slug"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="language_slug_lower_case",
                condition=Q(slug__regex=r"^[a-z0-9][a-z0-9+#._@-]*$"),
                violation_error_message="The slug must be lower case.",
            ),
            *range_constraints(LanguageOptions),
            models.CheckConstraint(
                name="language_timeout_within_longest",
                condition=Q(timeout_ms__lte=F("max_timeout_ms")),
                violation_error_message="The time limit must be at most the longest time limit.",
            ),
            models.CheckConstraint(
                name="language_warm_min_within_max",
                condition=Q(warm_min__lte=F("warm_max")),
                violation_error_message="The least number of warm containers must not be above the most.",
            ),
            models.CheckConstraint(
                name="language_enabled_is_tested",
                condition=Q(enabled=False) | (~Q(image_digest="") & Q(tested_at__isnull=False)),
                violation_error_message=NOT_TESTED,
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        with signed():
            super().save(*args, **kwargs)
        type(self).objects.forget_catalogue()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with signed():
            deleted = super().delete(*args, **kwargs)
        type(self).objects.forget_catalogue()
        return deleted

    @property
    def family(self) -> str:
        """What its versions have in common: `python` of `python@3.11`."""
        return family_of(self.slug)

    @property
    def allowed_compile_args(self) -> list[str]:
        """The patterns of compile_args; none while its compile command, as it was tested, has no place for them."""
        return list(self.compile_args) if COMPILE_ARGS in self.compile_command else []

    @property
    def is_tested(self) -> bool:
        """Whether its self-test has passed on some image. The database enables no other."""
        return bool(self.image_digest and self.tested_at)

    @property
    def untested(self) -> list[str]:
        """The fields that were changed since the self-test; programs run with what they were."""
        return [name for name in TESTED if name in self.tested and self.tested[name] != getattr(self, name)]

    def what_is_tested(self) -> dict[str, Any]:
        """What `tested` is to hold when a self-test of this has passed."""
        return {name: getattr(self, name) for name in TESTED}

    def served(self) -> Language:
        """The language as requests find it: with what was tested in place of what has been changed since."""
        if not (untested := self.untested):
            return self
        served = copy.copy(self)
        for name in untested:
            setattr(served, name, self.tested[name])
        return served

    @property
    def image_is_missing(self) -> str:
        """What an operator reads where Docker has no such image."""
        return f"The image {self.image} is not on the Docker host: build or pull it."

    def why_not_enabled(self, image_id: str | None) -> str:
        """Why it may not be enabled; empty where it may. The one rule for all that enable a language or show its state.

        image_id: the digest of what the Docker host has under the name of its image; None where it has nothing.
        """
        if image_id is None:
            return self.image_is_missing
        if not self.is_tested:
            return NOT_TESTED
        if image_id != self.image_digest:
            return "The image has changed since its self-test: test it."
        return f"Changed since its self-test: {', '.join(self.untested)}. Test it." if self.untested else ""

    def clean_fields(self, exclude: Any = None) -> None:
        """Names are compared without case, so they are kept in lower case."""
        self.slug = self.slug.lower()
        self.aliases = [alias.strip().lower() for alias in self.aliases or []]
        # An emptied field of a form is None, which the columns do not take.
        self.environment, self.excused = self.environment or {}, self.excused or {}
        self.version_command, self.packages_command = self.version_command or [], self.packages_command or []
        self.source_suffixes, self.compile_args = self.source_suffixes or [], self.compile_args or []
        try:
            super().clean_fields(exclude)
        except ValidationError as error:
            if not self.run_command and "run_command" in error.error_dict:
                error.error_dict["run_command"] = [ValidationError("Say how the program is started.", "blank")]
            raise

    def clean(self) -> None:
        errors = self._text_errors()
        if (self.memory_mb or 0) > settings.GEXEC_MAX_MEMORY_MB:
            errors["memory_mb"] = f"The server allows at most {settings.GEXEC_MAX_MEMORY_MB} MB (GEXEC_MAX_MEMORY_MB)."
        if (self.compile_memory_mb or 0) > COMPILERS_SHARE * settings.GEXEC_MAX_MEMORY_MB:
            errors["compile_memory_mb"] = (
                f"The server allows at most {COMPILERS_SHARE * settings.GEXEC_MAX_MEMORY_MB} MB, "
                f"{COMPILERS_SHARE} times what a run may have (GEXEC_MAX_MEMORY_MB)."
            )
        if self.start_ahead and self.compile_command:
            errors["start_ahead"] = "Only what runs the source file itself can be started ahead of it."
        if self.compile_args and COMPILE_ARGS not in (self.compile_command or []):
            errors["compile_args"] = f"Say with the word {COMPILE_ARGS} where they go in the compile command."
        if COMPILE_ARGS in (self.run_command or []):
            errors["run_command"] = f"{COMPILE_ARGS} belongs to the compile command."
        if self.enabled and not self.is_tested:
            # A form that shows the digest and does not edit it leaves the constraint on it out.
            errors["enabled"] = NOT_TESTED
        if clash := self._name_clash():
            errors["aliases" if clash in self.aliases else "slug"] = clash_message(clash, self._owner_of(clash))
        if errors:
            raise ValidationError(errors)

    def _text_errors(self) -> dict[str, Any]:
        """What forms refuse by themselves, and files may have."""
        errors: dict[str, Any] = {}
        try:
            check_name(self.name)
        except ValidationError as error:
            errors["name"] = error
        if "\x00" in self.example:
            errors["example"] = "The example contains a NUL character."
        return errors

    def _name_clash(self) -> str | None:
        names = [self.slug, *self.aliases]
        if twice := [name for name in names if names.count(name) > 1]:
            return twice[0]
        return next((name for name in names if self._owner_of(name)), None)

    def _owner_of(self, name: str) -> Language | None:
        others = type(self).objects.exclude(pk=self.pk)
        return others.filter(Q(slug=name) | Q(aliases__contains=[name])).first()


def clash_message(name: str, owner: Language | None) -> str:
    """Why `name` cannot be taken."""
    return f"“{name}” already names {owner.slug}." if owner else f"“{name}” is given twice."
