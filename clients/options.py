"""What may be set for a client: the one table of its limits, as rows, the admin, commands and the API see them.

A declaration below is all that an option needs besides its migration and the place where it acts. Read from here are
the model's fields and check constraints, the admin's form, `manage.py clients` and the table in docs/clients.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint

from clients.rights import Right
from clients.validators import host_name, network, origin, rate

Optional = Any
"""A PositiveBigIntegerField that may be empty; its parameters in the stubs say no more than that."""

_ATTRIBUTE = "gexec_option"
_MOST = 1 << 53
"""What JSON carries exactly."""
F = TypeVar("F", bound="models.Field[Any, Any]")


@dataclass(frozen=True, slots=True)
class Group:
    """Options that stand together in the admin."""

    title: str
    about: str


ACCESS = Group("Access", "What its keys may do, and from where. Empty lists allow everything, unless said otherwise.")
CAPS = Group("Caps", "The most that a request may ask for. Empty: as much as the language and the server allow.")
RATES = Group("Rates", "How often, and how much at once. Empty: as the server's settings say.")
QUOTAS = Group("Quotas", "What all its keys may use together. Empty: as much as they like.")
GROUPS = (ACCESS, CAPS, RATES, QUOTAS)


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as those see it who read the table."""

    help_text: str
    group: Group
    values: str
    """What it may be, as text."""
    name: str = ""
    """The field's; a declaration does not know it yet."""
    low: int | None = None
    """The least of a number; None where it is none."""
    high: int | None = None


def options_of(model: type[models.Model], group: Group | None = None) -> list[Option]:
    """The options among the fields of this model, of one group or of all, in the order of their declaration."""
    declared = ((field.name, getattr(field, _ATTRIBUTE, None)) for field in model._meta.fields)
    found = [replace(option, name=name) for name, option in declared if option is not None]
    return [option for option in found if group in (None, option.group)]


def range_constraints(model: type[models.Model]) -> list[BaseConstraint]:
    """A check constraint for the bounds of each number. PostgreSQL takes one on an empty value for fulfilled."""
    return [
        models.CheckConstraint(
            name=f"client_{option.name}_in_range",
            condition=Q(**{f"{option.name}__gte": option.low, f"{option.name}__lte": option.high}),
            violation_error_message=f"{option.name} is out of range: {option.values}.",
        )
        for option in options_of(model)
        if option.low is not None
    ]


def _declared(field: F, option: Option) -> F:
    """Django copies a field with all its attributes into a model that inherits it; a migration sees none of ours."""
    setattr(field, _ATTRIBUTE, option)
    return field


def number(*, group: Group, help_text: str, low: int = 1, high: int = _MOST, label: str | None = None) -> Optional:
    """A whole number that may be left empty."""
    bounds = f"at least {low}" if high == _MOST else f"{low} to {high}"
    return _declared(
        models.PositiveBigIntegerField(
            label,
            null=True,
            blank=True,
            validators=[MinValueValidator(low), MaxValueValidator(high)],
            help_text=help_text,
        ),
        Option(help_text, group, f"{bounds}, or empty", low=low, high=high),
    )


def several(
    *, group: Group, help_text: str, values: str, max_length: int, default: Any = list, **of_each: Any
) -> ArrayField[Any, list[str]]:
    """A list of words."""
    base = models.CharField(max_length=max_length, **of_each)
    return _declared(
        ArrayField(base, default=default, blank=True, size=100, help_text=help_text), Option(help_text, group, values)
    )


def flag(*, group: Group, help_text: str) -> models.BooleanField[Any, bool]:
    """True or false, at first true."""
    field: models.BooleanField[Any, bool] = models.BooleanField(default=True, help_text=help_text)
    return _declared(field, Option(help_text, group, "true or false"))


def word(*, group: Group, help_text: str, values: str, max_length: int, validator: Any) -> models.CharField[Any, str]:
    """One word, which may be left empty."""
    field: models.CharField[Any, str] = models.CharField(
        max_length=max_length, blank=True, default="", validators=[validator], help_text=help_text
    )
    return _declared(field, Option(help_text, group, values))


def all_rights() -> list[str]:
    """What the keys of a new client may have: everything, over what is the client's own."""
    return [right.value for right in Right]


