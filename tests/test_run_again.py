"""An execution is run again by hand: as it was, for its client, who is told of nothing and charged nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clients import quotas, usage
from clients.models import Client as Tenant
from dispatch.testing import FakeBackend
from executions import again, announcements, services
from executions.background import Background
from executions.erasure import erase_one
from executions.models import ADMIN, Execution, ExecutionTag, Status
from executions.submission import Origin
from languages.models import Language
from rest.exceptions import Limited
from rest.ids import uuid7
from sandbox.types import Outcome as StepOutcome
from testkit.waiting import eventually
from tests.backlog_lab import queue
from tests.fake_backend import ran, result
from webhooks.models import Endpoint

pytestmark = pytest.mark.usefixtures("engine_answers")


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:executions_execution_{name}", args=args)


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="School", executions_day=1)


@pytest.fixture
def execution(python: Language, tenant: Tenant) -> Execution:
    """One that a client has submitted, and that has failed."""
    (row,) = queue(python, 1)
    Execution.objects.filter(pk=row.pk).update(
        status=Status.FINISHED, outcome="nonzero_exit", exit_code=1, started_at=timezone.now(), worker=uuid.uuid4(),
        finished_at=timezone.now(), client_id=tenant.pk, tags={"pupil": "7"}, webhook_url="https://example.org/",
        batch_id=uuid7(), api_key_id="abc", door="api",
    )  # fmt: skip
    row.refresh_from_db()
    return row


@pytest.fixture
def background(transactional_db: None, fake_backend: FakeBackend) -> Iterator[None]:
    threads = Background()
    threads.start()
    yield
    threads.stop()
    threads.join()


def test_it_is_the_same_program_of_the_same_client(admin_client: Client, execution: Execution, tenant: Tenant) -> None:
    answer = admin_client.post(page("again", execution.pk))
    made = Execution.objects.get(door=ADMIN)
    assert (answer.status_code, answer.headers["Location"]) == (302, page("change", made.pk))
    same = ("language_slug", "image_digest", "source", "client_id", "tags")
    assert [getattr(made, name) for name in same] == [getattr(execution, name) for name in same]
    # Its log lines are those of the request that asked for it.
    request = {"request_id": answer.headers["X-Request-Id"]}
    assert made.job == execution.job | {"again_of": str(execution.pk), "again_by": "admin"} | request
    assert (made.status, made.background, made.api_key_id, made.batch_id, made.webhook_url) == (
        Status.QUEUED, True, None, None, "",
    )  # fmt: skip
    # What the client erases by a tag is erased with it.
    assert ExecutionTag.objects.filter(execution=made, name="pupil", value="7").exists()
    # Each page leads to the other, and the history tells who did it.
    assert str(made.pk) in admin_client.get(page("change", execution.pk)).content.decode()
    shown = admin_client.get(page("change", made.pk)).content.decode()
    assert str(execution.pk) in shown
    assert "for admin" in shown
    assert f"Run again as {made.pk}" in LogEntry.objects.get().get_change_message()


def test_it_is_run(background: None, fake_backend: FakeBackend, execution: Execution) -> None:
    fake_backend.behave = lambda _job: result(ran(b"better now\n"))
    made = services.run_again(execution=execution, address="192.0.2.1", by="somebody")
    eventually(lambda: Execution.objects.get(pk=made.pk).status == Status.FINISHED)
    made.refresh_from_db()
    assert (made.outcome, bytes(made.output)) == ("ok", b"better now\n")
    execution.refresh_from_db()
    assert execution.outcome == "nonzero_exit"


def test_it_counts_for_no_quota(execution: Execution, tenant: Tenant) -> None:
    today, now = timezone.now().date(), timezone.now()
    before, told = quotas.used(tenant.pk, today), usage.by_groups(tenant.pk, today, today, ("door",))
    made = services.run_again(execution=execution, address=None, by="x")
    Execution.objects.filter(pk=made.pk).update(
        status=Status.FINISHED,
        outcome="ok",
        exit_code=0,
        started_at=now,
        finished_at=now,
        cpu_ms=5.0,
        worker=uuid.uuid4(),
    )
    assert quotas.used(tenant.pk, today) == before
    more = usage.by_groups(tenant.pk, today, today, ("door",))
    assert [(row["door"], row["executions"], row["cpu_ms"]) for row in more if row not in told] == [("admin", 1, 5.0)]


def test_no_webhook_tells_of_it(execution: Execution, tenant: Tenant) -> None:
    Endpoint.objects.create(client=tenant, url="https://example.org/", events=["execution.finished"])
    announcements.forget_listeners()
    assert announcements.are_wanted(execution)
    assert not announcements.are_wanted(services.run_again(execution=execution, address=None, by="x"))


def test_who_erases_one_erases_what_ran_it_again(execution: Execution, tenant: Tenant) -> None:
    made = services.run_again(execution=execution, address=None, by="x")
    assert again.why_not(made) == "It has not ended yet."
    origin = Origin(None, client_id=tenant.pk)
    assert erase_one(execution, origin) is None
    now = timezone.now()
    Execution.objects.filter(pk=made.pk).update(
        status=Status.FINISHED, outcome="ok", exit_code=0, started_at=now, finished_at=now, worker=uuid.uuid4()
    )
    erased = erase_one(execution, origin)
    assert erased is not None
    assert erased.erased == 2
    assert not Execution.objects.exists()


def test_nobodys_stays_nobodys(admin_client: Client, execution: Execution) -> None:
    Execution.objects.filter(pk=execution.pk).update(client_id=None, tags=None, client_address="192.0.2.7")
    execution.refresh_from_db()
    admin_client.post(page("again", execution.pk), REMOTE_ADDR="198.51.100.1")
    made = Execution.objects.get(door=ADMIN)
    assert (made.client_id, made.client_address) == (None, "198.51.100.1")
    assert list(again.runs_of(execution)) == [made]
    assert list(again.runs_of(made)) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"job": {}}, "nothing to run"),
        ({"store": "no_code"}, "not kept"),
        ({"store": "expired"}, "not kept"),
        ({"unkept_bytes": 7}, "not kept"),
        ({"language_slug": "gone"}, "language is not enabled"),
        ({"client_id": uuid.UUID(int=5)}, "client is disabled, or gone"),
    ],
    ids=["nothing", "no code", "expired", "unkept", "language", "client"],
)
def test_what_cannot_be_run_again_says_why(
    admin_client: Client, execution: Execution, fields: dict[str, Any], why: str
) -> None:
    Execution.objects.filter(pk=execution.pk).update(**fields)
    shown = admin_client.get(page("change", execution.pk)).content.decode()
    assert why in shown
    assert "Run again</button>" not in shown
    answer = admin_client.post(page("again", execution.pk), follow=True).content.decode()
    assert "It was not run again: " in answer
    assert not Execution.objects.filter(door=ADMIN).exists()


def test_what_somebody_talks_to_cannot_be_run_again(execution: Execution) -> None:
    execution.job = execution.job | {"interactive": True}
    assert "talked to it" in again.why_not(execution)


def test_a_client_that_is_disabled_has_nothing_run(execution: Execution, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(enabled=False)
    assert "disabled" in again.why_not(execution)


def test_a_full_backlog_is_said(admin_client: Client, execution: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_full(*_: object) -> None:
        raise Limited("too many executions wait already", code="backlog_full", policy="backlog", retry_after_s=5)

    monkeypatch.setattr("executions.backlog.enter", is_full)
    answer = admin_client.post(page("again", execution.pk), follow=True).content.decode()
    assert "It was not run again: too many executions wait already" in answer


def test_one_that_failed_for_its_outcome(background: None, fake_backend: FakeBackend, execution: Execution) -> None:
    """One of another door is begun again where its run is lost; so is this one, and once."""
    lost = iter([result(ran(b"", StepOutcome.SANDBOX_ERROR, started=True)), result(ran(b"ok"))])
    fake_backend.behave = lambda _job: next(lost)
    made = services.run_again(execution=execution, address=None, by="x")
    eventually(lambda: Execution.objects.get(pk=made.pk).status == Status.FINISHED)
    made.refresh_from_db()
    assert (made.outcome, made.attempt) == ("ok", 2)


@pytest.mark.parametrize("method", ["get", "put"])
def test_only_a_form_runs_it(admin_client: Client, execution: Execution, method: str) -> None:
    assert getattr(admin_client, method)(page("again", execution.pk)).status_code == 405
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = admin_client.cookies
    assert careful.post(page("again", execution.pk)).status_code == 403
