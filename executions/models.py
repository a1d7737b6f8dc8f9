"""The rows: executions, and how many there are."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from executions.apart import may_stand_apart
from executions.doors import OWN, Door
from executions.outcomes import NEVER_STARTED, PROGRAMS_OWN, choices
from rest.ids import uuid7

NAME_LENGTH = 64
"""That of Language.slug."""


class Status(models.TextChoices):
    """Where an execution is in its life. `rejected` never ran."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    REJECTED = "rejected"


OPEN = (Status.QUEUED, Status.RUNNING)


class Lane(models.TextChoices):
    """Whose turn comes first: what somebody waits for, before what nobody does."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class Store(models.TextChoices):
    """What is kept of an execution once it has ended. Its numbers are, in either case."""

    ALL = "all"
    NO_CODE = "no_code"
    NOTHING = "nothing"
    EXPIRED = "expired"
    """All of it was kept, for as long as it is to be."""
    NO_DISK = "no_disk"
    """All of it would have been, and the disk had no room when it ended."""


WISHES = (Store.ALL, Store.NO_CODE, Store.NOTHING)
"""What a client may ask for."""


EXECUTE, API, INTERACTIVE, ADMIN = (door.value for door in OWN)

IN_BACKLOG = Q(status=Status.QUEUED, background=True, worker__isnull=True)
"""Accepted, and taken up by no process yet."""
MAX_ATTEMPTS = 2
"""How often an execution is begun at the most: a program that takes its server process with it does so twice."""


class Execution(models.Model):
    """One program that was submitted: all that a process needs to run it, and all that came back.

    Written by executions.accept once, then by executions.transitions. Its language is a name: the row stays as it is
    when the language goes, and tells in `job` with what it ran.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=8, choices=Status.choices)
    outcome = models.CharField(max_length=16, choices=choices, blank=True, default="")
    language_slug = models.CharField("language name", max_length=NAME_LENGTH, blank=True, default="")
    language_version = models.CharField(max_length=200, blank=True, default="")
    image_digest = models.CharField(max_length=100, blank=True, default="")
    source = may_stand_apart(models.TextField(blank=True, default=""))
    stdin = may_stand_apart(models.BinaryField(blank=True, default=b""))
    job = may_stand_apart(
        models.JSONField(blank=True, default=dict, help_text="What is run, and in what: see executions.jobs.")
    )
    steps = models.JSONField(blank=True, default=list, help_text="How each step went: see executions.results.")
    output = may_stand_apart(models.BinaryField(blank=True, default=b"", help_text="What all steps printed."))
    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    queue_ms = models.FloatField(null=True, blank=True)
    wall_ms = models.FloatField(null=True, blank=True)
    cpu_ms = models.FloatField(null=True, blank=True)
    peak_memory_bytes = models.BigIntegerField(null=True, blank=True)
    client_address = models.GenericIPAddressField(null=True, blank=True)
    api_key_id = models.CharField("API key", max_length=64, null=True, blank=True)  # noqa: DJ001 (None: without a key)
    worker = models.UUIDField(null=True, blank=True, help_text="The server process that ran it.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    unkept_bytes = models.BigIntegerField(
        null=True, blank=True, help_text="Of source, input and output, where its caller's share of the day was used up."
    )
    client_id = models.UUIDField("client", null=True, blank=True, help_text="Whose it is; empty: nobody's with a key.")
    door = models.CharField(max_length=16, default=EXECUTE, db_default=EXECUTE, help_text="Through which door it came.")
    lane = models.CharField(max_length=12, choices=Lane.choices, default=Lane.INTERACTIVE, db_default=Lane.INTERACTIVE)
    background = models.BooleanField(
        default=False, db_default=False, help_text="Run by whichever process takes it up, not by a request."
    )
    attempt = models.PositiveSmallIntegerField(default=1, db_default=1)
    store = models.CharField(max_length=8, choices=Store.choices, default=Store.ALL, db_default=Store.ALL)
    queue_limit_ms = models.PositiveIntegerField(null=True, blank=True, help_text="How long it may wait for its turn.")
    batch_id = models.UUIDField("batch", null=True, blank=True)
    webhook_url = models.TextField(blank=True, default="", db_default="")
    tags = models.JSONField(null=True, blank=True, help_text="Names and values, for the client to find it by.")
    verdict = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Of all its tests together."
    )
    score = models.JSONField(null=True, blank=True, help_text="Tests and points: see executions.grading.")
    tests = models.JSONField(null=True, blank=True, help_text="How each test went: see executions.grading.")
    artifacts = models.JSONField(null=True, blank=True, help_text="Files that it left: see executions.results.")
    caller = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        db_collation="C",
        help_text="Whose turn it waits for in the backlog.",
    )
    queue_until = models.DateTimeField(null=True, blank=True, help_text="When its wait in the backlog is over.")
    cancel_cause = models.TextField(null=True, blank=True, help_text="Why it is to end, once that was asked for.")  # noqa: DJ001 (None: nobody has)
    # Numbers of KeptContent, where a column of this name stands apart: see executions.apart.
    source_apart = models.BigIntegerField(null=True, blank=True, editable=False)
    stdin_apart = models.BigIntegerField(null=True, blank=True, editable=False)
    output_apart = models.BigIntegerField(null=True, blank=True, editable=False)
    job_apart = models.BigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("run_again_execution", "Can run an execution again")]
        # Every row is entered into each index twice, when it is accepted and when it is finished: they are as few as
        # serve every choice of the admin's list (executions.ranges). Times are ranges of the primary key. Open rows are
        # few and stand together in execution_by_ending, for the search for lost ones.
        indexes: ClassVar = [
            models.Index(fields=["language_slug", "id"], name="execution_by_language"),
            models.Index(fields=["status", "outcome", "id"], name="execution_by_ending"),
            models.Index(fields=["language_slug", "status", "outcome", "id"], name="execution_by_language_ending"),
            # These are partial: what comes through POST /execute without a key is in none of them.
            models.Index(fields=["client_id", "id"], name="execution_by_client", condition=Q(client_id__isnull=False)),
            models.Index(
                fields=["client_id", "status", "background"],
                name="execution_open_of_client",
                condition=Q(client_id__isnull=False, status__in=["queued", "running"]),
            ),
            models.Index(fields=["batch_id", "id"], name="execution_by_batch", condition=Q(batch_id__isnull=False)),
            models.Index(fields=["lane", "caller", "id"], name="execution_backlog", condition=IN_BACKLOG),
            # Those that are about to start, for the search for lost ones: the backlog may be long.
            models.Index(
                fields=["worker"],
                name="execution_about_to_start",
                condition=Q(status=Status.QUEUED, worker__isnull=False),
            ),
            models.Index(
                fields=["queue_until"],
                name="execution_backlog_over",
                condition=IN_BACKLOG & Q(queue_until__isnull=False),
            ),
            models.Index(
                fields=["client_id", "language_slug", "id"],
                name="execution_by_client_language",
                condition=Q(client_id__isnull=False),
            ),
            models.Index(
                fields=["client_id", "language_slug", "status", "outcome", "id"],
                name="execution_by_client_both",
                condition=Q(client_id__isnull=False),
            ),
            models.Index(
                fields=["client_id", "status", "outcome", "id"],
                name="execution_by_client_ending",
                condition=Q(client_id__isnull=False),
            ),
            models.Index(
                fields=["door", "id"],
                name="execution_by_door",
                condition=~Q(door=Door.EXECUTE.value),
            ),
            models.Index(
                fields=["client_id", "door", "id"],
                name="execution_client_by_door",
                condition=Q(client_id__isnull=False),
            ),
            models.Index(
                fields=["client_id", "verdict", "id"], name="execution_by_client_verdict", condition=~Q(verdict="")
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="execution_status_and_timestamps",
                condition=(
                    Q(status=Status.QUEUED, started_at__isnull=True, finished_at__isnull=True)
                    | Q(status=Status.RUNNING, started_at__isnull=False, finished_at__isnull=True)
                    | Q(status=Status.FINISHED, started_at__isnull=False, finished_at__isnull=False)
                    | Q(status=Status.FINISHED, outcome__in=NEVER_STARTED, finished_at__isnull=False)
                    | Q(status=Status.REJECTED, started_at__isnull=True, finished_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="execution_outcome_when_finished",
                condition=(Q(status=Status.FINISHED) & ~Q(outcome="")) | (Q(outcome="") & ~Q(status=Status.FINISHED)),
            ),
            models.CheckConstraint(
                name="execution_error_tells_why",
                condition=Q(status__in=OPEN, error="")
                | (Q(status=Status.REJECTED) & ~Q(error=""))
                | Q(status=Status.FINISHED, outcome__in=PROGRAMS_OWN, error="")
                | (Q(status=Status.FINISHED) & ~Q(outcome__in=PROGRAMS_OWN) & ~Q(error="")),
            ),
            models.CheckConstraint(
                name="execution_ok_is_exit_0",
                condition=~Q(outcome="ok") | Q(exit_code=0, exit_code__isnull=False),
            ),
            models.CheckConstraint(
                name="execution_open_has_worker",
                condition=~Q(status__in=OPEN) | Q(worker__isnull=False) | Q(status=Status.QUEUED, background=True),
            ),
            models.CheckConstraint(name="execution_open_has_job", condition=~Q(status__in=OPEN, job={})),
        ]

    def __str__(self) -> str:
        return str(self.id)


class KeptContent(models.Model):
    """What some executions were sent or have printed, once: see executions.packing, which alone writes it."""

    rows = models.IntegerField(help_text="How many have its number.")
    part = models.DateField(null=True, db_index=True, help_text="When the part of the history begins that it is of.")
    size = models.IntegerField(help_text="Of what it is, in bytes.")
    digest = models.BinaryField(unique=True, help_text="Of that, whose it is, and the part.")
    data = models.BinaryField(help_text="See executions.apart.packed.")

    def __str__(self) -> str:
        return f"content {self.pk}"


class ExecutionTag(models.Model):
    """One tag of a client's execution, so that those with a tag are one range. The database deletes it with the row."""

    execution = models.ForeignKey(Execution, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    client_id = models.UUIDField()
    name = models.CharField(max_length=64)
    value = models.CharField(max_length=256)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client_id", "name", "value", "execution"], name="execution_tag_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class CompatToken(models.Model):
    """By what a client of another service's door finds an execution, and what it was asked with there.

    A token is a secret: whoever has it may read the execution. The database deletes it with the row.
    """

    token = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    execution = models.OneToOneField(Execution, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    door = models.CharField(max_length=16)
    client_id = models.UUIDField(null=True, blank=True)
    asked = models.JSONField(default=dict, help_text="In the other service's words: see the door.")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["client_id", "door", "execution"],
                name="compat_token_by_client",
                condition=Q(client_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.door} of {self.execution_id}"


class IdempotencyKey(models.Model):
    """A key that a client sent with a request, and the execution that it got: see executions.idempotency."""

    scope = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    execution_id = models.UUIDField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.key} of {self.scope}"


class Erasure(models.Model):
    """That executions were erased, when and by whose key; of them themselves nothing is left."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client_id = models.UUIDField(null=True)
    api_key_id = models.CharField("API key", max_length=64, blank=True, default="")
    what = models.JSONField(help_text="The id, or the tag, that was asked for.")
    erased = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="erasure_open", condition=Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.erased} executions"


class Batch(models.Model):
    """Executions that were submitted together. How far they are, their rows tell."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client_id = models.UUIDField("client", null=True, blank=True, help_text="Whose it is; empty: nobody's with a key.")
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it was seen that all of it has ended.")
    webhook_url = models.TextField(blank=True, default="")
    size = models.PositiveIntegerField(help_text="Of what was submitted, refused items included.")
    items = models.JSONField(
        help_text="In the order of submission: an execution's id, or the problem of what was refused."
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "batches"
        indexes: ClassVar = [models.Index(fields=["id"], name="batch_open", condition=Q(finished_at__isnull=True))]

    def __str__(self) -> str:
        return str(self.id)


class ArtifactFile(models.Model):
    """That a file of a client is an artifact of an execution. The database deletes it with the execution's row."""

    execution = models.ForeignKey(Execution, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    client_id = models.UUIDField()
    digest = models.CharField(max_length=64)
    is_left = models.BooleanField(help_text="Programs have left it: the client had none such by itself.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client_id", "digest", "execution"], name="artifact_file_once"),
        ]

    def __str__(self) -> str:
        return f"{self.digest} of {self.execution_id}"


class RetentionMark(models.Model):
    """Up to which execution a rule of retention has been carried out: see executions.ageing."""

    rule = models.CharField(max_length=60, primary_key=True)
    about = models.TextField(help_text="Whose the rule is; where that changes, it begins again.")
    upto = models.UUIDField()

    def __str__(self) -> str:
        return self.rule


class CallerStorage(models.Model):
    """What one caller has stored on one day (UTC): see executions.storage."""

    day = models.DateField()
    caller = models.CharField(max_length=100)
    executions = models.BigIntegerField()
    kept_bytes = models.BigIntegerField("kept")
    unkept_bytes = models.BigIntegerField("not kept")

    class Meta:
        verbose_name = "storage of a caller"
        verbose_name_plural = "storage by caller"
        constraints: ClassVar = [models.UniqueConstraint(fields=["day", "caller"], name="caller_storage_once")]

    def __str__(self) -> str:
        return f"{self.caller} on {self.day}"


class ExecutionTotal(models.Model):
    """How many execution rows there were, as far as they are rolled up; executions.totals adds those that are not."""

    language_slug = models.CharField(max_length=NAME_LENGTH)
    outcome = models.CharField(max_length=16)
    received = models.BigIntegerField(default=0)
    finished = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["language_slug", "outcome"], name="execution_total_of_ending"),
        ]

    def __str__(self) -> str:
        return f"{self.language_slug}/{self.outcome}"


class Period(models.TextChoices):
    """How long a row of a roll-up counts."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    EVER = "ever"


class Measure(models.TextChoices):
    """What a histogram is of."""

    WALL = "wall"
    QUEUE = "queue"
    TOTAL = "total"
    """From when it was accepted; of all periods together alone."""


class ExecutionPeriod(models.Model):
    """What ended in one minute, hour or day (UTC), or ever, in one language and with one outcome, or `rejected`."""

    period = models.CharField(max_length=6, choices=Period.choices)
    at = models.DateTimeField(help_text="Its beginning.")
    language_slug = models.CharField(max_length=NAME_LENGTH)
    outcome = models.CharField(max_length=16)
    executions = models.BigIntegerField()
    errors = models.BigIntegerField()
    cpu_ms = models.FloatField(help_text="Of all steps.")
    wall_ms = models.FloatField(help_text="Of all steps.")
    queue_ms = models.FloatField()
    run_ms = models.FloatField(default=0, db_default=0, help_text="Of programs alone.")
    total_ms = models.FloatField(default=0, db_default=0, help_text="From when they were accepted.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["period", "at", "language_slug", "outcome"], name="execution_period_once"),
        ]

    def __str__(self) -> str:
        return f"{self.language_slug}/{self.outcome} in the {self.period} {self.at}"


class ExecutionHistogram(models.Model):
    """How many of a period had such a time: in bucket 0 below 1 ms, in bucket n below 2^n ms, in the last any more."""

    period = models.CharField(max_length=6, choices=Period.choices)
    at = models.DateTimeField()
    language_slug = models.CharField(max_length=NAME_LENGTH)
    outcome = models.CharField(max_length=16)
    measure = models.CharField(max_length=5, choices=Measure.choices)
    bucket = models.SmallIntegerField()
    executions = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["period", "at", "language_slug", "outcome", "measure", "bucket"],
                name="execution_histogram_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.bucket} in the {self.period} {self.at}"


class ExecutionChart(models.Model):
    """What charts show of a minute, an hour or a day, of all languages together: one row, however much ended."""

    period = models.CharField(max_length=6, choices=Period.choices)
    at = models.DateTimeField()
    outcomes = models.JSONField(help_text="How many had each, or were `rejected`.")
    wall_ms = models.FloatField(help_text="Of all steps.")
    wall = ArrayField(models.BigIntegerField())
    queue = ArrayField(models.BigIntegerField())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["period", "at"], name="execution_chart_once")]

    def __str__(self) -> str:
        return f"the {self.period} {self.at}"


class ExecutionLanguage(models.Model):
    """How many of a language ended in a minute, an hour or a day, without those that were refused."""

    period = models.CharField(max_length=6, choices=Period.choices)
    at = models.DateTimeField()
    language_slug = models.CharField(max_length=NAME_LENGTH)
    executions = models.BigIntegerField()
    failed = models.BigIntegerField(help_text="With any outcome but `ok`.")
    ours = models.BigIntegerField(help_text="By our fault.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["period", "at", "language_slug"], name="execution_language_once"),
        ]

    def __str__(self) -> str:
        return f"{self.language_slug} in the {self.period} {self.at}"


class ExecutionClient(models.Model):
    """How many of a client ended on a day (UTC), without those that were refused: who is busiest, in few rows."""

    day = models.DateField()
    client_id = models.UUIDField()
    executions = models.BigIntegerField()
    cpu_ms = models.FloatField(help_text="Of all steps.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "client_id"], name="execution_client_once"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} on {self.day}"
