"""A client's history over the API: lists, the export, and what is deleted of it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from clients.models import Client as Tenant
from clients.models import Key
from clients.rights import Right
from clients.secrets import prefix_in
from dispatch.testing import FakeBackend
from executions import erasure, totals
from executions.models import CallerStorage, Erasure, Execution, ExecutionTag
from languages.models import Language
from rest.times import rfc3339
from sandbox.types import Outcome
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off", "fake_backend")

URL = "/api/v1/executions"


class Caller:
    """Somebody with a key."""

    def __init__(self, name: str, *rights: Right) -> None:
        key = create(name)
        if rights:
            Key.objects.filter(prefix=prefix_in(key)).update(rights=list(rights))
            Tenant.objects.filter(name=name).update(rights=list(rights))
        self.http = Client(headers={"authorization": f"Bearer {key}"})

    def run(self, **fields: Any) -> str:
        body = {"language": "python", "source_code": "print(1)"} | fields
        told: dict[str, Any] = self.http.post(URL, json.dumps(body), "application/json").json()
        return str(told["id"])

    def listed(self, query: str = "") -> list[str]:
        response = self.http.get(URL + query)
        assert response.status_code == 200, response.content
        return [each["id"] for each in response.json()["data"]]


@pytest.fixture
def mine(python: Language) -> Caller:
    return Caller("mine", *Right)


@pytest.fixture
def other(python: Language) -> Caller:
    return Caller("other", *Right)


def test_newest_first_and_only_ones_own(mine: Caller, other: Caller) -> None:
    first, second = mine.run(), mine.run()
    theirs = other.run()
    assert mine.listed() == [second, first]
    assert other.listed() == [theirs]
    assert Client().get(URL).status_code == 401


def test_pages_join_without_a_gap(mine: Caller) -> None:
    ids = [mine.run() for _ in range(5)]
    page = mine.http.get(f"{URL}?limit=2").json()
    found = []
    while True:
        found += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            assert page["next"] is None
            break
        page = mine.http.get(page["next"]).json()
    assert found == ids[::-1]


def test_summaries_have_nothing_that_was_printed(mine: Caller) -> None:
    mine.run()
    (told,) = mine.http.get(URL).json()["data"]
    assert not {"run", "compile", "limits", "tests", "files"} & told.keys()


def test_filters(mine: Caller, go: Language, fake_backend: FakeBackend) -> None:
    python, go_id = mine.run(), mine.run(language="go")
    fake_backend.behave = lambda _job: result(ran(outcome=Outcome.TIMEOUT_WALL))
    late = mine.run(tags={"interview": "42", "round": "1"})
    queued = mine.run(wait=False, tags={"interview": "42"})
    assert mine.listed("?language=go") == [go_id]
    assert mine.listed("?outcome=timeout_wall") == [late]
    assert mine.listed("?outcome=ok") == [go_id, python]
    assert mine.listed("?outcome=ok&language=python") == [python]
    assert mine.listed("?status=queued") == [queued]
    assert mine.listed("?status=finished") == [late, go_id, python]
    assert mine.listed("?status=queued&outcome=ok") == []
    assert mine.listed("?tag.interview=42") == [queued, late]
    assert mine.listed("?tag.interview=42&tag.round=1") == [late]
    assert mine.listed("?tag.interview=42&status=queued") == [queued]
    assert mine.listed("?tag.interview=43") == mine.listed("?verdict=passed") == []
    assert mine.listed("?door=api") == mine.listed()
    assert mine.listed("?door=piston") == []
    assert mine.listed("?language=python&status=queued") == [queued]
    moment = rfc3339(Execution.objects.get(pk=late).created_at).replace("+", "%2B")
    assert mine.listed(f"?created_after={moment}") == [queued, late]
    assert mine.listed(f"?created_before={moment}") == [go_id, python]


@pytest.mark.parametrize(
    "query",
    ["?wat=1", "?limit=0", "?limit=201", "?cursor=x", "?status=late", "?created_after=now", "?batch=1", "?language=%00",
     "?tag.a=%00", "?language=go&language=python", "?verdict=A"],
)  # fmt: skip
def test_what_no_list_takes(mine: Caller, query: str) -> None:
    response = mine.http.get(URL + query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"].startswith("#/")


def test_the_export_has_all_of_it(mine: Caller, other: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.history.EXPORTED_AT_ONCE", 2)
    ids = [mine.run(tags={"who": "=HYPERLINK()"}) for _ in range(5)]
    other.run()
    response = mine.http.get(f"{URL}/export")
    assert response["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.getvalue().splitlines()]
    assert [line["id"] for line in lines] == ids[::-1]
    assert (lines[0]["exit_code"], lines[0]["wall_ms"]) == (0, 5.0)
    text = mine.http.get(f"{URL}/export?format=csv&outcome=ok").getvalue().decode()
    assert text.count("\r\n") == 6
    assert text.startswith("id,status,outcome,")
    assert mine.http.get(f"{URL}/export?format=xml").status_code == 400


def test_a_cell_is_no_formula(mine: Caller, python: Language) -> None:
    mine.run()
    Execution.objects.update(language_version="=cmd|' /C calc'!A0")
    text = mine.http.get(f"{URL}/export?format=csv").getvalue().decode()
    assert "'=cmd" in text
    assert ",=cmd" not in text


def test_one_is_deleted_for_good(mine: Caller, other: Caller) -> None:
    gone, kept = mine.run(tags={"a": "b"}), mine.run()
    received = sum(each.received for each in totals.counts())
    assert other.http.delete(f"{URL}/{gone}").status_code == 404
    told = mine.http.delete(f"{URL}/{gone}").json()
    assert (told["what"], told["erased"], told["status"]) == ({"id": gone}, 1, "finished")
    assert mine.listed() == [kept]
    assert not ExecutionTag.objects.exists()
    assert mine.http.get(f"{URL}/{gone}").status_code == 404
    assert mine.http.get(f"/api/v1/erasures/{told['id']}").json() == told
    assert other.http.get(f"/api/v1/erasures/{told['id']}").status_code == 404
    assert sum(each.received for each in totals.counts()) == received


def test_what_is_open_is_not_deleted(mine: Caller) -> None:
    response = mine.http.delete(f"{URL}/{mine.run(wait=False)}")
    assert (response.status_code, response.json()["code"]) == (409, "not_ended")


def test_all_with_a_tag_are_erased(mine: Caller, other: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "_AT_ONCE", 2)
    for _ in range(5):
        mine.run(tags={"candidate": "7"})
    kept, theirs = mine.run(tags={"candidate": "8"}), other.run(tags={"candidate": "7"})
    response = mine.http.post(f"{URL}/erase", json.dumps({"tag.candidate": "7"}), "application/json")
    assert (response.status_code, response.json()["status"]) == (202, "running")
    assert erasure.carry_out(threading.Event()) == 5
    told = mine.http.get(response["Location"]).json()
    assert (told["erased"], told["status"]) == (5, "finished")
    assert (mine.listed(), other.listed()) == ([kept], [theirs])


def test_an_erasure_waits_for_what_is_open(mine: Caller) -> None:
    queued = mine.run(wait=False, tags={"candidate": "7"})
    mine.http.post(f"{URL}/erase", json.dumps({"tag.candidate": "7"}), "application/json")
    assert erasure.carry_out(threading.Event()) == 0
    Execution.objects.filter(pk=queued).update(status="rejected", error="x", finished_at="2026-01-01T00:00Z")
    assert erasure.carry_out(threading.Event()) == 1
    assert erasure.carry_out(threading.Event()) == 0
    assert Erasure.objects.get().finished_at is not None


def test_a_turn_that_is_over_begins_no_other_erasure(mine: Caller) -> None:
    for candidate in ("7", "8"):
        mine.run(tags={"candidate": candidate})
        mine.http.post(f"{URL}/erase", json.dumps({"tag.candidate": candidate}), "application/json")
    over = threading.Event()
    over.set()
    assert erasure.carry_out(over) == 0
    assert erasure.carry_out(threading.Event()) == 2


@pytest.mark.parametrize("body", [{}, {"interview": "1"}, {"tag.": "1"}, {"tag.a": 1}, {"tag.a": "1", "tag.b": "2"}])
def test_what_cannot_be_erased(mine: Caller, body: dict[str, Any]) -> None:
    assert mine.http.post(f"{URL}/erase", json.dumps(body), "application/json").status_code == 400
    assert not Erasure.objects.exists()


def test_deleting_needs_a_right(python: Language) -> None:
    usual = Caller("usual")
    made = usual.run()
    for response in (
        usual.http.delete(f"{URL}/{made}"),
        usual.http.post(f"{URL}/erase", '{"tag.a": "b"}', "application/json"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "forbidden_right")


@pytest.mark.parametrize("store", ["no_code", "nothing"])
def test_nothing_is_kept_of_what_was_sent_or_printed(mine: Caller, fake_backend: FakeBackend, store: str) -> None:
    fake_backend.behave = lambda _job: result(ran(b"CANARY-out", stderr=b"CANARY-err", detail="CANARY-detail"))
    body = {
        "language": "python", "store": store, "stdin": "CANARY-in", "args": ["CANARY-arg"], "env": {"A": "CANARY-env"},
        "files": [{"name": "main.py", "content": "CANARY"}, {"name": "CANARY.txt", "content": "CANARY"}],
        "tags": {"who": "CANARY-tag" if store == "nothing" else "her"},
    }  # fmt: skip
    told = mine.http.post(URL, json.dumps(body), "application/json").json()
    assert told["run"]["stdout"] == "CANARY-out"
    row = Execution.objects.get()
    assert "CANARY" not in str(row.__dict__)
    assert not any(b"CANARY" in bytes(value) for value in (row.stdin, row.output))
    again = mine.http.get(f"{told['links']['self']}?include=source,output").json()
    assert "CANARY" not in json.dumps(again)
    assert (again["stored"], again["run"]["stdout_truncated"], again["run"]["wall_ms"]) == (store, True, 5.0)
    assert mine.listed("?tag.who=her") == ([told["id"]] if store == "no_code" else [])
    assert not CallerStorage.objects.exists()
