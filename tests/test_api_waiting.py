"""/api/v1/executions: an answer that waits or not, cancelling one or all with a tag, and where a queued one stands."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import accept, backlog, waiting
from executions.background import Background
from executions.live.watchers import watchers
from executions.models import Execution, Status
from executions.outcomes import Outcome
from executions.submission import Origin
from languages.models import Language
from testkit.waiting import eventually
from tests.backlog_lab import running_rows, submission

pytestmark = [pytest.mark.usefixtures("own_process", "rate_limit_off")]

URL = "/api/v1/executions"
PROGRAM = {"language": "python", "source_code": "print(1)"}


class Api:
    """A client with a key."""

    def __init__(self, name: str = "one") -> None:
        key = create(name)
        self.client = Client(headers={"Authorization": f"Api-Key {key}"})

    def post(self, path: str = "", body: Any = PROGRAM, **headers: str) -> Any:
        return self.client.post(URL + path, body, "application/json", headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(URL + path, headers=headers)


@pytest.fixture
def api(transactional_db: None) -> Api:
    return Api()


@pytest.fixture
def asleep(python: Language) -> Language:
    """Its programs sleep for a minute."""
    python.run_command = ["sleep", "60"]
    python.save()
    Language.objects.forget_catalogue()
    return python


def ended() -> Counter[tuple[str, str]]:
    return Counter(Execution.objects.values_list("status", "outcome"))


def test_an_answer_that_waits_some_seconds(python: Language, running: Background, api: Api) -> None:
    for response in (api.post(body=PROGRAM | {"wait": 30}), api.post(Prefer="wait=30")):
        assert (response.status_code, response.json()["outcome"]) == (200, "ok")
    assert response["Preference-Applied"] == "wait=30"
    assert {row.background for row in Execution.objects.all()} == {True}


def test_one_that_takes_longer_is_waited_for_again(asleep: Language, running: Background, api: Api) -> None:
    response = api.post(body=PROGRAM | {"wait": 0.2})
    made = response.json()
    assert (response.status_code, response["Retry-After"], response["Location"]) == (202, "1", made["links"]["self"])
    eventually(lambda: running_rows() == 1)
    again = api.get(f"/{made['id']}?wait=0")
    assert (again.status_code, again.json()["status"], again.json()["queue"]) == (200, "running", None)
    same = api.get(f"/{made['id']}", **{"If-None-Match": again["ETag"]})
    assert same.status_code == 304
    threading.Timer(0.3, lambda: api.post(f"/{made['id']}/cancel", {})).start()
    last = api.get(f"/{made['id']}?wait=30")
    assert (last.json()["status"], last.json()["outcome"]) == ("finished", "cancelled")
    assert last["ETag"] != again["ETag"]


@pytest.mark.parametrize("wait", ["-1", "301", "1.5", "x", ""])
def test_a_wait_that_is_none(python: Language, api: Api, wait: str) -> None:
    problem = api.get(f"/{uuid.uuid4()}?wait={wait}").json()
    assert (problem["status"], problem["errors"][0]["pointer"]) == (400, "#/wait")


def test_a_queued_one_tells_where_it_stands(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    backlog.forget()
    places = [api.post(body=PROGRAM | {"wait": False}).json()["queue"] for _ in range(2)]
    assert places[0]["position"] == 0
    assert places[0]["estimate_ms"] > 0
    backlog.forget()
    (first, second) = Execution.objects.order_by("id")
    assert api.get(f"/{second.pk}").json()["queue"]["position"] == 1
    assert api.get(f"/{first.pk}").json()["queue"]["position"] == 0


def test_a_full_backlog_is_told(python: Language, fake_backend: FakeBackend, api: Api, settings: Any) -> None:
    backlog.forget()
    settings.GEXEC_CALLER_BACKLOG = 1
    api.post(body=PROGRAM | {"wait": False})
    response = api.post(body=PROGRAM | {"wait": False})
    assert (response.status_code, response.json()["code"], response["Retry-After"]) == (429, "queue_full", "5")
    assert Execution.objects.count() == 1


def test_cancelling_what_waits(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    made = api.post(body=PROGRAM | {"wait": False}).json()
    response = api.post(made["links"]["cancel"].removeprefix(URL), {"reason": "the interview is over"})
    told = response.json()
    assert (response.status_code, told["status"], told["outcome"]) == (200, "finished", "cancelled")
    assert (told["error"], told["started_at"]) == ("execution cancelled: the interview is over", None)
    again = api.post(f"/{made['id']}/cancel", {"reason": "another"})
    assert (again.status_code, again.json()["error"]) == (200, told["error"])


def test_cancelling_what_runs_keeps_it_from_nothing_else(
    asleep: Language,
    fake_backend: FakeBackend,
    running: Background,
    api: Api,
) -> None:
    ids = [api.post(body=PROGRAM | {"wait": False}).json()["id"] for _ in range(2)]
    eventually(lambda: running_rows() == 2)
    began = time.monotonic()
    response = api.client.generic("POST", f"{URL}/{ids[0]}/cancel")
    assert (response.status_code, response.json()["outcome"]) == (200, "cancelled")
    assert response.json()["error"] == "execution cancelled: on request"
    assert time.monotonic() - began < 5
    assert Execution.objects.get(pk=ids[1]).status == Status.RUNNING
    api.post(f"/{ids[1]}/cancel", {})


def test_one_that_another_process_does_not_end_yet(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    made = api.post(body=PROGRAM | {"wait": False}).json()
    Execution.objects.update(worker=uuid.uuid4())
    response = api.post(f"/{made['id']}/cancel", {})
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert Execution.objects.get().cancel_cause == "on request"


@pytest.mark.parametrize("body", [{"reason": 1}, {"reason": "x" * 201}, {"reason": "\x00"}, {"why": "x"}])
def test_a_reason_that_is_none(python: Language, fake_backend: FakeBackend, api: Api, body: Any) -> None:
    made = api.post(body=PROGRAM | {"wait": False}).json()
    assert api.post(f"/{made['id']}/cancel", body).status_code == 400
    assert Execution.objects.get().cancel_cause is None


def test_another_client_cancels_nothing(python: Language, fake_backend: FakeBackend, api: Api) -> None:
    tagged = PROGRAM | {"wait": False, "tags": {"interview": "42"}}
    made = api.post(body=tagged).json()
    stranger = Api("two")
    assert stranger.post(f"/{made['id']}/cancel", {}).status_code == 404
    assert stranger.post("/cancel", {"tag.interview": "42"}).json() == {"cancelled": 0}
    assert Client().generic("POST", f"{URL}/{made['id']}/cancel").status_code == 404
    assert Client().post(f"{URL}/cancel", {"tag.interview": "42"}, "application/json").status_code == 401
    assert Execution.objects.get().cancel_cause is None


def test_who_has_its_token_cancels_it(python: Language, fake_backend: FakeBackend) -> None:
    made = Client().post(URL, PROGRAM | {"wait": False}, "application/json").json()
    response = Client().generic("POST", f"{URL}/{made['id']}/cancel?access_token={made['access_token']}")
    assert response.json()["outcome"] == "cancelled"


def test_cancelling_all_with_a_tag(asleep: Language, fake_backend: FakeBackend, running: Background, api: Api) -> None:
    for interview in ("42", "42", "42", "42", "42", "43"):
        api.post(body=PROGRAM | {"wait": False, "tags": {"interview": interview}})
    response = api.post("/cancel", {"tag.interview": "42", "reason": "enough"})
    assert (response.status_code, response.json()) == (202, {"cancelled": 5})
    eventually(lambda: ended()[Status.FINISHED, Outcome.CANCELLED] == 5)
    assert api.post("/cancel", {"tag.interview": "42"}).json() == {"cancelled": 0}
    assert api.post("/cancel", {"tag.interview": "43"}).json() == {"cancelled": 1}
    eventually(lambda: ended()[Status.FINISHED, Outcome.CANCELLED] == 6)


def test_fifty_that_cancel_one_at_once(
    asleep: Language, fake_backend: FakeBackend, running: Background, api: Api
) -> None:
    made = api.post(body=PROGRAM | {"wait": False}).json()
    statuses: list[int] = []

    def cancel() -> None:
        statuses.append(api.post(f"/{made['id']}/cancel", {}).status_code)
        connection.close()

    threads = [threading.Thread(target=cancel) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 202}
    eventually(lambda: ended() == {(Status.FINISHED, Outcome.CANCELLED): 1})


@pytest.mark.parametrize("delay_s", [0.0, 0.002, 0.005, 0.01, 0.02, 0.05])
@pytest.mark.parametrize("in_background", [True, False])
def test_a_cancel_at_any_moment_of_its_life_ends_it(
    asleep: Language,
    fake_backend: FakeBackend,
    running: Background,
    delay_s: float,
    in_background: bool,
) -> None:
    api, answers = Api(f"client {delay_s} {in_background}"), []

    def run() -> None:
        answers.append(api.post(body=PROGRAM | {"wait": not in_background, "tags": {"run": "1"}}))
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    eventually(Execution.objects.exists, every_s=0.001)
    time.sleep(delay_s)
    assert api.post("/cancel", {"tag.run": "1"}).json() == {"cancelled": 1}
    eventually(lambda: ended() == {(Status.FINISHED, Outcome.CANCELLED): 1}, within_s=10)
    thread.join()
    assert answers[0].json()["error"] in ("", "execution cancelled: on request")


def test_who_waits_is_told_at_once_and_too_many_are_not_let_wait(
    python: Language, fake_backend: FakeBackend, settings: Any
) -> None:
    row = accept.queued(submission(python), Origin("192.0.2.1"))
    settings.GEXEC_WATCHERS = 1
    found: list[bool] = []

    def wait() -> None:
        found.append(waiting.wait_for([row.pk], 30))
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    # It has the one place; who is only listened for may still come second.
    eventually(lambda: watchers.count == 1)
    began = time.monotonic()
    assert not waiting.wait_for([row.pk], 30)
    assert time.monotonic() - began < 10
    # What another process ends is found by asking for it.
    Execution.objects.update(
        status=Status.FINISHED, outcome=Outcome.CANCELLED, error="elsewhere", finished_at=row.created_at
    )
    thread.join(10)
    assert found == [True]


def test_one_caller_that_waits_for_much_keeps_no_other_from_waiting(
    python: Language, fake_backend: FakeBackend, settings: Any
) -> None:
    settings.GEXEC_WATCHERS, settings.GEXEC_CALLER_SHARE = 4, 0.5
    much, one = Api("much"), Api("one")
    paths = {api: f"/{api.post(body=PROGRAM | {'wait': False}).json()['id']}?wait=20" for api in (much, one)}

    def wait(api: Api) -> None:
        api.get(paths[api])
        connection.close()

    threads = [threading.Thread(target=wait, args=[api]) for api in (much, much, one)]
    for count, thread in enumerate(threads, 1):
        thread.start()
        eventually(partial(in_places, count))
    assert much.get(paths[much]).json()["status"] == "queued"
    Execution.objects.update(
        status=Status.FINISHED, outcome=Outcome.CANCELLED, error="elsewhere", finished_at=timezone.now()
    )
    for thread in threads:
        thread.join(20)
    assert in_places(0)


def in_places(count: int) -> bool:
    return watchers.count == count


def test_one_that_is_gone_is_not_waited_for(python: Language, fake_backend: FakeBackend) -> None:
    row = accept.queued(submission(python), Origin("192.0.2.1"))
    row.delete()
    assert waiting.wait_for([row.pk, uuid.uuid4()], 30)
