"""API keys: optional by default, checked where sent, and the owner of what is kept for reuse."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients import authentication
from clients.models import Key
from clients.secrets import prefix_in
from dispatch.testing import FakeBackend
from executions.models import Execution
from languages.models import Language

pytestmark = pytest.mark.usefixtures("rate_limit_off")


def post(authorization: str | None = None) -> Any:
    headers = {} if authorization is None else {"authorization": authorization}
    body = json.dumps({"language": "python", "source_code": "x"})
    return Client(headers=headers).post("/execute", body, "application/json")


def make_key(name: str = "interviews") -> str:
    out = StringIO()
    call_command("create_api_key", name, stdout=out)
    return out.getvalue().splitlines()[-1]


def test_without_a_key(python: Language, fake_backend: FakeBackend) -> None:
    assert post().status_code == 200
    assert fake_backend.tenants == [None]


def test_the_owner_is_the_public_part_of_the_key(python: Language, fake_backend: FakeBackend) -> None:
    key = make_key()
    assert post(f"Api-Key {key}").status_code == 200
    assert fake_backend.tenants == [prefix_in(key)]
    row = Execution.objects.get()
    assert (row.api_key_id, row.client_id) == Key.objects.values_list("prefix", "client_id").get()
    assert key not in str(row.__dict__)


@pytest.mark.parametrize("scheme", ["Api-Key", "api-key", "Bearer", "bearer"])
def test_a_key_by_either_scheme(python: Language, fake_backend: FakeBackend, scheme: str) -> None:
    key = make_key()
    assert post(f"{scheme} {key}").status_code == 200
    assert fake_backend.tenants == [prefix_in(key)]


@pytest.mark.parametrize("authorization", ["Api-Key x.y", "Api-Key", "Bearer x", "Basic eDp5", "", "Api-Key \x00"])
def test_a_key_that_is_not_valid(python: Language, fake_backend: FakeBackend, authorization: str) -> None:
    response = post(authorization)
    assert (response.status_code, response.json()) == (401, {"error": "invalid API key"})
    assert response["WWW-Authenticate"] == "Api-Key"
    assert Execution.objects.get(pk=response["X-Execution-Id"]).error == "invalid API key"


def test_a_revoked_key(python: Language, fake_backend: FakeBackend) -> None:
    key = make_key()
    assert post(f"Api-Key {key}").status_code == 200
    Key.objects.update(revoked_at=timezone.now())
    authentication.verified.clear()  # as after REMEMBERED_S
    assert post(f"Api-Key {key}").status_code == 401


def test_a_key_is_looked_up_once_a_second(python: Language, fake_backend: FakeBackend) -> None:
    key = make_key()
    assert post(f"Api-Key {key}").status_code == 200
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert post(f"Api-Key {key}").status_code == 200
    assert not [query for query in queries.captured_queries if "clients_key" in query["sql"]]


def test_a_key_may_be_required(python: Language, fake_backend: FakeBackend, settings: Any) -> None:
    settings.GEXEC_REQUIRE_API_KEY = True
    response = post()
    assert response.status_code == 401
    assert response.json() == {"error": "an API key is required: Authorization: Api-Key …"}
    assert post(f"Api-Key {make_key()}").status_code == 200


def test_a_method_that_there_is_not_asks_for_no_key(db: None, settings: Any) -> None:
    settings.GEXEC_REQUIRE_API_KEY = True
    for authorization in ({}, {"authorization": "Api-Key x"}):
        assert Client(headers=authorization).get("/execute").status_code == 405
    assert Client().get("/ping").status_code == Client().get("/metrics").status_code == 200


@pytest.mark.parametrize("name", ["", "  ", "x" * 51])
def test_a_key_needs_a_name(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="1 to 50"):
        make_key(name)


@pytest.mark.parametrize(
    ("has_key", "timeout_ms", "status"),
    [(False, 60_000, 200), (False, 60_001, 400), (True, 60_001, 200), (True, 300_000, 200), (True, 300_001, 400)],
)
def test_a_key_may_ask_for_longer(
    python: Language,
    fake_backend: FakeBackend,
    has_key: bool,
    timeout_ms: int,
    status: int,
) -> None:
    headers = {"Authorization": f"Api-Key {make_key()}"} if has_key else {}
    body = json.dumps({"language": "python", "source_code": "x", "timeout_ms": timeout_ms})
    response = Client().post("/execute", body, "application/json", headers=headers)
    assert response.status_code == status
    if status == 400:
        longest_ms = 300_000 if has_key else 60_000
        assert response.json() == {"error": f"timeout_ms must be between 1 and {longest_ms}"}


def test_the_default_is_no_longer_than_what_may_be_asked_for(
    python: Language, fake_backend: FakeBackend, settings: Settings
) -> None:
    settings.GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY = 5_000
    body = json.dumps({"language": "python", "source_code": "x"})
    assert Client().post("/execute", body, "application/json").status_code == 200
    assert fake_backend.jobs[0].steps[-1].limits.wall_ms == 5_000
