"""Every change of a language is written down: who, when, from what to what, whichever way it was made."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from languages import acting, tasks
from languages.models import Language, LanguageChange, TaskKind, was_removed
from languages.selftest.run import Verdict
from languages.toolchain import installs
from languages.toolchain.errors import InstallError
from sandbox.testing import FakeImages
from sandbox.types import ImageInfo
from testkit.waiting import eventually


@pytest.fixture(autouse=True)
def images(fake_images: FakeImages) -> FakeImages:
    """What the Docker host has."""
    return fake_images


def told() -> list[tuple[str, str]]:
    """Who did what, the oldest first, since the language was made."""
    changes = LanguageChange.objects.exclude(kind="added").order_by("id")
    return [(change.who, "; ".join(change.lines())) for change in changes]


def test_a_row_is_followed_from_its_first_day_to_its_last(python: Language) -> None:
    with acting.acting("ada"):
        python.memory_mb, python.aliases = 200, ["py", "é"]
        python.save()
        python.save()
        Language.objects.update(enabled=False)
    with acting.acting("bob"):
        Language.objects.all().delete()
    assert told() == [
        ("ada", 'aliases: ["py"] → ["py", "é"]; memory_mb: 128 → 200'),
        ("ada", "Disabled."),
        ("bob", "Removed."),
    ]
    first, *_, last = LanguageChange.objects.order_by("id")
    assert (first.lines(), first.slug, first.changes["image"]) == (["Added."], "python", [None, "gexec/python"])
    assert last.changes["memory_mb"] == [200, None]
    assert abs((timezone.now() - last.at).total_seconds()) < 60


def test_who_is_known_of_each_change_alone(python: Language) -> None:
    with acting.acting("ada"):
        Language.objects.update(memory_mb=100)
    Language.objects.update(memory_mb=101)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('gexec.who', '', true)")
        cursor.execute("UPDATE languages_language SET memory_mb = 102")
    assert [who for who, _ in told()] == ["ada", acting.actor(), "database user gexec"]


def test_what_is_taken_back_leaves_nothing(python: Language) -> None:
    python.memory_mb = 5
    with pytest.raises(Exception, match="language_memory_mb_in_range"):
        python.save()


@pytest.mark.parametrize("button", ["change", "action", "switch", "delete"])
def test_the_admin_acts_for_its_user(admin_client: Client, python: Language, button: str) -> None:
    if button == "change":
        url = reverse("admin:languages_language_change", args=[python.pk])
        form = admin_client.get(url).context["adminform"].form
        values = {name: form[name].value() for name in form.fields}
        shown = {name: value for name, value in values.items() if value is not None and value is not False}
        admin_client.post(url, shown | {"memory_mb": 64})
    elif button == "action":
        data = {"action": "disable", "_selected_action": [python.pk]}
        admin_client.post(reverse("admin:languages_language_changelist"), data)
    elif button == "switch":
        admin_client.post(reverse("admin:languages_language_switch", args=[python.pk, 0]))
    else:
        admin_client.post(reverse("admin:languages_language_delete", args=[python.pk]), {"post": "yes"})
    expected = {"change": "memory_mb: 128 → 64", "delete": "Removed."}.get(button, "Disabled.")
    assert told() == [("admin", expected)]


def test_a_language_from_the_catalogue_was_added_by_somebody(admin_client: Client) -> None:
    admin_client.post(reverse("admin:languages_language_catalogue"), {"slug": "lua"})
    assert [(change.who, change.slug, change.kind) for change in LanguageChange.objects.all()] == [
        ("admin", "lua", "added")
    ]


def _passing(monkeypatch: pytest.MonkeyPatch, *, problem: str) -> None:
    monkeypatch.setattr(installs, "image_of", lambda *_args, **_more: ImageInfo("sha256:" + "a" * 64, (), 1, ""))
    monkeypatch.setattr(installs, "cases_for", lambda _language: ["one"])
    monkeypatch.setattr(installs, "reported_version", lambda _language, _image: "3.14.1")
    monkeypatch.setattr(installs, "listed_packages", lambda *_: [])
    monkeypatch.setattr(installs, "run_cases", lambda *_: [Verdict("one", problem, None, 1.0, 1)])


def test_a_self_test_tells_what_it_found(python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    with acting.acting("ada"):
        _passing(monkeypatch, problem="no")
        installs.self_test(python, lambda _line: None)
        _passing(monkeypatch, problem="")
        installs.self_test(python, lambda _line: None)
        installs.self_test(python, lambda _line: None)
    assert [what for _, what in told()] == [
        "Self-test failed on aaaaaaaaaaaa: one.",
        "Self-test passed on aaaaaaaaaaaa, version 3.14.1.",
        "Self-test passed.",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_task_acts_for_who_started_it(python: Language, images: FakeImages) -> None:
    Language.objects.update(image="ruby:9")
    tasks.start(language=Language.objects.get(), kind=TaskKind.PULL, by="ada")
    eventually(lambda: not tasks._in_flight)
    images.registry["ruby:9"] = ImageInfo("sha256:" + "b" * 64, (), 1, "")
    tasks.start(language=Language.objects.get(), kind=TaskKind.PULL, by="ada")
    eventually(lambda: not tasks._in_flight)
    assert told()[1:] == [("ada", "Image ruby:9 pulled: bbbbbbbbbbbb.")]


@pytest.mark.django_db(transaction=True)
def test_a_command_acts_for_the_person_at_it(
    python: Language, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    monkeypatch.setattr("sys.argv", ["/srv/gexec/manage.py", "languages", "set", "py", "memory_mb=64"])
    call_command("languages", "set", "py", "memory_mb=64")
    call_command("languages", "disable", "py")
    call_command("languages", "remove", "py")
    assert told() == [
        ("ada (manage.py languages)", "memory_mb: 128 → 64"),
        ("ada (manage.py languages)", "Disabled."),
        ("ada (manage.py languages)", "Removed."),
    ]
    capsys.readouterr()
    call_command("languages", "history", "python")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("python by ada (manage.py languages): memory_mb: 128 → 64")
    assert len(lines) == 4


def test_the_history_goes_on_where_a_language_is_added_again(admin_client: Client, python: Language) -> None:
    with acting.acting("bob"):
        python.delete()
    assert was_removed("python")
    again = installs.load_folder("python")
    assert not was_removed("python")
    page = admin_client.get(reverse("admin:languages_language_history", args=[again.pk])).content.decode()
    assert page.count("Added.") == 2
    assert "bob" in page
    listed = admin_client.get(reverse("admin:languages_languagechange_changelist"), {"slug__exact": "python"})
    assert "Removed." in listed.content.decode()


def test_who_may_not_see_languages_sees_no_history(client: Client, python: Language) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    urls = [
        reverse("admin:languages_language_history", args=[python.pk]),
        reverse("admin:languages_languagechange_changelist"),
    ]
    assert [client.get(url).status_code for url in urls] == [403, 403]
    clerk.user_permissions.add(Permission.objects.get(codename="view_language"))
    client.force_login(User.objects.get(pk=clerk.pk))
    assert [client.get(url).status_code for url in urls] == [200, 200]
    change = LanguageChange.objects.get()
    for action in ("change", "delete"):
        url = reverse(f"admin:languages_languagechange_{action}", args=[change.pk])
        assert client.post(url, {"post": "yes", "who": "x"}).status_code == 403


def test_a_build_that_cannot_be_had_is_no_change(python: Language) -> None:
    with pytest.raises(InstallError):
        installs.build(Language(slug="nowhere", image="nowhere"), lambda _line: None)
    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_what_the_admin_knew_before_comes_along(python: Language) -> None:
    ada = User.objects.create_user("ada")
    MigrationExecutor(connection).migrate([("languages", "0011_commands_as_lines")])
    about: dict[str, Any] = {"user": ada, "content_type": ContentType.objects.get_for_model(Language)}
    LogEntry.objects.create(**about, object_id=str(python.pk), object_repr="x", action_flag=1, change_message="[{}]")
    LogEntry.objects.create(**about, object_id=str(python.pk), action_flag=CHANGE, change_message="memory_mb: 1 → 2")
    LogEntry.objects.create(**about, object_id="9999", object_repr="gone", action_flag=3)
    call_command("migrate", verbosity=0)
    assert [(change.who, change.slug, *change.lines()) for change in LanguageChange.objects.order_by("id")] == [
        ("ada", "python", "Added."),
        ("ada", "python", "memory_mb: 1 → 2"),
        ("ada", "gone", "Removed."),
    ]
