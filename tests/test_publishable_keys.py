"""A publishable key, which every reader of a page has, runs programs from the client's pages, and does nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client as Http

from clients import authentication, origins
from clients.models import Client
from clients.rights import Right
from executions.models import Execution

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

API = "/api/v1/executions"
HOST = "localhost:8080"
PAGE, OTHER = "https://lessons.example.org", "https://evil.example"
HOOK = "https://hooks.example.org/here"


@pytest.fixture
def site() -> Client:
    client = Client.objects.create(name="site", origins=[PAGE], rights=list(Right))
    origins.listed.forget()
    return client


@pytest.fixture
def key(site: Client) -> str:
    return authentication.create_for(site, "page", publishable=True)[0]


def browser(key: str = "", origin: str | None = PAGE, **headers: str) -> Http:
    """What a page of this origin sends with its reader's browser."""
    sent = {"host": HOST, **({"origin": origin} if origin else {}), **headers}
    return Http(headers=sent | ({"authorization": f"Bearer {key}"} if key else {}))


def run(http: Http, **fields: Any) -> Any:
    body = {"language": "python", "source_code": "1", **fields}
    return http.post(API, json.dumps(body), "application/json")


def test_it_is_refused_without_an_origin_and_with_anothers(key: str) -> None:
    assert run(browser(key)).status_code == 200
    assert run(browser(key, None)).json()["code"] == "forbidden_origin"
    for foreign in (OTHER, "null", PAGE.upper(), f"{PAGE}.evil.example", f"{PAGE}:444", "http://lessons.example.org"):
        assert run(browser(key, foreign)).status_code == 403, foreign


def test_it_names_no_webhook(key: str) -> None:
    """Else every reader could have anything sent anywhere with the client's signature."""
    refused = run(browser(key), webhook_url=HOOK)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/webhook_url")
    batch = {"items": [{"language": "python", "source_code": "1"}], "webhook_url": HOOK}
    assert browser(key).post("/api/v1/batches", json.dumps(batch), "application/json").status_code == 400
    assert not Execution.objects.exists()


@pytest.mark.parametrize("wait", [True, False])
def test_it_reads_no_file_of_the_client(key: str, site: Client, wait: bool) -> None:
    secret, _ = authentication.create_for(site, "server")
    stored = Http(headers={"authorization": f"Bearer {secret}"}).put("/api/v1/files", "42", "text/plain").json()["id"]
    told = [
        run(browser(key), stdin={"file": each}, wait=wait) for each in (stored, f"sha256:{'0' * 64}")
    ]  # Nor does it tell whether the client has one.
    assert [(each.status_code, each.json()["code"]) for each in told] == [(422, "file_missing")] * 2
    assert run(Http(headers={"authorization": f"Bearer {secret}"}), stdin={"file": stored}).status_code == 200


def test_hidden_tests_stay_hidden(key: str, site: Client) -> None:
    secret, _ = authentication.create_for(site, "server")
    hidden = {"tests": [{"name": "h", "hidden": True, "stdin": "x-4711", "expected_stdout": "y-4711"}]}
    answer = run(Http(headers={"authorization": f"Bearer {secret}"}), **hidden)
    told = run(browser(key), **hidden)
    assert "y-4711" not in told.content.decode()
    assert "first_difference" not in told.json()["tests"][0]
    # One of the client's own, and another reader's.
    for execution in (answer.json()["id"], told.json()["id"]):
        for path in ("", "/events", "/artifacts/a"):
            assert browser(key).get(f"{API}/{execution}{path}").status_code == 404
        assert browser(key).post(f"{API}/{execution}/cancel", "{}", "application/json").status_code == 404
    wrong = browser(key, **{"x-access-token": told.json()["access_token"]}).get(f"{API}/{answer.json()['id']}")
    assert wrong.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", API), ("get", f"{API}/export"), ("get", "/api/v1/usage"), ("get", "/api/v1/keys"),
        ("post", "/api/v1/keys"),
        ("put", "/api/v1/files"), ("get", f"/api/v1/files/sha256:{'0' * 64}"), ("post", "/api/v1/files/check"),
        ("get", "/api/v1/webhooks"), ("post", "/api/v1/webhooks"), ("get", "/api/v1/webhooks/secret"),
        ("post", f"{API}/erase"), ("post", f"{API}/cancel"),
    ],
    ids=lambda value: value.replace("/", "_"),
)  # fmt: skip
def test_all_else_is_refused(key: str, method: str, path: str) -> None:
    answer = browser(key).generic(method.upper(), path, "{}", "application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_right")


def test_what_a_browser_asks_before(key: str) -> None:
    """It is told exactly one origin, and may remember that for a day."""
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    asked = browser(**asks).options(API)
    assert asked["Access-Control-Allow-Origin"] == PAGE
    assert "Origin" in asked["Vary"].title()
    assert int(asked["Access-Control-Max-Age"]) >= 7_200
    assert "Access-Control-Allow-Credentials" not in asked
    assert "access-control-allow-headers" in asked
    # With it another page could make its requests look like those of the server's own.
    allowed = asked["Access-Control-Allow-Headers"].lower()
    assert "x-page-token" not in allowed
    answer = run(browser(key))
    assert (answer["Access-Control-Allow-Origin"], "Origin" in answer["Vary"].title()) == (PAGE, True)
    exposed = answer["Access-Control-Expose-Headers"]
    assert all(
        name in exposed for name in ("X-Execution-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Location")
    )
    assert "Access-Control-Allow-Origin" not in browser(origin=OTHER, **asks).options(API)
