"""No page of the admin asks more of the database where there are more rows, and no time stands there without a zone."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clients.models import Client as Tenant
from clients.models import Key, Usage
from executions import backlog
from executions.models import CallerStorage, Execution
from executions.results import recorded
from files.store import store
from gexec.health import parts
from languages.models import Language, LanguageTask, TaskStatus
from periodic.models import PeriodicTask
from periodic.tasks import registered
from rest.ids import uuid7
from sandbox.testing import FakeImages
from snippets.models import Snippet
from tests.fake_backend import ran
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.usefixtures("engine_answers", "fake_images")
TIME = re.compile(r"(?<![\d+])\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?! UTC)(?=[<\s,;)])")


def make_execution(number: int) -> None:
    tenant = make_client(number, name=f"of {number}")
    now = timezone.now()
    Execution.objects.create(
        status="finished", outcome="ok", exit_code=0, language_slug="python", created_at=now, started_at=now,
        finished_at=now, client_id=tenant.pk, api_key_id=f"k{number}", source="print(1)", **recorded([ran(b"1")]),
        job={"files": [{"name": "a.py", "content": {"column": "source"}, "executable": False}], "steps": []},
    )  # fmt: skip


def make_client(number: int, name: str = "") -> Tenant:
    tenant: Tenant = Tenant.objects.create(name=name or f"client {number}", executions_day=100, cpu_s_month=10)
    Key.objects.create(client=tenant, prefix=f"k{number}", name="a key", last_used_at=timezone.now())
    Usage.objects.create(
        client_id=tenant.pk, day=timezone.now().date(), key=f"k{number}", language="python", door="api", outcome="ok",
        shard=0, executions=number, cpu_ms=5000,
    )  # fmt: skip
    return tenant


def make_language(number: int) -> None:
    language = Language.objects.create(
        slug=f"lang{number}", name=f"Language {number}", image=f"image{number}", source_file="a", run_command=["a"],
        tested_at=timezone.now(),
    )  # fmt: skip
    now = timezone.now()
    LanguageTask.objects.create(
        language=language,
        kind="test",
        status=TaskStatus.SUCCEEDED,
        worker=uuid.uuid4(),
        started_at=now,
        finished_at=now,
    )


def make_file(number: int) -> None:
    tenant = make_client(number, name=f"files of {number}")
    store.put(tenant.pk, BytesIO(f"{number}".encode()))


def make_delivery(number: int) -> None:
    tenant, now = make_client(number, name=f"told {number}"), timezone.now()
    endpoint = Endpoint.objects.create(
        client=tenant, url="https://example.org/", events=["execution.finished"], failing_since=now
    )
    Delivery.objects.create(
        client=tenant, endpoint=endpoint, url=endpoint.url, host="example.org", event="execution.finished",
        message=uuid.uuid4(), state="failed", body=b"{}", ended_at=now,
    )  # fmt: skip


def make_attempt(number: int) -> None:
    AccessAttempt.objects.create(username=f"user {number}", ip_address="192.0.2.1", failures_since_start=1)
    for model in (AccessFailureLog, AccessLog):
        model.objects.create(username=f"user {number}", ip_address="192.0.2.1")


def make_user(number: int) -> None:
    User.objects.create(username=f"user {number}", last_login=timezone.now())
    Group.objects.create(name=f"group {number}")


def make_storage(number: int) -> None:
    CallerStorage.objects.create(
        day=timezone.now().date(), caller=f"client {uuid7()}", executions=1, kept_bytes=number, unkept_bytes=0
    )


def make_task(number: int) -> None:
    names = [*registered()]
    PeriodicTask.objects.update_or_create(
        name=names[number % len(names)], defaults={"began_at": timezone.now(), "failed_at": timezone.now()}
    )


def make_snippet(number: int) -> None:
    tenant = make_client(number, name=f"snippets of {number}")
    Snippet.objects.create(client=tenant, caller=f"client {tenant.pk}", language_slug="python", program={}, bytes=1)


LISTS: dict[str, Callable[[int], object]] = {
    "executions_execution": make_execution,
    "executions_callerstorage": make_storage,
    "languages_language": make_language,
    "languages_languagechange": make_language,
    "clients_client": make_client,
    "clients_key": make_client,
    "files_file": make_file,
    "files_clientfiles": make_file,
    "webhooks_endpoint": make_delivery,
    "webhooks_delivery": make_delivery,
    "periodic_periodictask": make_task,
    "snippets_snippet": make_snippet,
    "axes_accessattempt": make_attempt,
    "axes_accesslog": make_attempt,
    "axes_accessfailurelog": make_attempt,
    "auth_user": make_user,
    "auth_group": make_user,
}


def test_every_list_is_looked_at() -> None:
    models = (model._meta for model in admin.site._registry)
    assert set(LISTS) == {f"{meta.app_label}_{meta.model_name}" for meta in models}


def asked(client: Client, url: str) -> tuple[int, str]:
    """How many statements it takes, with nothing that is kept for a second, and the page."""
    parts.forget()
    backlog.forget()
    with CaptureQueriesContext(connection) as statements:
        answer = client.get(url)
    assert answer.status_code == 200
    return len(statements), answer.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_with_two_rows_and_with_fifty(admin_client: Client, python: Language, name: str) -> None:
    url = reverse(f"admin:{name}_changelist")
    for number in range(2):
        LISTS[name](number)
    asked(admin_client, url)
    few, _ = asked(admin_client, url)
    for number in range(2, 50):
        LISTS[name](number)
    many, page = asked(admin_client, url)
    assert many <= few
    assert TIME.findall(page) == []


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_pages_of_one_have_times_with_zones(admin_client: Client, python: Language, many: bool) -> None:
    """And ask what they ask, however much there is of it."""
    counts = {}
    for number in range(50 if many else 2):
        make_execution(number)
        make_client(1000 + number)
    tenant = Tenant.objects.get(name="client 1000")
    for number in range(50 if many else 2):
        Key.objects.create(client=tenant, prefix=f"more{number}", name="more")
    key, row = Key.objects.filter(client=tenant).first(), Execution.objects.first()
    assert key is not None
    assert row is not None
    for name, pk in (("executions_execution", row.pk), ("clients_client", tenant.pk), ("clients_key", key.pk)):
        url = reverse(f"admin:{name}_change", args=[pk])
        asked(admin_client, url)
        counts[name], page = asked(admin_client, url)
        # What is typed into a field is said to be in UTC beside it.
        assert TIME.findall(re.sub("<input[^>]*>|<script.*?</script>", "", page)) == []
    assert counts["executions_execution"] <= 20
    assert counts["clients_client"] <= 14
    assert counts["clients_key"] <= 10


def test_the_dashboard_costs_the_same(admin_client: Client, python: Language) -> None:
    make_execution(0)
    asked(admin_client, reverse("admin:dashboard"))
    few, _ = asked(admin_client, reverse("admin:dashboard"))
    for number in range(1, 50):
        make_execution(number)
    many, page = asked(admin_client, reverse("admin:dashboard"))
    assert many <= few
    assert "all times are UTC" in page


def test_use_of_clients_and_keys_is_told(admin_client: Client) -> None:
    tenant, today = make_client(7), timezone.now().date()
    more = {"language": "python", "outcome": "ok", "shard": 0, "key": "k7", "client_id": tenant.pk}
    Usage.objects.create(day=today - timedelta(days=6), door="api", executions=30, cpu_ms=1000, **more)
    Usage.objects.create(day=today - timedelta(days=7), door="api", executions=500, **more)
    Usage.objects.create(day=today, door="admin", executions=9000, **more)

    def cells(name: str, html: str) -> list[str]:
        return re.findall(rf'<td class="field-{name}[^"]*">(?:<[^>]*>)*([^<]*)', html)

    _, keys = asked(admin_client, reverse("admin:clients_key_changelist"))
    assert (cells("executions_today", keys), cells("executions_week", keys)) == (["7"], ["37"])
    _, clients = asked(admin_client, reverse("admin:clients_client_changelist"))
    assert (cells("executions_today", clients), cells("executions_week", clients)) == (["7 of 100"], ["37"])
    assert cells("left", clients)[0].endswith("% left: CPU this month")
    _, page = asked(admin_client, reverse("admin:clients_client_change", args=[tenant.pk]))
    text = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert "executions 7 of 100 37" in text
    assert "a key k7 valid" in text
    assert "7 37" in text


def test_keys_are_found_by_their_state(admin_client: Client) -> None:
    tenant, now = Tenant.objects.create(name="School"), timezone.now()
    states: dict[str, dict[str, Any]] = {
        "valid": {"expires_at": now + timedelta(days=1), "last_used_at": now},
        "expired": {"expires_at": now - timedelta(days=1), "last_used_at": now},
        "revoked": {"revoked_at": now, "expires_at": now - timedelta(days=1), "last_used_at": now},
        "unused": {},
    }
    for state, fields in states.items():
        Key.objects.create(client=tenant, prefix=state, name=f"the {state} one", **fields)
    found = {}
    for state in states:
        _, page = asked(admin_client, f"{reverse('admin:clients_key_changelist')}?state={state}")
        found[state] = sorted({*re.findall(r"the (\w+) one", page)})
    assert found == {
        "valid": ["unused", "valid"],
        "expired": ["expired"],
        "revoked": ["revoked"],
        "unused": ["unused"],
    }


def test_languages_tell_the_size_of_their_images(
    admin_client: Client, python: Language, fake_images: FakeImages
) -> None:
    _, page = asked(admin_client, reverse("admin:languages_language_changelist"))
    image = fake_images.find("gexec/python")
    assert image is not None
    assert re.search(r'<td class="field-tested_when">\d{4}-\d\d-\d\d \d\d:\d\d UTC</td>', page)
    assert re.search(r'<td class="field-image">[\d.]+ (bytes|[KMG]iB)</td>', page)
