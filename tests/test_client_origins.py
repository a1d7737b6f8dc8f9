"""Pages of the origins that a client lists may call with its keys, whatever other pages the server allows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Http
from pytest_django.fixtures import Settings

from clients import authentication, origins
from clients.models import Client

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

PAGE, OTHER = "https://play.example.org", "https://evil.example"
EXECUTE, API = "/execute", "/api/v1/executions"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@pytest.fixture
def key() -> str:
    client = Client.objects.create(name="platform", origins=[PAGE])
    origins.listed.forget()
    text, _ = authentication.create_for(client, "page", publishable=True)
    return text


def post(path: str, key: str | None, origin: str) -> Any:
    headers = {"host": "localhost:8080", "origin": origin, "sec-fetch-site": "cross-site"}
    body = json.dumps({"language": "python", "source_code": "1"})
    return Http(headers=headers | ({"authorization": f"Bearer {key}"} if key else {})).post(
        path, body, "application/json"
    )


def preflight(path: str, origin: str) -> Any:
    return Http(headers={"host": "localhost:8080", "origin": origin, **ASKED}).options(path)


@pytest.mark.parametrize("path", [EXECUTE, API])
def test_a_page_of_the_client_asks_and_calls(key: str, path: str) -> None:
    asked = preflight(path, PAGE)
    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert {"authorization", "idempotency-key", "prefer"} <= set(asked["Access-Control-Allow-Headers"].split(", "))
    answer = post(path, key, PAGE)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert {"RateLimit", "X-Execution-Id"} <= set(answer["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize("path", [EXECUTE, API])
def test_pages_of_others_do_not(key: str, path: str) -> None:
    asked = preflight(path, OTHER)
    assert "Access-Control-Allow-Origin" not in asked
    assert "Vary" not in asked
    assert post(path, key, OTHER).status_code == 403


def test_without_a_key_the_servers_own_list_decides(key: str, settings: Settings) -> None:
    assert post(API, None, PAGE).status_code == 403
    settings.GEXEC_ALLOWED_ORIGINS = [PAGE]
    assert post(API, None, PAGE).status_code == 200


def test_neither_the_admin_nor_other_paths_are_opened(key: str) -> None:
    for path in ("/admin/login/", "/ping", "/metrics"):
        assert "Access-Control-Allow-Origin" not in preflight(path, PAGE)
    assert post("/admin/login/", key, PAGE).status_code == 403


def test_a_disabled_client_opens_nothing(key: str) -> None:
    Client.objects.update(enabled=False)
    origins.listed.forget()
    assert "Access-Control-Allow-Origin" not in preflight(API, PAGE)
    assert post(API, key, PAGE).status_code == 403


@pytest.mark.usefixtures("transactional_db")
def test_no_connection_is_held_after_the_question(key: str) -> None:
    connection.close()
    assert origins.lists(PAGE, API)
    assert connection.connection is None


def upgrade(origin: str, *tokens: str) -> int:
    """Of a WebSocket's handshake, which goes no further here: there is no socket to take over."""
    protocols = ["gexec.v1", *(f"{origins.TOKEN_PROTOCOL}{token}" for token in tokens)]
    headers = {"host": "localhost:8080", "origin": origin, "sec-websocket-protocol": ", ".join(protocols)}
    asks = {"upgrade": "websocket", "connection": "Upgrade"}
    return Http(headers=headers | asks).get("/api/v1/executions/ws").status_code


def test_a_websocket_is_opened_for_pages_of_a_client_with_a_key(key: str, settings: Settings) -> None:
    assert upgrade(PAGE, key) == 426
    assert upgrade(PAGE) == 403
    assert upgrade(OTHER, key) == 403
    assert upgrade("http://localhost:8080") == 426
    settings.GEXEC_ALLOWED_ORIGINS = [OTHER]
    assert upgrade(OTHER) == 426
    # Allowed by the server, and none of the client's.
    assert upgrade(OTHER, key) == 403
