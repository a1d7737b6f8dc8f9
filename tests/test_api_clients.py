"""GET /api/v1/me, and keys that a client makes and revokes itself, none with more rights than the one that makes it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Http
from django.utils import timezone

from clients import authentication
from clients.api import MAX_KEYS
from clients.authentication import create
from clients.models import Client, Key
from clients.rights import USUAL, Right
from clients.secrets import prefix_in
from rest.times import rfc3339

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

ME, KEYS = "/api/v1/me", "/api/v1/keys"
MANAGER = [*USUAL, Right.MANAGE_KEYS]


def ask(method: str, path: str, key: str | None, body: Any = None) -> Any:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return Http(headers=headers).generic(method, path, json.dumps(body) if body is not None else "", "application/json")


def test_who_calls() -> None:
    key = create("key", client="platform")
    Client.objects.update(executions_day=5, rate="60/m", languages=["python"], cap_wall_ms=1000)
    authentication.verified.clear()
    body = json.dumps({"language": "python", "source_code": "1"})
    assert ask("POST", "/execute", key, json.loads(body)).status_code == 200
    told = ask("GET", ME, key).json()
    assert (told["object"], told["client"]) == ("me", "platform")
    assert told["key"] == {
        "prefix": prefix_in(key), "name": "key", "rights": sorted(USUAL), "publishable": False, "expires_at": None,
    }  # fmt: skip
    assert (told["limits"]["rate"], told["limits"]["languages"]) == ("60/m", ["python"])
    assert told["limits"]["caps"] == {"wall_ms": 1000}
    quotas = {quota["name"]: quota for quota in told["quotas"]}
    assert set(quotas) == {"executions_day", "cpu_s_day", "cpu_s_month", "storage_bytes"}
    assert (quotas["executions_day"]["used"], quotas["executions_day"]["limit"]) == (1, 5)
    assert (quotas["cpu_s_month"]["used"], quotas["cpu_s_month"]["limit"]) == (0.004, None)
    assert quotas["cpu_s_month"]["resets_at"].endswith("-01T00:00:00.000Z")


@pytest.mark.parametrize("path", [ME, KEYS, "/api/v1/usage", f"{KEYS}/x"])
def test_nobody_is_told_nothing(path: str) -> None:
    response = ask("GET", path, None)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response["WWW-Authenticate"] == "Api-Key, Bearer"


def test_a_key_is_made_shown_once_used_and_revoked() -> None:
    manager = create("manager", client="a", rights=MANAGER)
    made = ask("POST", KEYS, manager, {"name": "second"})
    told = made.json()
    assert made.status_code == 201
    secret = told.pop("secret")
    assert told["id"] == prefix_in(secret)
    assert (told["object"], told["name"], told["rights"], told["publishable"]) == (
        "key",
        "second",
        sorted(USUAL),
        False,
    )
    assert (told["expires_at"], told["revoked_at"], told["last_used_at"]) == (None, None, None)
    assert ask("GET", ME, secret).json()["client"] == "a"
    single = ask("GET", f"{KEYS}/{told['id']}", manager)
    assert single.json() == told
    listed = ask("GET", KEYS, manager)
    assert [key["name"] for key in listed.json()["data"]] == ["second", "manager"]
    assert secret not in listed.content.decode() + single.content.decode()
    for _ in range(2):
        assert ask("DELETE", f"{KEYS}/{told['id']}", manager).status_code == 204
    assert ask("GET", ME, secret).status_code == 401
    revoked = ask("GET", f"{KEYS}/{told['id']}", manager).json()["revoked_at"]
    assert revoked is not None


def test_keys_are_rotated_by_a_second_one() -> None:
    first = create("one", client="a", rights=MANAGER)
    second = ask("POST", KEYS, first, {"name": "one", "rights": [right.value for right in MANAGER]}).json()["secret"]
    assert ask("DELETE", f"{KEYS}/{prefix_in(first)}", second).status_code == 204
    assert [ask("GET", ME, key).status_code for key in (first, second)] == [401, 200]


def test_without_the_right_keys_are_nobodys_business() -> None:
    key = create("a")
    for method, path in (("GET", KEYS), ("POST", KEYS), ("GET", f"{KEYS}/{prefix_in(key)}"), ("DELETE", f"{KEYS}/x")):
        response = ask(method, path, key, {"name": "x"} if method == "POST" else None)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden_right")


def test_no_key_gives_more_than_it_has() -> None:
    manager = create("a", rights=[Right.MANAGE_KEYS, Right.READ])
    for right in (Right.EXECUTE, Right.ADMIN, Right.SEE_HIDDEN):
        response = ask("POST", KEYS, manager, {"name": "x", "rights": ["read", right.value]})
        assert (response.status_code, response.json()["code"]) == (403, "forbidden_right"), right
    assert ask("POST", KEYS, manager, {"name": "x"}).json()["rights"] == ["read"]
    assert ask("POST", KEYS, manager, {"name": "x", "publishable": True}).json()["rights"] == ["read"]
    # What the client may not have, none of its keys has, whatever stands in its row.
    strong = create("b", rights=Right)
    Client.objects.filter(name="b").update(rights=["manage_keys", "read"])
    authentication.verified.clear()
    assert ask("POST", KEYS, strong, {"name": "x", "rights": ["execute"]}).status_code == 403
    assert Key.objects.filter(name="x").count() == 2


def test_a_publishable_key() -> None:
    manager = create("a", rights=MANAGER)
    told = ask("POST", KEYS, manager, {"name": "page", "publishable": True}).json()
    assert told["secret"].startswith("gx_pub_")
    assert told["rights"] == ["execute", "read", "stream"]
    refused = ask("POST", KEYS, manager, {"name": "page", "publishable": True, "rights": ["manage_keys"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/rights")


def test_a_key_that_expires() -> None:
    manager = create("a", rights=MANAGER)
    later = timezone.now() + timedelta(days=1)
    told = ask("POST", KEYS, manager, {"name": "x", "expires_at": rfc3339(later)}).json()
    assert told["expires_at"] == rfc3339(later)
    assert ask("GET", ME, told["secret"]).json()["key"]["expires_at"] == rfc3339(later)
    Key.objects.filter(prefix=told["id"]).update(expires_at=timezone.now())
    authentication.verified.clear()
    assert ask("GET", ME, told["secret"]).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "#/name", "missing_field"),
        ({"name": ""}, "#/name", "invalid_field"),
        ({"name": "x" * 51}, "#/name", "invalid_field"),
        ({"name": "x\x00"}, "#/name", "invalid_field"),
        ({"name": ["x"]}, "#/name", "invalid_field"),
        ({"name": 1119}, "#/name", "invalid_field"),
        ({"name": True}, "#/name", "invalid_field"),
        ({"name": "x", "publishable": "true"}, "#/publishable", "invalid_field"),
        ({"name": "x", "publishable": 1}, "#/publishable", "invalid_field"),
        ({"name": "x", "rights": ["fly"]}, "#/rights/0", "invalid_field"),
        ({"name": "x", "rights": "read"}, "#/rights", "invalid_field"),
        ({"name": "x", "expires_at": "soon"}, "#/expires_at", "invalid_field"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at", "invalid_field"),
        ({"name": "x", "publishable": "perhaps"}, "#/publishable", "invalid_field"),
        ({"name": "x", "client": "other"}, "#/client", "unknown_field"),
        ({"name": "x", "digest": "00"}, "#/digest", "unknown_field"),
    ],
)
def test_a_request_for_a_key_that_is_none(body: Any, pointer: str, code: str) -> None:
    told = ask("POST", KEYS, create("a", rights=MANAGER), body).json()
    assert (told["status"], told["code"], told["errors"][0]["pointer"]) == (400, code, pointer)


def test_a_client_has_a_bounded_number_of_keys() -> None:
    manager = create("a", rights=MANAGER)
    client = Client.objects.get()
    Key.objects.bulk_create(Key(prefix=f"k{number}", client=client, name="x") for number in range(MAX_KEYS - 1))
    response = ask("POST", KEYS, manager, {"name": "x"})
    assert (response.status_code, response.json()["code"]) == (400, "limit_exceeded")
    Key.objects.filter(prefix="k1").update(revoked_at=timezone.now())
    assert ask("POST", KEYS, manager, {"name": "x"}).status_code == 201


def test_the_list_of_keys_has_pages() -> None:
    manager = create("a", rights=MANAGER)
    for number in range(3):
        create(f"{number}", client="a")
    page = ask("GET", f"{KEYS}?limit=2", manager).json()
    rest = ask("GET", page["next"], manager).json()
    assert [key["name"] for key in page["data"] + rest["data"]] == ["2", "1", "0", "a"]
    assert ask("GET", f"{KEYS}?offset=2", manager).json()["code"] == "unknown_field"
