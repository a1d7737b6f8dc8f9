"""An execution is what its row says: any process can run it, and nothing of it is in memory alone."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
import uuid
from typing import Any

import pytest
from django.utils import timezone

from dispatch import workers
from dispatch.testing import FakeBackend
from executions.accept import accepted
from executions.jobs import job_of, task_of
from executions.limits import AskedLimits, caps_of, effective
from executions.models import Execution, Status
from executions.outcomes import Outcome
from executions.results import steps_in
from executions.run import run
from executions.submission import Origin, Submission, single_file
from languages.models import Language
from languages.programs import profile_of
from rest.disconnect import Client
from sandbox.types import Job, JobResult, StepResult
from sandbox.types import Outcome as StepOutcome
from testkit.servers import PROJECT
from tests.conftest import StartServer

RUN_IN_ANOTHER_PROCESS = """
import sys
import django
django.setup()
from dispatch import active
from executions.models import Execution
from executions.run import run
try:
    run(Execution.objects.get(pk=sys.argv[1]))
finally:
    active.close(0.0)
"""


def submission(language: Language, **fields: Any) -> Submission:
    limits = effective(language, AskedLimits(wall_ms=1234), caps_of(language, has_key=True))
    return single_file(language, "print('é')", limits, **fields)


def test_a_row_that_was_read_again_gives_the_same_task(go: Language, fake_backend: FakeBackend) -> None:
    fake_backend.warm = False
    with accepted(submission(go, stdin=b"\x00\xff", args=("a b", "ü")), Origin("192.0.2.1", "key")) as (row, _):
        pass
    task = task_of(row)
    assert task_of(Execution.objects.get(pk=row.pk)) == task
    assert (task.id, task.tenant, task.caller) == (str(row.pk), "key", "key key")
    assert [(file.name, file.content) for file in task.job.files] == [("main.go", "print('é')".encode())]
    compiling, running = task.job.steps
    assert (compiling.argv, compiling.stdin) == (("go", "build", "-o", "main", "main.go"), b"")
    assert (running.argv, running.stdin, running.limits.wall_ms) == (("./main", "a b", "ü"), b"\x00\xff", 1234)
    assert compiling.limits.memory_bytes == 256 << 20


@pytest.mark.parametrize(
    ("origin", "caller"),
    [
        (Origin("192.0.2.1"), "address 192.0.2.1"),
        (Origin("2001:db8::1"), "address 2001:db8::/64"),
        (Origin("2001:db8::2:3"), "address 2001:db8::/64"),
        (Origin(None), "address unknown"),
        (Origin("192.0.2.1", "k1"), "key k1"),
    ],
)
def test_a_row_tells_its_caller(python: Language, fake_backend: FakeBackend, origin: Origin, caller: str) -> None:
    with accepted(submission(python), origin) as (row, _):
        pass
    assert task_of(Execution.objects.get(pk=row.pk)).caller == task_of(row).caller == caller


@pytest.mark.parametrize("start_ahead", [True, False])
def test_a_job_runs_in_the_containers_that_are_kept_warm(
    python: Language, fake_backend: FakeBackend, start_ahead: bool
) -> None:
    # PostgreSQL keeps the names of an object in an order of its own.
    python.start_ahead, python.environment = start_ahead, {"ZZ": "{heap_mb}", "B": "1", "AAA": "2"}
    with accepted(submission(python), Origin(None)) as (row, _):
        pass
    for each in (row, Execution.objects.get(pk=row.pk)):
        task = task_of(each)
        assert task.profile == profile_of(python)
        assert hash(task.profile) == hash(profile_of(python))
        if task.profile.ahead is not None:
            (step,) = task.job.steps
            assert (step.argv, tuple(step.environment.items())) == (
                task.profile.ahead.argv,
                task.profile.ahead.environment,
            )


def test_a_row_holds_five_hundred_tests(python: Language, fake_backend: FakeBackend) -> None:
    row = Execution(
        status=Status.QUEUED,
        source="print(1)",
        job=job_of(submission(python)),
        worker=workers.own_id(),
        created_at=timezone.now(),
    )
    (step,) = row.job["steps"]
    row.job["steps"] = [
        step | {"name": f"test {number}", "stdin": {"base64": base64.b64encode(bytes([number % 256])).decode()}}
        for number in range(500)
    ]
    row.job["keep_going"] = True
    row.save()
    fake_backend.behave = echo
    run(Execution.objects.get(pk=row.pk))
    again = Execution.objects.get(pk=row.pk)
    results = steps_in(again)
    assert [step.name for step in results] == [f"test {number}" for number in range(500)]
    assert [step.stdout for step in results] == [bytes([number % 256]) * 1000 for number in range(500)]
    assert [step.outcome for step in results[:2]] == [Outcome.NONZERO_EXIT, Outcome.OK]
    assert (again.status, again.outcome, fake_backend.jobs[0].keep_going) == (Status.FINISHED, "ok", True)


def echo(job: Job) -> JobResult:
    """Each step prints its stdin a thousand times; the first one fails."""
    return JobResult(
        tuple(
            StepResult(
                step.name,
                StepOutcome.NONZERO_EXIT if number == 0 else StepOutcome.OK,
                step.stdin * 1000,
                exit_code=int(number == 0),
            )
            for number, step in enumerate(job.steps)
        )
    )


def test_a_queued_row_is_run_by_whoever_takes_it_up(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.warm = False
    with accepted(submission(python), Origin(None)) as (accepted_row, reservation):
        assert reservation is None
    Execution.objects.update(worker=uuid.uuid4())
    row = Execution.objects.get(pk=accepted_row.pk)
    assert (row.status, fake_backend.jobs) == (Status.QUEUED, [])
    run(row)
    assert row.worker == workers.own_id()
    row.refresh_from_db()
    assert (row.status, row.outcome, steps_in(row)[0].stdout) == (Status.FINISHED, "ok", "print('é')".encode())
    assert row.started_at is not None


@pytest.mark.parametrize(("ago_s", "left_ms"), [(0, 10_000), (4, 6_000), (60, 0)])
def test_the_wait_for_a_slot_counts_from_the_arrival(
    python: Language, fake_backend: FakeBackend, settings: Any, ago_s: float, left_ms: int
) -> None:
    settings.GEXEC_WAIT_MS = 10_000
    fake_backend.warm = False
    waits: list[int | None] = []
    take = fake_backend.take

    def noted(run: Any) -> None:
        waits.append(run.task.wait_ms)
        take(run)

    fake_backend.take = noted  # type: ignore[method-assign]  # a look at what it is asked for
    with accepted(submission(python), Origin("192.0.2.1")) as (row, _):
        run(row, client=Client(arrived_at=time.monotonic() - ago_s))
    (wait_ms,) = waits
    assert wait_ms is not None
    assert left_ms - 2_000 < wait_ms <= left_ms
    assert row.outcome == "ok"


def test_what_the_language_is_now_does_not_matter_to_a_row(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.warm = False
    with accepted(submission(python), Origin(None)) as (row, _):
        pass
    before = task_of(row)
    Language.objects.all().delete()
    again = Execution.objects.get(pk=row.pk)
    assert again.language_slug == "python"
    assert task_of(again) == before
    run(again)
    assert again.outcome == Outcome.OK


@pytest.mark.timeout(300)
def test_another_process_runs_a_row_in_a_container(server: StartServer) -> None:
    running = server()
    running.execute("print(1)")
    running.stop()
    # A row that was accepted and not yet begun, as the server's own would be.
    queued = running.manage("shell", "--verbosity=0", "-c", QUEUE_ONE_MORE)
    assert queued.returncode == 0, queued.stderr
    execution_id = queued.stdout.strip().splitlines()[-1]
    ran = subprocess.run(
        [sys.executable, "-c", RUN_IN_ANOTHER_PROCESS, execution_id],
        cwd=PROJECT,
        env=running.environment | {"DJANGO_SETTINGS_MODULE": "gexec.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = running.manage("shell", "--verbosity=0", "-c", TELL.format(execution_id))
    assert told.stdout.strip().splitlines()[-1] == "finished ok b'of another process\\n'"


QUEUE_ONE_MORE = """
from executions.accept import refused
from executions.jobs import job_of
from executions.models import Execution
from executions.limits import AskedLimits, caps_of, effective
from executions.submission import single_file
from languages.models import Language
from django.utils import timezone
from dispatch import workers
import sys
language = Language.objects.get(slug="python")
source = "import sys; print(sys.stdin.read().strip())"
limits = effective(language, AskedLimits(wall_ms=10_000), caps_of(language, has_key=True))
job = job_of(single_file(language, source, limits, stdin=b"of another process"))
row = Execution.objects.create(
    status="queued", language_slug="python", source=source, stdin=b"of another process",
    job=job, worker=workers.own_id(), created_at=timezone.now())
workers.deregister()
print(row.pk)
"""
TELL = """
from executions.models import Execution
from executions.results import steps_in
row = Execution.objects.get(pk="{}")
print(row.status, row.outcome, steps_in(row)[0].stdout)
"""
