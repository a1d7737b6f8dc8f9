"""The admin adds, changes, enables and disables languages, explains what is wrong, and keeps the history."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from languages.models import Language

LIST = "admin:languages_language_changelist"
FORM = {
    "slug": "Ruby",
    "name": "Ruby",
    "aliases": "rb, Ruby3",
    "image": "example/ruby:3",
    "source_file": "main.rb",
    "compile_command": "[]",
    "run_command": '["ruby", "{source}"]',
    "environment": "{}",
    "timeout_ms": 5000,
    "max_timeout_ms": 10000,
    "compile_timeout_ms": 5000,
    "memory_mb": 128,
    "compile_memory_mb": "",
    "cpu_quota_us": 50000,
    "pids": 64,
    "output_bytes": 1000,
    "tmpfs_mb": 16,
    "runs_per_container": 1,
    "warm_min": 0,
    "warm_max": 1,
    "example": "",
}


def errors(response: Any) -> str:
    assert response.status_code == 200, "the form was accepted"
    return str(response.context["adminform"].form.errors)


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
        ({"run_command": "ruby main.rb"}, "valid JSON"),
        ({"memory_mb": 512}, "at most 256 MB"),
        ({"enabled": "on"}, "cannot be enabled before its image is there"),
        ({"timeout_ms": 20000}, "at most the longest time limit"),
        ({"warm_min": 3}, "must not be above"),
    ],
)
def test_what_is_wrong_is_explained(
    admin_client: Client, python: Language, changes: dict[str, Any], message: str
) -> None:
    assert message in errors(admin_client.post(reverse("admin:languages_language_add"), FORM | changes))


def test_history_tells_old_and_new_values(admin_client: Client, python: Language) -> None:
    form = FORM | {"slug": "python", "name": "Python", "aliases": "py", "enabled": "on", "memory_mb": 200}
    admin_client.post(reverse("admin:languages_language_change", args=[python.pk]), form)
    assert "memory_mb: 128 → 200" in LogEntry.objects.get().change_message
    assert Language.objects.matching("python").memory_mb == 200  # type: ignore[union-attr]  # it is there


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


def test_without_an_image_a_language_is_not_enabled(admin_client: Client, python: Language) -> None:
    Language.objects.update(enabled=False, image_digest="")
    page = act(admin_client, "enable", python)
    assert "Python: It cannot be enabled before its image is there" in page
    assert "no image" in page
    python.refresh_from_db()
    assert not python.enabled


def test_the_list_shows_what_works(admin_client: Client, python: Language, go: Language) -> None:
    Language.objects.filter(slug="go").update(enabled=False)
    page = admin_client.get(reverse(LIST)).content.decode()
    assert '<span class="gexec-badge gexec-good">enabled</span>' in page
    assert '<span class="gexec-badge gexec-warn">disabled</span>' in page
    assert "60 s, 128 MB, 0.5 CPU, 64 processes" in page
