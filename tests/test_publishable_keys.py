"""A publishable key, which every reader of a page has, runs programs from the client's pages, and does nothing else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client as Http
from django.utils import timezone

from clients import authentication, embedding, origins
from clients.models import Client, Key
from clients.rights import Right
from executions.models import Execution
from pages.page import policy

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

API = "/api/v1/executions"
HOST = "localhost:8080"
PAGE, OTHER, OWN = "https://lessons.example.org", "https://evil.example", f"http://{HOST}"
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
    # With these another page could make its requests look like those of the server's own.
    allowed = asked["Access-Control-Allow-Headers"].lower()
    assert embedding.HEADER.lower() not in allowed
    assert "x-page-token" not in allowed
    answer = run(browser(key))
    assert (answer["Access-Control-Allow-Origin"], "Origin" in answer["Vary"].title()) == (PAGE, True)
    exposed = answer["Access-Control-Expose-Headers"]
    assert all(
        name in exposed for name in ("X-Execution-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Location")
    )
    assert "Access-Control-Allow-Origin" not in browser(origin=OTHER, **asks).options(API)


# The page in a frame


def embedded(key: str, **query: str) -> Any:
    return Http(headers={"host": HOST}).get("/embed", {"key": key, **query})


def data_of(page: Any) -> Any:
    found = re.search(r'<script id="data"[^>]*>(.*?)</script>', page.content.decode(), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_only_pages_of_the_client_may_frame_it(key: str, site: Client) -> None:
    Client.objects.update(origins=["https://b.example:8443", PAGE])
    page = embedded(key)
    assert page.status_code == 200
    assert page["Content-Security-Policy"] == policy(frame_ancestors=["https://b.example:8443", PAGE])
    assert "X-Frame-Options" not in page
    assert page["Cache-Control"] == "no-store"
    assert data_of(page)["origins"] == ["https://b.example:8443", PAGE]


def test_nothing_in_the_database_says_more_in_its_policy(key: str) -> None:
    Client.objects.update(origins=["https://a.example;script-src", "https://*", "https://a.example,x", PAGE])
    assert f"frame-ancestors {PAGE};" in embedded(key)["Content-Security-Policy"]


@pytest.mark.parametrize("kind", ["none", "wrong", "secret", "revoked", "disabled", "without origins", "nul"])
def test_without_a_publishable_key_there_is_no_page_and_no_frame(key: str, site: Client, kind: str) -> None:
    if kind == "secret":
        key, _ = authentication.create_for(site, "server")
    Key.objects.filter(publishable=True).update(revoked_at=timezone.now() if kind == "revoked" else None)
    Client.objects.update(enabled=kind != "disabled", origins=[] if kind == "without origins" else [PAGE])
    page = embedded({"none": "", "wrong": key[:-1] + "x", "nul": "gx_pub_\x00"}.get(kind, key))
    assert page.status_code == 404
    assert "needs a publishable key" in unescape(page.content.decode())
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/docs", "/examples/python", API, "/embed/", "/run"])
def test_nothing_else_can_be_framed(path: str) -> None:
    answer = Http(headers={"accept": "text/html"}).get(path)
    assert answer["X-Frame-Options"] == "DENY"


def test_what_stands_in_its_address_is_no_markup(key: str) -> None:
    page = embedded(key, lang="</script><script>alert(1)</script>", theme='"><img>')
    assert b"alert(1)" not in page.content
    assert page.content.count(b"<script") == 2


def test_its_requests_need_its_token(key: str, site: Client) -> None:
    """It reads without an Origin, and runs with the server's own."""
    token = data_of(embedded(key))["token"]
    other, _ = authentication.create_for(site, "page 2", publishable=True)
    secret, _ = authentication.create_for(site, "server")
    for origin in (OWN, None):
        assert run(browser(key, origin, **{"x-embed-token": token})).status_code == 200
        assert run(browser(key, origin)).json()["code"] == "forbidden_origin"
        for wrong in (f"{token}x", token[1:], "x", "", "\udcff", "x" * 10_000, ":::"):
            assert run(browser(key, origin, **{"x-embed-token": wrong})).json()["code"] == "forbidden_origin"
        assert run(browser(other, origin, **{"x-embed-token": token})).json()["code"] == "forbidden_origin"
    # It is for publishable keys, and no page of another origin can use it.
    assert run(browser(secret, OWN, **{"x-embed-token": token})).json()["code"] == "forbidden_origin"
    assert run(browser(key, OTHER, **{"x-embed-token": token})).status_code == 403
    Client.objects.update(networks=["203.0.113.0/24"])
    authentication.verified.clear()
    assert run(browser(key, OWN, **{"x-embed-token": token})).json()["code"] == "forbidden_origin"


def test_its_token_ends(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = data_of(embedded(key))["token"]
    monkeypatch.setattr("clients.embedding.LIFETIME_S", timedelta(seconds=-1).total_seconds())
    assert run(browser(key, OWN, **{"x-embed-token": token})).json()["code"] == "forbidden_origin"
