"""The options of a language: the one table of what may be set for its programs and their containers.

A declaration below is all that an option needs besides its migration and the place where it acts. Read from here are
the model's fields and its check constraints, language.toml in both directions, the admin's form, the API's `limits`,
`manage.py languages set` and the table in docs/adding-a-language.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    IntegerField = models.PositiveIntegerField[float | int | str | Combinable, int]
    OptionalIntegerField = models.PositiveIntegerField[float | int | str | Combinable | None, int | None]
    FlagField = models.BooleanField[bool | Combinable, bool]

MIB = 1024 * 1024
CPU_PERIOD_US = 100_000
"""What the CPU quota is a share of: the kernel's default period."""
MAX_TIMEOUT_MS = 3_600_000
"""An hour: a run holds its slot, and its client a connection, for so long."""
MIN_MEMORY_MB = 16
"""Less does not hold the runner, an interpreter and a program."""

_ATTRIBUTE = "gexec_option"
F = TypeVar("F", bound="models.Field[Any, Any]")


@dataclass(frozen=True, slots=True)
class Group:
    """Options that stand together: under one title in the admin, and in one section of language.toml."""

    title: str
    section: str


RUN_LIMITS = Group("Limits of a run", "limits")
COMPILE_LIMITS = Group("Limits of compiling", "limits")
CONTAINERS = Group("Containers", "warm")
GROUPS = (RUN_LIMITS, COMPILE_LIMITS, CONTAINERS)


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as those see it who read the table."""

    default: int | bool | None
    help_text: str
    group: Group
    section: str
    """Of language.toml; empty: its top level."""
    unit: str = ""
    low: int | None = None
    high: int | None = None
    in_api: bool = False
    formerly: str = ""
    name: str = ""
    """The field's; a declaration does not know it yet."""

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false; all others are whole numbers."""
        return isinstance(self.default, bool)

    @property
    def bounds(self) -> str:
        """The values that it may have, as text."""
        if self.is_flag:
            return "true or false"
        return f"at least {self.low}" if self.high is None else f"{self.low} to {self.high}"


def options_of(model: type[models.Model]) -> list[Option]:
    """The options among the fields of this model, in the order of their declaration."""
    declared = ((field.name, getattr(field, _ATTRIBUTE, None)) for field in model._meta.fields)
    return [replace(option, name=name) for name, option in declared if option is not None]


def range_constraints(model: type[models.Model]) -> list[BaseConstraint]:
    """A check constraint for the bounds of each number."""
    return [_range_constraint(option) for option in options_of(model) if not option.is_flag]


def _declared(field: F, option: Option) -> F:
    """Django copies a field with all its attributes into a model that inherits it; a migration sees none of ours."""
    setattr(field, _ATTRIBUTE, option)
    return field


def _label(label: str | None, unit: str) -> str | None:
    return f"{label} ({unit})" if unit else label


def _validators(low: int, high: int | None) -> list[Any]:
    return [MinValueValidator(low), *([] if high is None else [MaxValueValidator(high)])]


def limit(
    *,
    default: int,
    low: int,
    high: int | None,
    group: Group,
    help_text: str,
    label: str | None = None,
    unit: str = "",
    in_api: bool = False,
    formerly: str = "",
) -> IntegerField:
    """A whole number from `low` to `high`; None where only the server's settings bound it.

    in_api: clients see it among the language's `limits`. formerly: the name that an older language.toml calls it by.
    """
    field: IntegerField = models.PositiveIntegerField(
        _label(label, unit), default=default, validators=_validators(low, high), help_text=help_text
    )
    return _declared(field, Option(default, help_text, group, group.section, unit, low, high, in_api, formerly))


def optional_limit(
    *, low: int, high: int | None, group: Group, help_text: str, label: str, unit: str
) -> OptionalIntegerField:
    """A whole number that may be left empty."""
    field: OptionalIntegerField = models.PositiveIntegerField(
        _label(label, unit), null=True, blank=True, validators=_validators(low, high), help_text=help_text
    )
    return _declared(field, Option(None, help_text, group, group.section, unit, low, high))


def flag(*, group: Group, label: str, help_text: str) -> FlagField:
    """True or false, at first false. In language.toml it stands above the sections."""
    return _declared(
        models.BooleanField(label, default=False, help_text=help_text),
        Option(default=False, help_text=help_text, group=group, section=""),
    )


class LanguageOptions(models.Model):
    """The table. What an option does stands in its help; the order is that of the admin's form and of language.toml."""

    timeout_ms = limit(
        default=60_000,
        low=1,
        high=MAX_TIMEOUT_MS,
        group=RUN_LIMITS,
        label="time limit",
        unit="ms",
        in_api=True,
        help_text="Wall time of a run where the request names none.",
    )
    max_timeout_ms = limit(
        default=300_000,
        low=1,
        high=MAX_TIMEOUT_MS,
        group=RUN_LIMITS,
        label="longest time limit",
        unit="ms",
        in_api=True,
        help_text="The most that a request may ask for.",
    )
    compile_timeout_ms = limit(
        default=60_000,
        low=1,
        high=MAX_TIMEOUT_MS,
        group=COMPILE_LIMITS,
        label="compile time limit",
        unit="ms",
        help_text="Wall time of the compile command.",
    )
    memory_mb = limit(
        default=128,
        low=MIN_MEMORY_MB,
        high=None,
        group=RUN_LIMITS,
        label="memory",
        unit="MB",
        in_api=True,
        help_text="Memory of a run, files in its work directory included. The server's highest is GEXEC_MAX_MEMORY_MB.",
    )
    compile_memory_mb = optional_limit(
        low=MIN_MEMORY_MB,
        high=None,
        group=COMPILE_LIMITS,
        label="compile memory",
        unit="MB",
        help_text="Memory of the compile command; empty: as for a run.",
    )
    stack_mb = optional_limit(
        low=1,
        high=None,
        group=RUN_LIMITS,
        label="stack",
        unit="MB",
        help_text="How deep a program may call; empty: until its memory is full. Of runtimes with stacks of their own, "
        "those whose command names {stack_mb} follow it.",
    )
    cpu_quota_us = limit(
        default=50_000,
        low=1_000,
        high=6_400_000,
        group=RUN_LIMITS,
        label="CPU quota",
        unit="µs",
        in_api=True,
        help_text=f"CPU time in each {CPU_PERIOD_US} µs: 50000 is half a core, 200000 two cores.",
    )
    processes = limit(
        default=128,
        low=2,
        high=4096,
        group=RUN_LIMITS,
        in_api=True,
        formerly="pids",
        help_text="Processes and threads at one time. With more than one for each MB of memory, fork bombs are slow to "
        "end.",
    )
    output_bytes = limit(
        default=MIB,
        low=1,
        high=64 * MIB,
        group=RUN_LIMITS,
        label="output",
        unit="bytes",
        in_api=True,
        help_text="What stdout and stderr may carry, each.",
    )
    tmpfs_mb = limit(
        default=64,
        low=1,
        high=4096,
        group=RUN_LIMITS,
        label="disk",
        unit="MB",
        in_api=True,
        help_text="Size of the work directory; it lies in memory and counts as such.",
    )
    start_ahead = flag(
        group=CONTAINERS,
        label="start ahead",
        help_text="A waiting container has started the interpreter, and a run is a fork of it. For interpreters "
        "with one thread that open the source file with fopen, as CPython does; others run as they do without.",
    )
    runs_per_container = limit(
        default=1,
        low=1,
        high=1_000_000,
        group=CONTAINERS,
        help_text="1: a fresh container for every execution. More: a container serves the same API key again, "
        "after a clean end and a verified wipe.",
    )
    share_containers = flag(
        group=CONTAINERS,
        label="share containers",
        help_text="A container serves one caller after another, each execution in a cell. "
        "Without cells it has no effect.",
    )
    warm_min = limit(
        default=1,
        low=0,
        high=64,
        group=CONTAINERS,
        label="warm containers, least",
        help_text="Containers kept started and waiting at any time.",
    )
    warm_max = limit(
        default=4,
        low=0,
        high=64,
        group=CONTAINERS,
        label="warm containers, most",
        help_text="Containers kept at most, when there is much to do.",
    )

    class Meta:
        abstract = True


def _range_constraint(option: Option) -> models.CheckConstraint:
    """PostgreSQL takes a condition on an empty value for fulfilled."""
    condition = Q(**{f"{option.name}__gte": option.low})
    if option.high is not None:
        condition &= Q(**{f"{option.name}__lte": option.high})
    return models.CheckConstraint(
        name=f"language_{option.name}_in_range",
        condition=condition,
        violation_error_message=f"{option.name} is out of range: {option.bounds}.",
    )
