"""/api/v1/batches: many executions at once, each refused for itself, followed, waited for and cancelled as one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import backlog
from executions.api import batches as api_batches
from executions.background import Background
from executions.models import Batch, Execution, Lane, Status
from languages.models import Language
from testkit.waiting import eventually
from tests.backlog_lab import running_rows

pytestmark = [pytest.mark.usefixtures("own_process", "rate_limit_off")]

URL = "/api/v1/batches"
ITEM: dict[str, Any] = {"source_code": "print(1)"}
PYTHON = {"language": "python"}


class Api:
    """A client with a key."""

    def __init__(self, name: str = "one") -> None:
        self.client = Client(headers={"Authorization": f"Api-Key {create(name)}"})

    def post(self, body: Any, path: str = "", **headers: str) -> Any:
        return self.client.post(URL + path, body, "application/json", headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(URL + path)


@pytest.fixture
def api(own_process: None) -> Api:
    return Api()


def test_a_batch_from_its_submission_to_its_end(
    python: Language, fake_backend: FakeBackend, running: Background, api: Api
) -> None:
    items = [ITEM | {"tags": {"who": str(number)}} for number in range(100)]
    response = api.post({"defaults": PYTHON | {"args": ["-v"]}, "items": items})
    made = response.json()
    assert (response.status_code, response["Location"]) == (202, f"{URL}/{made['id']}")
    assert (made["object"], [item["index"] for item in made["items"]]) == ("batch", list(range(100)))
    told = api.get(f"/{made['id']}?wait=60").json()
    assert (told["status"], told["counts"]) == (
        "finished", {"queued": 0, "running": 0, "finished": 100, "rejected": 0},
    )  # fmt: skip
    assert {item["status"] for item in told["items"]} == {"finished"}
    rows = list(Execution.objects.order_by("id"))
    assert [str(row.pk) for row in rows] == [item["id"] for item in made["items"]]
    assert Counter((row.lane, row.background, str(row.batch_id)) for row in rows) == {
        (Lane.BATCH, True, made["id"]): 100
    }
    assert [row.tags for row in rows] == [item["tags"] for item in items]
    assert fake_backend.jobs[0].steps[0].argv[-1] == "-v"


def test_an_item_that_is_refused_is_refused_alone(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    wrong: list[dict[str, Any]] = [
        {"language": "cobold"},
        {"source_code": 7},
        {"limits": {"wall_ms": 10**9}},
        {"wait": True},
        {"typo": 1},
    ]
    made = api.post({"defaults": PYTHON, "items": [ITEM, *(ITEM | each for each in wrong), ITEM]}).json()
    assert made["counts"] == {"queued": 2, "running": 0, "finished": 0, "rejected": 5}
    refused = [item["error"] for item in made["items"] if "error" in item]
    assert [(each["code"], each["errors"][0]["pointer"]) for each in refused] == [
        ("unsupported_language", "#/items/1/language"),
        ("invalid_field", "#/items/2/source_code"),
        ("limit_exceeded", "#/items/3/limits/wall_ms"),
        ("unknown_field", "#/items/4/wait"),
        ("unknown_field", "#/items/5/typo"),
    ]
    assert Execution.objects.count() == 2


def test_with_atomic_one_that_is_refused_has_all_refused(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    response = api.post({"defaults": PYTHON, "items": [ITEM, ITEM | {"typo": 1}], "atomic": True})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/items/1/typo")
    assert not Execution.objects.exists()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/items"),
        ({"items": []}, "#/items"),
        ({"items": [ITEM] * 101}, "#/items"),
        ({"items": {}}, "#/items"),
        ({"items": [1]}, "#/items/0"),
        ({"items": [ITEM], "defaults": []}, "#/defaults"),
        ({"items": [ITEM], "default": {}}, "#/default"),
        ({"items": [ITEM], "atomic": 1}, "#/atomic"),
    ],
)
def test_what_is_no_batch(python: Language, fake_backend: FakeBackend, api: Api, body: Any, pointer: str) -> None:
    problem = api.post(body).json()
    assert (problem["status"], problem["errors"][0]["pointer"]) == (400, pointer)


def test_defaults_that_are_too_large_for_so_many_items(
    python: Language, fake_backend: FakeBackend, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_batches, "MAX_EXPANDED_BYTES", 5000)
    large = PYTHON | {"stdin": "x" * 1000}
    assert api.post({"defaults": large, "items": [ITEM] * 4}).status_code == 202
    assert api.post({"defaults": large, "items": [ITEM] * 5}).status_code == 413


def test_one_of_which_nothing_was_accepted_has_ended(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    response = api.post({"items": [{}]}, **{"Idempotency-Key": "k"})
    assert (response.status_code, response.json()["status"], response.json()["counts"]["rejected"]) == (
        200, "finished", 1,
    )  # fmt: skip


def test_a_full_backlog_takes_nothing_of_it(
    python: Language, fake_backend: FakeBackend, api: Api, settings: Any
) -> None:
    backlog.forget()
    settings.GEXEC_CALLER_BACKLOG = 3
    assert api.post({"defaults": PYTHON, "items": [ITEM] * 4}).json()["code"] == "queue_full"
    assert not Execution.objects.exists()
    assert not Batch.objects.exists()


def test_each_item_counts_for_the_rate(python: Language, fake_backend: FakeBackend, settings: Any) -> None:
    settings.GEXEC_RATE_LIMIT = "5/m"
    for expected in (202, 429):
        response = Client().post(URL, {"defaults": PYTHON, "items": [ITEM] * 3}, "application/json")
        assert response.status_code == expected
    assert Execution.objects.count() == 3


def test_the_executions_come_along_where_they_are_asked_for(
    python: Language, fake_backend: FakeBackend, running: Background, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = api.post({"defaults": PYTHON, "items": [ITEM, {}, ITEM]}, "?wait=60&include=executions").json()
    first, refused, last = made["items"]
    assert first["execution"]["run"]["stdout"] == last["execution"]["run"]["stdout"] == "print(1)"
    assert "execution" not in refused
    monkeypatch.setattr(api_batches, "MAX_INCLUDED_BYTES", 8)
    _, _, last = api.get(f"/{made['id']}?include=executions").json()["items"]
    assert (last["execution"]["outcome"], "run" in last["execution"]) == ("ok", False)
    Execution.objects.filter(pk=last["id"]).delete()
    told = api.get(f"/{made['id']}?include=executions").json()
    assert (told["status"], told["items"][2]["status"], told["items"][2]["execution"]) == ("finished", "deleted", None)


def test_all_of_it_is_cancelled(python: Language, fake_backend: FakeBackend, running: Background, api: Api) -> None:
    python.run_command = ["sleep", "60"]
    python.save()
    Language.objects.forget_catalogue()
    made = api.post({"defaults": PYTHON, "items": [ITEM] * 30}).json()
    other = api.post({"defaults": PYTHON, "items": [ITEM]}).json()
    eventually(lambda: running_rows() >= 2)
    response = api.post({"reason": "enough"}, f"/{made['id']}/cancel")
    assert response.status_code in (200, 202)
    told = api.get(f"/{made['id']}?wait=30&include=executions").json()
    assert told["status"] == "finished"
    assert told["cancelled_at"]
    assert {item["execution"]["error"] for item in told["items"]} == {"execution cancelled: enough"}
    assert api.get(f"/{other['id']}").json()["status"] == "running"
    assert api.post({}, f"/{made['id']}/cancel").status_code == 200
    api.post({}, f"/{other['id']}/cancel")


def test_the_same_request_again_gives_the_same_batch(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    body = {"defaults": PYTHON, "items": [{}, ITEM, ITEM]}
    first, again = (api.post(body, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.json()["id"], first.get("Idempotency-Replayed")) == (again.json()["id"], None)
    assert again["Idempotency-Replayed"] == "true"
    assert Execution.objects.count() == 2
    assert api.post(body | {"atomic": True}, **{"Idempotency-Key": "k1"}).status_code in (400, 422)


def test_another_client_knows_of_none_and_a_token_opens_one(python: Language, fake_backend: FakeBackend) -> None:
    made = Client().post(URL, {"defaults": PYTHON, "items": [ITEM]}, "application/json").json()
    path = f"{URL}/{made['id']}"
    token = f"?access_token={made['access_token']}"
    assert [Api("two").get(f"/{made['id']}").status_code, Client().get(path).status_code] == [404, 404]
    assert Client().generic("POST", f"{path}/cancel").status_code == 404
    assert Client().get(path + token).json()["status"] == "running"
    assert Client().generic("POST", f"{path}/cancel{token}").json()["status"] == "finished"
    assert Execution.objects.get().status == Status.FINISHED