class ClientOptions(models.Model):
    """The table. What an option does stands in its help; the order is that of the admin's form."""

    enabled = flag(group=ACCESS, help_text="Off: every key of it is refused.")
    rights = several(
        group=ACCESS,
        values=", ".join(right.value for right in Right),
        max_length=16,
        choices=[(right.value, right.value) for right in Right],
        default=all_rights,
        help_text="What its keys may have at the most. Here an empty list allows nothing.",
    )
    languages = several(
        group=ACCESS,
        values="names of languages",
        max_length=64,
        help_text="The languages that it may use; python stands for all of its versions, python@3.13 for one.",
    )
    networks = several(
        group=ACCESS,
        values="networks in CIDR",
        max_length=43,
        validators=[network],
        help_text="Where its keys may be used from: addresses and networks, such as 192.0.2.0/24.",
    )
    origins = several(
        group=ACCESS,
        values="origins",
        max_length=300,
        validators=[origin],
        help_text="Whose web pages may use its keys, such as https://play.example.org. Empty: none may use a "
        "publishable key, and any that the server allows a secret one.",
    )
    webhook_hosts = several(
        group=ACCESS,
        values="names of hosts",
        max_length=253,
        validators=[host_name],
        help_text="Where its webhooks may go, such as hooks.example.org; *.example.org stands for all below it.",
    )
    cap_wall_ms = number(group=CAPS, label="wall time (ms)", help_text="Wall time of a run.")
    cap_cpu_ms = number(group=CAPS, label="CPU time (ms)", help_text="CPU time of a run.")
    cap_compile_wall_ms = number(group=CAPS, label="compile time (ms)", help_text="Wall time of compiling.")
    cap_memory_mb = number(group=CAPS, low=16, label="memory (MB)", help_text="Memory of a run.")
    cap_output_bytes = number(group=CAPS, label="output (bytes)", help_text="What stdout and stderr may carry, each.")
    cap_processes = number(group=CAPS, low=2, label="processes", help_text="Processes and threads at one time.")
    cap_file_bytes = number(
        group=CAPS, label="file size (bytes)", help_text="The largest file that a program may write."
    )
    cap_tests = number(group=CAPS, label="tests", help_text="Tests of one execution.")
    cap_repeat = number(group=CAPS, label="repeat", help_text="Runs of one execution.")
    cap_batch_items = number(group=CAPS, low=0, label="batch items", help_text="Executions of one batch.")
    rate = word(
        group=RATES,
        values="a rate, or off",
        max_length=20,
        validator=rate,
        help_text="Requests that execute, such as 60/m or 5/10s, over all its keys. Empty: GEXEC_KEY_RATE_LIMIT for "
        "each key.",
    )
    burst = number(group=RATES, help_text="How many of these may come in one second.")
    max_concurrent = number(
        group=RATES, label="at once", help_text="Executions that run, or that a request waits for, at one time."
    )
    share = number(
        group=RATES,
        label="share (%)",
        high=100,
        help_text="Of the server's slots, and of the places in line for one, that it may have while others wait. "
        "Empty: GEXEC_CALLER_SHARE.",
    )
    max_queued = number(
        group=RATES, low=0, label="queued", help_text="Executions that wait in the background at one time."
    )
    executions_day = number(
        group=QUOTAS, low=0, label="executions a day", help_text="Executions taken in on one day (UTC)."
    )
    cpu_s_day = number(group=QUOTAS, low=0, label="CPU seconds a day", help_text="CPU time of all runs of a day (UTC).")
    cpu_s_month = number(
        group=QUOTAS, low=0, label="CPU seconds a month", help_text="CPU time of all runs of a month (UTC)."
    )
    storage_bytes = number(
        group=QUOTAS,
        low=0,
        label="storage a day (bytes)",
        help_text="Source, input and output that are kept of a day (UTC); what comes beyond is answered, and not kept. "
        "Empty: GEXEC_KEY_STORAGE_MB_PER_DAY for all its keys together.",
    )
    file_store_bytes = number(
        group=QUOTAS, low=0, label="file store (bytes)", help_text="All files that it has uploaded."
    )

    retention_days = number(
        group=QUOTAS,
        low=0,
        high=36_500,
        label="kept (days)",
        help_text="How long its executions are kept; 0: until somebody deletes them. Empty: GEXEC_RETENTION_DAYS.",
    )
    contents_days = number(
        group=QUOTAS,
        low=0,
        high=36_500,
        label="contents kept (days)",
        help_text="How long their source, input and output are kept; 0: as long as they are. Empty: "
        "GEXEC_CONTENTS_DAYS.",
    )

    class Meta:
        abstract = True
