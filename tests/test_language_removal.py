"""Before a language is deleted its operator reads what follows; it is gone at once, and its image if they said so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from executions.models import Execution
from languages import removal, usage
from languages.models import Language, LanguageChange
from languages.toolchain import installs
from sandbox.errors import EngineUnavailable
from sandbox.testing import FakeImages
from testkit.waiting import eventually

Text = Callable[[], str]


@pytest.fixture(autouse=True)
def images(fake_images: FakeImages) -> FakeImages:
    """What the Docker host has."""
    return fake_images


def executed(count: int, slug: str = "python") -> None:
    now = timezone.now()
    ended = {"status": "finished", "outcome": "ok", "exit_code": 0, "finished_at": now, "started_at": now}
    for _ in range(count):
        Execution.objects.create(**ended, language_slug=slug, created_at=now)


def text_of(response: object) -> str:
    return re.sub(r"\s+", " ", strip_tags(response.content.decode()))  # type: ignore[attr-defined]  # a response


def asked(client: Client, *languages: Language) -> str:
    """The page before."""
    if len(languages) == 1:
        return text_of(client.get(reverse("admin:languages_language_delete", args=[languages[0].pk])))
    data = {"action": "delete_selected", "_selected_action": [language.pk for language in languages]}
    return text_of(client.post(reverse("admin:languages_language_changelist"), data))


def test_the_page_before_tells_what_follows(admin_client: Client, python: Language, images: FakeImages) -> None:
    executed(3)
    images.add("gexec/python", image_id="sha256:1", size_bytes=113_000_000)
    text = asked(admin_client, python)
    assert "Requests for python, py are refused from now on." in text
    assert "3 executions stay in the history, under its name." in text
    assert "Its image gexec/python (" in text
    assert "stays on the Docker host, unless you tick the box below." in text
    assert "It can be added again from the catalogue" in text
    assert "tasks" not in text.replace("Periodic tasks", "")


def test_many_executions_are_not_counted_to_the_end(
    admin_client: Client, python: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "AT_MOST", 2)
    executed(2)
    assert "2 executions stay" in asked(admin_client, python)
    executed(1)
    assert "more than 2 executions stay" in asked(admin_client, python)


def test_other_states_of_the_language_and_its_image(admin_client: Client, python: Language, images: FakeImages) -> None:
    Language.objects.update(enabled=False)
    Language.objects.create(
        slug="snake", name="Snake", image="gexec/python", source_file="main.py", run_command=["python3"]
    )
    text = asked(admin_client, python)
    assert "Requests for python, py go on being refused: it is disabled." in text
    assert "Its image gexec/python stays: snake needs it." in text
    images.clear()
    Language.objects.exclude(slug="python").delete()
    assert "Its image gexec/python is not on the Docker host." in asked(admin_client, python)
    images.failing = EngineUnavailable("away")
    assert "is not on the Docker host" in asked(admin_client, python)


def test_several_are_deleted_as_one_is(admin_client: Client, python: Language, go: Language) -> None:
    text = asked(admin_client, python, go)
    assert "Requests for python, py are refused" in text
    assert "Requests for go, golang are refused" in text
    data = {"action": "delete_selected", "_selected_action": [python.pk, go.pk], "post": "yes"}
    admin_client.post(reverse("admin:languages_language_changelist"), data)
    assert not Language.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_image_goes_when_no_container_uses_it(
    admin_client: Client, python: Language, images: FakeImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "TRY_EVERY_S", 0.05)
    images.add("gexec/python:abc", "gexec/python", image_id="sha256:1")
    images.in_use.add("sha256:1")
    url = reverse("admin:languages_language_delete", args=[python.pk])
    page = text_of(admin_client.post(url, {"post": "yes", "images": "on"}, follow=True))
    assert "go as soon as no container uses them" in page
    assert not Language.objects.exists()
    assert images.find("gexec/python") is not None
    images.in_use.clear()
    eventually(lambda: images.find("gexec/python") is None)
    assert images.find("gexec/python:abc") is None
    eventually(lambda: LanguageChange.objects.filter(what="Image gexec/python removed.", who="admin").exists())


@pytest.mark.parametrize("image", ["gexec/python", "ruby:3.4"])
def test_names_that_others_gave_an_image_stay(python: Language, images: FakeImages, image: str) -> None:
    images.add("gexec/python:abc", "gexec/python", "ruby:3.4", "ruby:3", "mine/python", image_id="sha256:1")
    Language.objects.update(image=image)
    python.refresh_from_db()
    removal.remove([python])
    assert removal.drop_image(python)
    own = {"gexec/python": ["gexec/python:abc", "gexec/python:latest"], "ruby:3.4": ["ruby:3.4"]}[image]
    assert images.removed == own


def test_an_image_stays_unless_asked_for(admin_client: Client, python: Language, images: FakeImages) -> None:
    admin_client.post(reverse("admin:languages_language_delete", args=[python.pk]), {"post": "yes"})
    assert images.find("gexec/python") is not None
    assert images.removed == []


@pytest.mark.django_db(transaction=True)
def test_the_command_says_the_same(
    python: Language, go: Language, images: FakeImages, capsys: pytest.CaptureFixture[str]
) -> None:
    executed(2)
    call_command("languages", "remove", "py")
    assert (
        "python: removed; 2 executions keep its name; its image gexec/python stays; `docker rmi gexec/python` removes "
        "it; requests for python, py are refused (" in capsys.readouterr().out
    )
    Language.objects.create(slug="gopher", name="G", image="gexec/go", source_file="a", run_command=["a"])
    call_command("languages", "remove", "go", "--image")
    assert "its image gexec/go stays: gopher needs it" in capsys.readouterr().out
    call_command("languages", "remove", "gopher", "--image")
    said = capsys.readouterr().out
    assert "its image gexec/go is removed" in said
    assert "requests for gopher are refused, as they are already while it is disabled" in said
    assert images.find("gexec/go") is None


def test_who_may_not_delete_does_not(client: Client, python: Language, django_user_model: type) -> None:
    client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))  # type: ignore[attr-defined]
    assert client.post(reverse("admin:languages_language_delete", args=[python.pk]), {"post": "yes"}).status_code == 403
    assert Language.objects.exists()


def test_what_was_removed_stays_away_at_the_next_start(python: Language) -> None:
    Language.objects.all().delete()
    assert installs.ensure(["python"], lambda _line: None) == []
    assert not Language.objects.exists()
