"""The admin adds, changes, enables and disables languages, explains what is wrong, and keeps the history."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from languages.models import Language
from languages.options import options_of
from sandbox.errors import EngineUnavailable
from sandbox.testing import FakeImages
from tests.fake_images import holds

LIST = "admin:languages_language_changelist"
OPTIONS = {
    option.name: "" if option.default is None else option.default
    for option in options_of(Language)
    if not option.is_flag
}
FORM = OPTIONS | {
    "slug": "Ruby",
    "name": "Ruby",
    "aliases": "rb, Ruby3",
    "image": "example/ruby:3",
    "source_file": "main.rb",
    "compile_command": "[]",
    "version_command": "[]",
    "run_command": '["ruby", "{source}"]',
    "environment": "{}",
    "timeout_ms": 5000,
    "max_timeout_ms": 10000,
    "warm_min": 0,
    "warm_max": 1,
    "example": "",
}


def errors(response: Any) -> str:
    assert response.status_code == 200, "the form was accepted"
    return str(response.context["adminform"].form.errors)


@pytest.fixture(autouse=True)
def images(fake_images: FakeImages) -> FakeImages:
    """What the Docker host has, as the pages see it."""
    return fake_images


def test_words_are_written_as_on_a_command_line(admin_client: Client) -> None:
    words = {"compile_command": "cc '{sources}' {compile_args}", "compile_args": "-O2 -D*", "source_suffixes": ".c .cc"}
    assert admin_client.post(reverse("admin:languages_language_add"), FORM | words).status_code == 302
    found = Language.objects.get(slug="ruby")
    assert found.compile_command == ["cc", "{sources}", "{compile_args}"]
    assert (found.compile_args, found.source_suffixes) == (["-O2", "-D*"], [".c", ".cc"])


def test_a_language_is_added(admin_client: Client) -> None:
    response = admin_client.post(reverse("admin:languages_language_add"), FORM)
    assert response.status_code == 302
    ruby = Language.objects.get(slug="ruby")
    assert (ruby.aliases, ruby.run_command, ruby.enabled) == (["rb", "ruby3"], ["ruby", "{source}"], False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slug": "Py"}, "already names python"),
        ({"aliases": "python"}, "already names python"),
        ({"run_command": '["ruby", "{file}"]'}, "is not a placeholder"),
        ({"run_command": '["ruby"'}, "no valid JSON list"),
        ({"run_command": "ruby 'main.rb"}, "no closing quotation"),
        ({"run_command": '["ruby", 3]'}, "must be a text in double quotes"),
        ({"run_command": "ruby {file}"}, "is not a placeholder"),
        ({"run_command": " "}, "This field is required."),
        ({"memory_mb": 512}, "at most 256 MB"),
        ({"image": "Ruby Image"}, "cannot name an image"),
        ({"environment": '{"HEAP": "{heap}"}'}, "is not a placeholder of the environment"),
        ({"cpu_quota_us": 10}, "greater than or equal to 1000"),
        ({"timeout_ms": 20000}, "at most the longest time limit"),
        ({"warm_min": 3}, "must not be above"),
    ],
)
def test_what_is_wrong_is_explained(
    admin_client: Client, python: Language, changes: dict[str, Any], message: str
) -> None:
    assert message in errors(admin_client.post(reverse("admin:languages_language_add"), FORM | changes))


@pytest.mark.parametrize("command", ['["ruby"', "ruby 'x", "ruby {file}", "", "[]", "[3]"])
def test_a_wrong_command_has_one_error(admin_client: Client, command: str) -> None:
    response = admin_client.post(reverse("admin:languages_language_add"), FORM | {"run_command": command})
    found = response.context["adminform"].form.errors
    assert (list(found), len(found["run_command"])) == (["run_command"], 1)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ruby {source}", ["ruby", "{source}"]),
        (""" sh -c 'ruby "$0" 2>&1' {source} """, ["sh", "-c", 'ruby "$0" 2>&1', "{source}"]),
        ('["ruby", " x ", ""]', ["ruby", " x ", ""]),
    ],
)
def test_a_command_is_a_command_line_or_a_list(admin_client: Client, command: str, words: list[str]) -> None:
    form = FORM | {"run_command": command, "compile_command": "", "version_command": ""}
    assert admin_client.post(reverse("admin:languages_language_add"), form).status_code == 302
    ruby = Language.objects.get(slug="ruby")
    assert (ruby.run_command, ruby.compile_command, ruby.version_command) == (words, [], [])


def test_history_tells_old_and_new_values(admin_client: Client, python: Language) -> None:
    form = FORM | {"slug": "python", "name": "Python", "aliases": "py", "memory_mb": 200}
    admin_client.post(reverse("admin:languages_language_change", args=[python.pk]), form)
    assert "memory_mb: 128 → 200" in LogEntry.objects.get().change_message
    assert Language.objects.matching("python").memory_mb == 200  # type: ignore[union-attr]  # it is there


EXAMPLES = ["print(1)\n", "\n\n  print(1)  \n\n", "a\r\nb\rc\n", "no end", "\t\n", ""]


def as_a_browser_sends(form: Any) -> dict[str, str]:
    """What a browser sends of a form that nobody touched: lines end in CRLF, and an unticked box is not there."""
    values = {name: form[name].value() for name in form.fields}
    shown = {name: "" if value is None else str(value) for name, value in values.items() if value is not False}
    return {name: re.sub(r"\r\n|\r|\n", "\r\n", text) for name, text in shown.items()}


@pytest.mark.parametrize("example", EXAMPLES)
def test_saving_what_nobody_changed_changes_nothing(admin_client: Client, python: Language, example: str) -> None:
    odd = {"example": example, "name": " Python ", "environment": {"B": "2", "A": "ü  "}, "aliases": ["py", "c++"]}
    Language.objects.update(**odd, run_command=["python3", "-c", " x\r\n", "{source}"], memory_mb=100)
    before = Language.objects.values().get()
    url = reverse("admin:languages_language_change", args=[python.pk])
    sent = as_a_browser_sends(admin_client.get(url).context["adminform"].form)
    assert admin_client.post(url, sent).status_code == 302
    assert Language.objects.values().get() == before
    assert not LogEntry.objects.exists()
    assert admin_client.post(url, sent | {"memory_mb": "200"}).status_code == 302
    now = Language.objects.values().get()
    assert now == before | {"memory_mb": 200, "updated_at": now["updated_at"]}
    assert LogEntry.objects.get().change_message == "memory_mb: 100 → 200"


def test_a_new_example_keeps_its_last_newline(admin_client: Client, python: Language) -> None:
    url = reverse("admin:languages_language_change", args=[python.pk])
    sent = as_a_browser_sends(admin_client.get(url).context["adminform"].form)
    assert admin_client.post(url, sent | {"example": "  print(2)\r\n\r\n"}).status_code == 302
    assert Language.objects.get().example == "  print(2)\n\n"


def act(client: Client, action: str, *languages: Language) -> str:
    data = {"action": action, "_selected_action": [language.pk for language in languages]}
    return client.post(reverse(LIST), data, follow=True).content.decode()


def test_languages_are_disabled_and_enabled(admin_client: Client, python: Language) -> None:
    assert "Python is disabled." in act(admin_client, "disable", python)
    assert not Language.objects.matching("python").enabled  # type: ignore[union-attr]  # it is there
    assert "Python is enabled." in act(admin_client, "enable", python)
    assert Language.objects.matching("python").enabled  # type: ignore[union-attr]  # it is there
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["Disabled.", "Enabled."]
    assert "Python was enabled already." in act(admin_client, "enable", python)
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("tested_as", "on_host", "message"),
    [
        ("", "sha256:1", "Its self-test has not passed yet"),
        ("sha256:1", "", "is not on the Docker host"),
        ("sha256:1", "sha256:2", "The image has changed since its self-test"),
    ],
)
@pytest.mark.usefixtures("python")
def test_only_what_was_tested_is_enabled(
    admin_client: Client, images: FakeImages, tested_as: str, on_host: str, message: str
) -> None:
    Language.objects.update(enabled=False, image_digest=tested_as, tested_at=timezone.now() if tested_as else None)
    holds(images, {"gexec/python": on_host} if on_host else {})
    python = Language.objects.get()
    assert message in act(admin_client, "enable", python)
    python.refresh_from_db()
    assert not python.enabled
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("enabled", "on_host", "badge"),
    [
        (True, "sha256:1", 'gexec-good">enabled<'),
        (True, "sha256:2", 'gexec-bad">image is gone<'),
        (True, "", 'gexec-bad">image is gone<'),
        (False, "sha256:1", 'gexec-warn">disabled<'),
        (False, "sha256:2", 'gexec-warn">not tested<'),
        (False, "", 'gexec-bad">no image<'),
    ],
)
@pytest.mark.usefixtures("python")
def test_the_list_shows_what_works(
    admin_client: Client, images: FakeImages, enabled: bool, on_host: str, badge: str
) -> None:
    Language.objects.update(enabled=enabled)
    holds(images, {"gexec/python": on_host} if on_host else {})
    page = admin_client.get(reverse(LIST)).content.decode()
    assert badge in page
    assert "60 s, 128 MB, 0.5 CPU" in page


def test_the_states_of_a_page_are_found_out_together(admin_client: Client, python: Language) -> None:
    def queries_of_the_list() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(reverse(LIST))
        return len(queries)

    of_one = queries_of_the_list()
    for number in range(5):
        Language.objects.create(slug=f"a{number}", name="A", image="a", source_file="a", run_command=["a"])
    assert queries_of_the_list() == of_one


def test_a_newer_image_waits_for_its_test(admin_client: Client, python: Language, images: FakeImages) -> None:
    holds(images, {"gexec/python": "sha256:new", "gexec/python:old": "sha256:1"})
    assert 'gexec-warn">enabled, image changed<' in admin_client.get(reverse(LIST)).content.decode()


def test_the_pages_work_without_docker(admin_client: Client, python: Language, images: FakeImages) -> None:
    images.failing = EngineUnavailable("connection refused")
    assert 'gexec-warn">enabled<' in admin_client.get(reverse(LIST)).content.decode()
    status = admin_client.get(reverse("admin:languages_language_status", args=[python.pk])).json()
    assert status["state"]["advice"] == "Docker does not answer: connection refused"
    assert "Python is disabled." in act(admin_client, "disable", python)
    assert "Connection refused" in act(admin_client, "enable", python)


def test_what_is_saved_all_the_same_is_said(admin_client: Client, python: Language) -> None:
    page = admin_client.post(reverse("admin:languages_language_add"), FORM, follow=True).content.decode()
    assert "The image example/ruby:3 is not on the Docker host: build or pull it." in page
    changed = FORM | {"slug": "python", "aliases": "", "image": "gexec/python"}
    url = reverse("admin:languages_language_change", args=[python.pk])
    page = admin_client.post(url, changed, follow=True).content.decode()
    assert "What was tested has changed: test it again." in page


def test_a_version_begins_as_a_copy(admin_client: Client, python: Language) -> None:
    url = reverse("admin:languages_language_add") + f"?from={python.pk}"
    form = admin_client.get(url).context["adminform"].form
    assert form["slug"].value() == "python@3.13.5"
    assert not form["aliases"].value()
    assert (form["image"].value(), form["run_command"].value()) == ("gexec/python", '["python3", "{source}"]')
    assert admin_client.get(reverse("admin:languages_language_add") + "?from=x").status_code == 200


def test_what_was_exported_is_imported_again(admin_client: Client, python: Language) -> None:
    python.example = 'print("""\\ é""")\n'
    python.excused = {"timeout": "it buffers, é"}
    python.environment, python.compile_memory_mb, python.version_command = {"A": "{cpus}"}, 200, ["python3", "-V"]
    python.save()
    exported = admin_client.get(reverse("admin:languages_language_export", args=[python.pk]))
    assert exported.headers["Content-Disposition"] == 'attachment; filename="python.toml"'
    python.delete()
    response = upload(admin_client, exported.content, "python.toml")
    again = Language.objects.get(slug="python")
    assert response.headers["Location"] == reverse("admin:languages_language_change", args=[again.pk])
    found = {"pk", "id", "version", "image_digest", "tested_at", "updated_at", "enabled"}
    for field in Language._meta.fields:
        if field.name not in found:
            assert getattr(again, field.name) == getattr(python, field.name), field.name
    assert (again.enabled, again.image_digest, again.tested_at, again.version) == (False, "", None, "")


def test_an_emptied_object_is_an_empty_one(admin_client: Client, python: Language) -> None:
    Language.objects.update(environment={"A": "b"}, excused={"sort": "slow"})
    url = reverse("admin:languages_language_change", args=[python.pk])
    sent = as_a_browser_sends(admin_client.get(url).context["adminform"].form)
    hidden = {"initial-environment": sent["environment"], "initial-excused": sent["excused"]}
    assert admin_client.post(url, sent | hidden | {"environment": "", "excused": ""}).status_code == 302
    python.refresh_from_db()
    assert (python.environment, python.excused) == ({}, {})


def upload(client: Client, content: bytes, name: str = "ruby.toml", **more: str) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("admin:languages_language_import"), {"file": file, **more})


RUBY = b'name = "Ruby"\nsource_file = "main.rb"\nrun = ["ruby", "{source}"]\n'


def test_the_folders_file_is_imported_under_a_name_of_its_own(admin_client: Client) -> None:
    upload(admin_client, RUBY, "language.toml", slug="ruby@3")
    ruby = Language.objects.get()
    assert (ruby.slug, ruby.image) == ("ruby@3", "gexec/ruby")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "ruby.toml", "name is missing"),
        (RUBY, "language.toml", "Say what requests call the language"),
        (RUBY, "Ruby 3.toml", "cannot name a language"),
        (RUBY, "py.toml", "already names python"),
        (RUBY + b"nothing = 1\n", "ruby.toml", "unknown: nothing"),
        (RUBY + b"[limits]\nenabled = 1\n", "ruby.toml", "unknown in [limits]: enabled"),
        (RUBY + b"[limits]\nmemory_mb = inf\n", "ruby.toml", "memory_mb must be a whole number"),
        (RUBY + b"[limits]\nmemory_mb = 100000\n", "ruby.toml", "at most 256 MB"),
        (RUBY + b"[limits]\npids = " + b"9" * 5000 + b"\n", "ruby.toml", "ruby.toml"),
        (RUBY + b"limits = 3\n", "ruby.toml", "must be a section"),
        (RUBY + b'environment = {A = "\\u0000"}\n', "ruby.toml", "A must be a text"),
        (RUBY + b"aliases = [1]\n", "ruby.toml", "aliases must be a list of texts"),
        (RUBY.replace(b'["ruby", "{source}"]', b'"ruby"'), "ruby.toml", "run must be a list of texts"),
        (RUBY.replace(b"{source}", b"{file}"), "ruby.toml", "is not a placeholder"),
        (RUBY + b"x = " + b"[" * 20_000, "ruby.toml", "ruby.toml"),
        (b"\xff\xfe", "ruby.toml", "not UTF-8"),
        (b"# " + b"x" * 65_536, "ruby.toml", "larger than 64 KiB"),
        (b"# " + b"x" * 3_000_000, "ruby.toml", "Choose a file of at most 64 KiB"),
    ],
)
def test_a_bad_file_is_explained(
    admin_client: Client, python: Language, content: bytes, name: str, message: str
) -> None:
    page = upload(admin_client, content, name)
    assert page.status_code == 200
    assert message in html.unescape(page.content.decode())
    assert Language.objects.count() == 1


def test_a_language_comes_from_the_catalogue(admin_client: Client, python: Language) -> None:
    url = reverse("admin:languages_language_catalogue")
    assert [folder.slug for folder in admin_client.get(url).context["folders"]].count("python") == 0
    admin_client.post(url, {"slug": "../base"})
    assert Language.objects.count() == 1
    admin_client.post(url, {"slug": "ruby"})
    ruby = Language.objects.get(slug="ruby")
    assert (ruby.enabled, ruby.version_command) == (False, ["ruby", "--version"])


PAGES = [
    ("get", "import", ()),
    ("get", "catalogue", ()),
    ("post", "task", ("test",)),
    ("post", "switch", (0,)),
]


@pytest.mark.parametrize(("method", "page", "more"), PAGES)
def test_who_may_only_look_changes_nothing(
    client: Client, python: Language, method: str, page: str, more: tuple[Any, ...]
) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_language"))
    client.force_login(viewer)
    args = [python.pk, *more] if more else []
    url = reverse(f"admin:languages_language_{page}", args=args)
    assert getattr(client, method)(url).status_code == 403
    assert client.get(reverse("admin:languages_language_change", args=[python.pk])).status_code == 200
    assert client.get(reverse("admin:languages_language_status", args=[python.pk])).status_code == 200
    assert client.get(reverse("admin:languages_language_export", args=[python.pk])).status_code == 200
    python.refresh_from_db()
    assert python.enabled


def test_buttons_need_a_form_of_ours(python: Language) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("operator"))
    url = reverse("admin:languages_language_switch", args=[python.pk, 0])
    assert strict.post(url).status_code == 403
    assert strict.get(url).status_code == 405
    assert strict.get(reverse("admin:languages_language_task", args=[python.pk, "test"])).status_code == 405
    python.refresh_from_db()
    assert python.enabled
