"""Roles of the admin: what each may see and do, page by page and action by action."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clients import authentication
from clients.models import Client as Tenant
from clients.models import Key
from executions.models import Execution
from languages.models import Language
from periodic.models import PeriodicTask
from periodic.tasks import registered
from sandbox.testing import FakeImages
from snippets.models import Snippet
from tests.backlog_lab import queue
from webhooks.models import Delivery, Endpoint, State

pytestmark = pytest.mark.usefixtures("engine_answers")
roles_migration = import_module("gexec.migrations.0001_roles")
ROLES = ("operator", "reviewer", "auditor")
As = Callable[[str], Client]


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    """The groups that the migration has made: a test whose rows are committed empties all tables after it."""
    roles_migration.make_roles(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def enter(db: None) -> As:
    """Logs a new member of the staff with this role in; without one, a superuser."""

    def entered(role: str) -> Client:
        user = User.objects.create_user(f"a-{role}", is_staff=True)
        user.groups.set([Group.objects.get(name=role)])
        client = Client()
        client.force_login(user)
        return client

    return entered


@pytest.fixture
def execution(python: Language) -> Execution:
    (row,) = queue(python, 1)
    Execution.objects.filter(pk=row.pk).update(
        status="finished", outcome="ok", exit_code=0, started_at=timezone.now(), finished_at=timezone.now(),
        worker=uuid.uuid4(),
    )  # fmt: skip
    return row


PROGRAM: dict[str, Any] = {"files": [], "stdin": "", "args": [], "tests": []}

# Which of each model's pages each role gets: list, page of one, add, change (a form that is saved), delete.
SEES: dict[str, dict[str, str]] = {
    "executions.execution": {"operator": "list one", "reviewer": "list one", "auditor": "list one"},
    "executions.callerstorage": {"operator": "list", "auditor": "list"},
    "languages.language": {"operator": "list one add change delete", "auditor": "list one"},
    "languages.languagechange": {"operator": "list one", "auditor": "list one"},
    "clients.client": {"operator": "list one add change", "auditor": "list one"},
    "clients.key": {"operator": "list one add change", "auditor": "list one"},
    "files.file": {"operator": "list delete", "auditor": "list"},
    "files.clientfiles": {"operator": "list", "auditor": "list"},
    "webhooks.endpoint": {"operator": "list one delete", "auditor": "list one"},
    "webhooks.delivery": {"operator": "list one", "auditor": "list one"},
    "periodic.periodictask": {"operator": "list", "auditor": "list"},
    "snippets.snippet": {"operator": "list one change delete", "auditor": "list one"},
    "axes.accessattempt": {"operator": "list delete", "auditor": "list"},
    "axes.accesslog": {"operator": "list", "auditor": "list"},
    "axes.accessfailurelog": {"operator": "list", "auditor": "list"},
    "auth.user": {"auditor": "list one"},
    "auth.group": {"auditor": "list one"},
}


def test_every_model_of_the_admin_is_decided_on() -> None:
    assert set(SEES) == {model._meta.label_lower for model in admin.site._registry}


@pytest.fixture
def rows(execution: Execution, fake_images: FakeImages) -> dict[str, Any]:
    """One of each model that has pages of single ones."""
    tenant = Tenant.objects.create(name="School")
    _, key = authentication.create_for(tenant, "a key")
    endpoint = Endpoint.objects.create(client=tenant, url="https://example.org/", events=["execution.finished"])
    delivery = Delivery.objects.create(
        client=tenant, endpoint=endpoint, url=endpoint.url, host="example.org", event="execution.finished",
        message=uuid.uuid4(), state=State.DELIVERED, body=b"{}", ended_at=timezone.now(),
    )  # fmt: skip
    language = Language.objects.get(slug="python")
    return {
        "executions.execution": execution,
        "languages.language": language,
        "languages.languagechange": apps.get_model("languages", "LanguageChange").objects.first(),
        "clients.client": tenant,
        "clients.key": key,
        "webhooks.endpoint": endpoint,
        "webhooks.delivery": delivery,
        "snippets.snippet": Snippet.objects.create(
            caller="address ::", language_slug="python", bytes=0, program=PROGRAM
        ),
        "auth.user": User.objects.create_user("another"),
        "auth.group": Group.objects.first(),
    }


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_the_pages_that_are_its(role: str, enter: As, rows: dict[str, Any]) -> None:
    client = enter(role)
    for name, allowed in SEES.items():
        words = allowed.get(role, "").split()
        row = rows.get(name)
        assert _answers(client, name, "changelist") == ("list" in words), name
        if row is not None:
            assert _answers(client, name, "change", row.pk) == ("one" in words), name
            assert _may_delete(client, name, row.pk) == ("delete" in words), name
            assert _saves(client, name, row) == ("change" in words), name
        assert _answers(client, name, "add") == ("add" in words), name


def _answers(client: Client, name: str, view: str, *args: object) -> bool:
    answer = client.get(reverse(f"admin:{name.replace('.', '_')}_{view}", args=args))
    assert answer.status_code in (200, 403), (name, view, answer.status_code)
    return answer.status_code == 200


def _may_delete(client: Client, name: str, pk: object) -> bool:
    answer = client.get(reverse(f"admin:{name.replace('.', '_')}_delete", args=[pk]))
    assert answer.status_code in (200, 403)
    return answer.status_code == 200


def _saves(client: Client, name: str, row: Any) -> bool:
    """Whether its form is taken: without what it needs it is refused with a page of errors, or with 403."""
    answer = client.post(reverse(f"admin:{name.replace('.', '_')}_change", args=[row.pk]), {})
    assert answer.status_code in (200, 302, 403), (name, answer.status_code)
    return answer.status_code != 403


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_the_dashboard(role: str, enter: As, execution: Execution) -> None:
    client = enter(role)
    page = client.get(reverse("admin:index")).content.decode()
    assert "gexec-tiles" in page
    assert ("Busiest clients" in page) == (role != "reviewer")
    assert ("/admin/auth/user/" in page) == (role == "auditor")
    assert client.get(reverse("admin:dashboard")).status_code == 200


# What is done by a request that changes something: who may, and what tells that it was done.
def _runs_again(client: Client, rows: dict[str, Any]) -> bool:
    execution = rows["executions.execution"]
    client.post(reverse("admin:executions_execution_again", args=[execution.pk]))
    return Execution.objects.filter(door="admin").exists()


def _cancels(client: Client, rows: dict[str, Any]) -> bool:
    (waiting,) = queue(rows["languages.language"], 1)
    _acts(client, "executions_execution", "cancel", waiting.pk)
    waiting.refresh_from_db()
    return waiting.cancel_cause is not None or waiting.status == "finished"


def _disables(client: Client, rows: dict[str, Any]) -> bool:
    _acts(client, "languages_language", "disable", rows["languages.language"].pk)
    return not Language.objects.get(slug="python").enabled


def _switches(client: Client, rows: dict[str, Any]) -> bool:
    client.post(reverse("admin:languages_language_switch", args=[rows["languages.language"].pk, 0]))
    return not Language.objects.get(slug="python").enabled


def _tests(client: Client, rows: dict[str, Any]) -> bool:
    url = reverse("admin:languages_language_task", args=[rows["languages.language"].pk, "no-such-kind"])
    return client.post(url).status_code == 404


def _adds_from_the_catalogue(client: Client, rows: dict[str, Any]) -> bool:
    client.post(reverse("admin:languages_language_catalogue"), {"slug": "bash"})
    return Language.objects.filter(slug="bash").exists()


def _revokes(client: Client, rows: dict[str, Any]) -> bool:
    _acts(client, "clients_key", "revoke", rows["clients.key"].pk)
    return Key.objects.get().revoked_at is not None


def _makes_a_key(client: Client, rows: dict[str, Any]) -> bool:
    asked = {"client": rows["clients.client"].pk, "name": "mine", "rights": ["execute"]}
    client.post(reverse("admin:clients_key_add"), asked)
    return Key.objects.count() == 2


def _sends_again(client: Client, rows: dict[str, Any]) -> bool:
    _acts(client, "webhooks_delivery", "resend", rows["webhooks.delivery"].pk)
    return Delivery.objects.filter(ended_at=None).exists()


def _asks_for_a_task(client: Client, rows: dict[str, Any]) -> bool:
    name, later = next(iter(registered())), timezone.now() + timedelta(hours=1)
    PeriodicTask.objects.update_or_create(name=name, defaults={"next_at": later})
    _acts(client, "periodic_periodictask", "run_now", name)
    return PeriodicTask.objects.get(name=name).next_at < later


def _grants_itself_more(client: Client, rows: dict[str, Any]) -> bool:
    user = User.objects.get(username__startswith="a-")
    client.post(reverse("admin:auth_user_change", args=[user.pk]), {"username": user.username, "is_superuser": "on"})
    return User.objects.filter(is_superuser=True).exists()


def _acts(client: Client, name: str, action: str, pk: object) -> None:
    client.post(reverse(f"admin:{name}_changelist"), {"action": action, "_selected_action": [str(pk)]})


DOES: dict[Callable[[Client, dict[str, Any]], bool], tuple[str, ...]] = {
    _runs_again: ("operator", "reviewer"),
    _cancels: ("operator",),
    _disables: ("operator",),
    _switches: ("operator",),
    _tests: ("operator",),
    _adds_from_the_catalogue: ("operator",),
    _revokes: ("operator",),
    _makes_a_key: ("operator",),
    _sends_again: ("operator",),
    _asks_for_a_task: ("operator",),
    _grants_itself_more: (),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", DOES, ids=lambda act: act.__name__.strip("_"))
def test_each_role_does_what_is_its(
    role: str, act: Callable[[Client, dict[str, Any]], bool], enter: As, rows: dict[str, Any]
) -> None:
    assert act(enter(role), rows) == (role in DOES[act])


@pytest.mark.parametrize("role", ROLES)
def test_each_role_takes_along_what_it_sees(role: str, enter: As, execution: Execution) -> None:
    client = enter(role)
    for name, *args in (("json",), ("raw", "source")):
        answer = client.get(reverse(f"admin:executions_execution_{name}", args=[execution.pk, *args]))
        assert answer.status_code == 200
    assert client.get(reverse("admin:executions_execution_states"), {"id": str(execution.pk)}).status_code == 200


def test_without_a_role_there_is_nothing(db: None, execution: Execution) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for name, *args in (("json",), ("raw", "source"), ("change",)):
        answer = client.get(reverse(f"admin:executions_execution_{name}", args=[execution.pk, *args]))
        assert answer.status_code == 403
    assert client.get(reverse("admin:executions_execution_states")).status_code == 403
    assert client.post(reverse("admin:executions_execution_again", args=[execution.pk])).status_code == 403


def test_who_may_not_see_clients_has_no_links_to_them(enter: As, execution: Execution) -> None:
    tenant = Tenant.objects.create(name="School")
    Execution.objects.filter(pk=execution.pk).update(client_id=tenant.pk)
    url = reverse("admin:executions_execution_change", args=[execution.pk])
    assert "/admin/clients/client/" not in enter("reviewer").get(url).content.decode()
    assert "/admin/clients/client/" in enter("auditor").get(url).content.decode()


@pytest.mark.usefixtures("transactional_db")
def test_the_migration_leaves_groups_of_that_name_and_works_before_permissions_are_there() -> None:
    MigrationExecutor(connection).migrate([("gexec", None)])
    Group.objects.filter(name__in=ROLES).delete()
    Group.objects.create(name="auditor")
    Permission.objects.filter(codename="run_again_execution").delete()
    Permission.objects.filter(codename="view_execution").delete()
    call_command("migrate", verbosity=0)
    assert Group.objects.get(name="auditor").permissions.count() == 0
    for name in ("operator", "reviewer"):
        found = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {f"{label}.{codename}" for label, codename in found} == set(roles_migration.ROLES[name])
    # Django makes each once, by the same name.
    made = Permission.objects.get(codename="run_again_execution")
    assert made.name == "Can run an execution again"
    Group.objects.filter(name="auditor").delete()
