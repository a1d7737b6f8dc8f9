"""A page of another origin runs nothing here unless its origin is allowed; whoever is no browser notices nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dispatch.testing import FakeBackend
from executions.models import Execution
from tests.conftest import StartServer

pytestmark = pytest.mark.usefixtures("rate_limit_off")
ALLOWED = "https://play.example.org"
BODY = json.dumps({"language": "python", "source_code": "print(1)"})


def post(path: str = "/execute", **headers: str) -> Any:
    return Client(headers={"host": "localhost:8080", **headers}).post(path, BODY, content_type="text/plain")


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
        {"origin": "http://localhost"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "localhost:8080"},
        {"origin": "https://evil.example", "sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site"},
        {"origin": f"{ALLOWED}.evil.example"},
    ],
)
def test_what_a_foreign_page_sends_is_refused(
    fake_backend: FakeBackend, settings: Any, headers: dict[str, str]
) -> None:
    settings.GEXEC_ALLOWED_ORIGINS = [ALLOWED]
    response = post(**headers)
    assert (response.status_code, response["Content-Type"]) == (403, "application/json")
    assert "GEXEC_ALLOWED_ORIGINS" in response.json()["error"]
    assert not fake_backend.jobs
    assert not Execution.objects.exists()
    problem = post("/api/v1/anything", **headers)
    assert (problem.status_code, problem.json()["code"]) == (403, "forbidden")
    assert post("/admin/login/", **headers).status_code == 403


@pytest.mark.usefixtures("python", "fake_backend")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8080"},
        {"origin": "https://localhost:8080"},
        {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin"},
        # A proxy that passes its own name on as Host.
        {"origin": "https://outside.example", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": ALLOWED, "sec-fetch-site": "cross-site"},
    ],
)
def test_everybody_else_is_served(settings: Any, headers: dict[str, str]) -> None:
    settings.GEXEC_ALLOWED_ORIGINS = [ALLOWED]
    assert post(**headers).status_code == 200


@pytest.mark.usefixtures("db")
def test_what_only_reads_is_answered_and_without_an_origin_nothing_says_cors() -> None:
    response = Client(headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"}).get("/ping")
    assert response.status_code == 200
    assert "Vary" not in response
    assert "Access-Control-Allow-Origin" not in response
    assert Client(headers={"origin": ALLOWED}).options("/execute").status_code == 405


def test_an_allowed_origin_is_told_so_by_a_server(server: StartServer) -> None:
    running = server(GEXEC_ALLOWED_ORIGINS=f"{ALLOWED},http://localhost:3000")
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
    preflight = running.request("/execute", method="OPTIONS", headers={"Origin": ALLOWED, **ask})
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
    body = {"language": "python", "source_code": "print(1)"}
    answer = running.request("/execute", body, headers={"Origin": ALLOWED})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, ALLOWED)
    assert "X-Execution-Id" in answer.headers["Access-Control-Expose-Headers"]
    evil = running.request("/execute", method="OPTIONS", headers={"Origin": "https://evil.example", **ask})
    assert "Access-Control-Allow-Origin" not in evil.headers
    assert running.request("/execute", body, headers={"Origin": "https://evil.example"}).status == 403
    admin = running.request("/admin/login/", headers={"Origin": ALLOWED})
    assert "Access-Control-Allow-Origin" not in admin.headers
