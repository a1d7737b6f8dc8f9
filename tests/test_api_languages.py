"""GET /api/v1/languages lists what programs can be written in, and is cheap to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.testing import FakeBackend
from languages import programs
from languages.models import Language
from sandbox.types import WarmTarget

LANGUAGES = "/api/v1/languages"
pytestmark = pytest.mark.usefixtures("fake_backend", "rate_limit_off")


@pytest.fixture
def old_python(python: Language) -> Language:
    """A second version of Python."""
    python.refresh_from_db()
    old = Language.objects.get(pk=python.pk)
    old.pk, old.slug, old.aliases, old.version = None, "python@3.11", ["py311"], "3.11.9"
    old.save(force_insert=True)
    return old


def get(path: str = LANGUAGES, **headers: str) -> Any:
    return Client().get(path, headers=headers)


def execute(language: str) -> Any:
    body = {"language": language, "source_code": "1"}
    return Client().post("/execute", body, content_type="application/json")


def problem(response: Any) -> Mapping[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    found: Mapping[str, Any] = response.json()
    assert found["status"] == response.status_code
    return found


def test_the_list_has_everything_a_client_needs(python: Language, go: Language) -> None:
    Language.objects.filter(slug="go").update(enabled=False)
    python.example = "print(1)\n"
    python.save()
    assert get().json() == {
        "languages": [
            {
                "slug": "python",
                "name": "Python",
                "aliases": ["py"],
                "version": "Python 3.13.5",
                "versions": [{"slug": "python", "version": "Python 3.13.5"}],
                "source_file": "main.py",
                "compile_args": [],
                "example": "print(1)\n",
                "limits": {
                    "timeout_ms": 60000,
                    "max_timeout_ms": 300000,
                    "memory_mb": 128,
                    "cpu_quota_us": 50000,
                    "processes": 128,
                    "output_bytes": 1048576,
                    "tmpfs_mb": 64,
                },
                "warm": False,
                "isolation": "container",
            }
        ]
    }


def test_one_language_is_found_by_slug_alias_and_version(python: Language, old_python: Language) -> None:
    for name in ("python", "PY", "python@3.13", "py@3", "python@3.13.5"):
        assert get(f"{LANGUAGES}/{name}").json()["slug"] == "python", name
    for name in ("python@3.11", "py311", "py@3.11.9"):
        assert get(f"{LANGUAGES}/{name}").json()["slug"] == "python@3.11", name
    versions = [{"slug": "python", "version": "Python 3.13.5"}, {"slug": "python@3.11", "version": "3.11.9"}]
    assert get(f"{LANGUAGES}/py311").json()["versions"] == versions


def test_the_arguments_that_a_compiler_may_be_given_are_told(go: Language) -> None:
    go.compile_args = ["-tags=*"]
    go.save()
    assert get(f"{LANGUAGES}/go").json()["compile_args"] == []
    go.compile_command = ["gobuild", "{compile_args}"]
    go.save()
    assert get(f"{LANGUAGES}/go").json()["compile_args"] == ["-tags=*"]


def test_a_name_with_signs_is_found(python: Language) -> None:
    python.aliases = ["c++", "c#"]
    python.save()
    assert get(f"{LANGUAGES}/c++").json()["slug"] == get(f"{LANGUAGES}/c%23").json()["slug"] == "python"


def test_warm_is_what_the_backend_says(python: Language, fake_backend: FakeBackend) -> None:
    assert get(f"{LANGUAGES}/python").json()["warm"] is False
    fake_backend.keep_warm({programs.profile_of(python): WarmTarget(1, 1)})
    assert get(f"{LANGUAGES}/python").json()["warm"] is True


def test_an_unchanged_list_is_not_sent_again(python: Language) -> None:
    first = get()
    assert first.headers["Cache-Control"] == "no-cache"
    again = get(if_none_match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    python.memory_mb = 64
    python.save()
    changed = get(if_none_match=first.headers["ETag"])
    assert (changed.status_code, changed.json()["languages"][0]["limits"]["memory_mb"]) == (200, 64)


def test_head_is_get_without_the_body(python: Language) -> None:
    head = Client().head(LANGUAGES)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", get().headers["ETag"])


def test_the_database_is_not_asked(python: Language) -> None:
    get()
    with CaptureQueriesContext(connection) as queries:
        assert get().status_code == get(f"{LANGUAGES}/py").status_code == 200
    assert len(queries) == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", f"{LANGUAGES}/ruby", 404, "not_found"),
        ("get", f"{LANGUAGES}/python@2.7", 404, "not_found"),
        ("get", f"{LANGUAGES}/{'x' * 3000}", 404, "not_found"),
        ("get", f"{LANGUAGES}/%00", 404, "not_found"),
        ("get", f"{LANGUAGES}/", 404, "not_found"),
        ("post", "/api/v1/nothing", 404, "not_found"),
        ("get", "/api/v1/", 404, "not_found"),
        ("post", LANGUAGES, 405, "method_not_allowed"),
        ("delete", f"{LANGUAGES}/python", 405, "method_not_allowed"),
    ],
)
def test_an_error_is_a_problem_with_a_code(python: Language, method: str, path: str, status: int, code: str) -> None:
    response = getattr(Client(), method)(path)
    found = problem(response)
    assert (response.status_code, found["code"]) == (status, code)
    assert found["detail"]


def test_a_key_is_asked_for_where_keys_are_required(python: Language, settings: Any) -> None:
    settings.GEXEC_REQUIRE_API_KEY = True
    response = get()
    assert (response.status_code, problem(response)["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Api-Key, Bearer"


def test_execute_takes_a_version(python: Language, old_python: Language, fake_backend: FakeBackend) -> None:
    assert execute("python@3.13").status_code == execute("py@3.11").status_code == 200


def test_execute_says_which_versions_there_are(python: Language, old_python: Language) -> None:
    refused = execute("python@2.7")
    assert refused.status_code == 400
    assert refused.json() == {
        "error": "unsupported language: python@2.7; versions that are: python (Python 3.13.5), python@3.11 (3.11.9)"
    }


def test_a_disabled_language_is_one_that_is_not_there(python: Language, go: Language) -> None:
    go.enabled = False
    go.save()
    assert execute("go").json() == {"error": "unsupported language: go"}
    assert execute("go@1.24").json() == {"error": "unsupported language: go@1.24"}
    assert problem(get(f"{LANGUAGES}/go"))["detail"] == "unsupported language: go"


def test_a_disabled_version_gives_way_to_an_enabled_one(python: Language, old_python: Language) -> None:
    python.enabled = False
    python.save()
    assert get(f"{LANGUAGES}/py@3").json()["slug"] == "python@3.11"
    assert execute("python").json() == {
        "error": "unsupported language: python; versions that are: python@3.11 (3.11.9)"
    }
