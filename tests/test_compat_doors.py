"""What all doors of other services share: closed unless opened, and the caller is who it is everywhere."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import get_resolver
from rest_framework.exceptions import Throttled

from clients import origins
from clients.authentication import create
from clients.models import Client as Tenant
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions.compat import problems
from executions.compat.problems import Problem, built, door_at
from executions.compat.running import AskedLimits, Content, Program, SourceFile, ran, submission_of
from executions.compat.views import DoorView, said
from executions.doors import COMPAT, PLACES, Door, paths_of, title_of
from executions.models import Execution
from executions.ranges import Range
from languages.models import Language
from rest.exceptions import Refusal
from tests.fake_backend import ran as step
from tests.fake_backend import result

pytestmark = [pytest.mark.usefixtures("rate_limit_off", "nothing_remembered")]


class Probe(DoorView):
    """A door's view that does what a test asks it for."""

    door = Door.PISTON
    key_headers = ("X-Auth-Token", "X-RapidAPI-Key")
    key_parameters = ("X-Auth-Token",)
    takes_bare_key = True
    executes = ("POST",)
    rights = {"POST": Right.EXECUTE}
    fails: Exception | None = None

    def get(self, request: Any) -> Any:
        return said(200, {"client": self.caller.client_name if self.caller else None})

    def post(self, request: Any) -> Any:
        if self.fails is not None:
            raise self.fails
        source = SourceFile("a.py", Content(request.data["code"].encode()))
        language = Language.objects.get(slug="python")
        execution = self.run(Program(language, (source,), "a.py"))
        return said(200, {"stdout": ran(execution).runs[0].stdout.decode()})


def ask(method: str = "get", body: Any = None, path: str = "/api/v2/probe", **headers: str) -> Any:
    more = {} if body is None else {"data": body, "content_type": headers.pop("content_type", "text/plain")}
    request = getattr(RequestFactory(), method)(path, headers=headers, **more)
    return Probe.as_view()(request)


def test_a_closed_door_has_no_paths(client: Client) -> None:
    assert client.get("/api/v2/").status_code == 404
    assert not [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern).startswith("api/v2")]


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors")
class TestOpen:
    """With all doors open."""

    def test_what_is_not_there_is_answered_in_the_doors_words(self, client: Client) -> None:
        for path in ("/api/v2/nothing", "/api/v2/piston/x/y"):
            answer = client.post(path, "{", content_type="text/plain")
            assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})

    def test_a_slash_at_the_end_changes_nothing(self, client: Client) -> None:
        assert client.get("/api/v2").json() == client.get("/api/v2/").json() == {"message": "Piston v3.1.1"}

    @pytest.mark.django_db
    def test_what_no_view_answers_is_in_the_doors_words_too(self) -> None:
        answer = Client(headers={"host": "evil.example"}).get("/api/v2/")
        assert (answer.status_code, list(answer.json())) == (400, ["message"])
        foreign = Client(headers={"origin": "https://evil.example"}).post("/api/v2/")
        assert (foreign.status_code, list(foreign.json())) == (403, ["message"])

    def test_paths_belong_to_their_door_alone(self) -> None:
        assert door_at("/api/v2") is door_at("/api/v2/x") is Door.PISTON
        assert door_at("/api/v23") is door_at("/api/v1/me") is None


@pytest.mark.django_db
class TestCaller:
    """A key is found where the other service's clients put it, and is the same key."""

    @pytest.mark.parametrize(
        "sent",
        [
            lambda key: {"authorization": f"Api-Key {key}"},
            lambda key: {"authorization": f"Bearer {key}"},
            lambda key: {"authorization": key},
            lambda key: {"authorization": "", "x-auth-token": key},
            lambda key: {"x-rapidapi-key": key},
            lambda key: {"authorization": f"Api-Key {key}", "x-auth-token": "wrong"},
        ],
    )
    def test_a_key_is_taken_from_each_place(self, sent: Any) -> None:
        key = create("k", client="school", rights=Right)
        assert json.loads(ask(**sent(key)).content) == {"client": "school"}

    def test_a_key_is_taken_from_the_query(self) -> None:
        key = create("k", client="school", rights=Right)
        assert json.loads(ask(path=f"/api/v2/probe?X-Auth-Token={key}").content) == {"client": "school"}

    @pytest.mark.parametrize("headers", [{"x-auth-token": "wrong"}, {"authorization": "Basic eDp5"}])
    def test_a_wrong_key_is_none(self, headers: dict[str, str]) -> None:
        answer = ask(**headers)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Api-Key")

    def test_an_empty_header_is_no_key(self) -> None:
        assert json.loads(ask(authorization="", **{"x-auth-token": " "}).content) == {"client": None}

    def test_a_right_that_the_key_lacks_is_refused(self) -> None:
        key = create("k", client="school", rights=[Right.READ])
        assert ask("post", '{"code": ""}', authorization=key).status_code == 403

    def test_rate_limits_hold(self, settings: Any) -> None:
        settings.GEXEC_RATE_LIMIT = "1/h"
        Probe.fails = Refusal("no")
        try:
            codes = [ask("post", "{}", "/somewhere").status_code for _ in range(2)]
        finally:
            Probe.fails = None
        assert codes == [400, 429]


@pytest.mark.django_db
class TestErrors:
    """Whatever is raised has an answer in the door's words."""

    @pytest.mark.parametrize(
        ("raised", "status", "message"),
        [
            (Refusal("so not", status=418), 418, "so not"),
            (Throttled(2), 429, "Requests limited to 1 per 200ms"),
            (problems.Reply(said(222, {"message": "mine"})), 222, "mine"),
        ],
    )
    def test_the_words_of_the_door(self, raised: Exception, status: int, message: str) -> None:
        Probe.fails = raised
        try:
            answer = ask("post", "{}")
        finally:
            Probe.fails = None
        assert (answer.status_code, json.loads(answer.content)) == (status, {"message": message})

    def test_a_fault_of_the_code_is_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        Probe.fails = RuntimeError("a fault")
        try:
            with caplog.at_level(logging.ERROR):
                assert ask("post", "{}").status_code == 500
        finally:
            Probe.fails = None
        assert "a fault" in caplog.text

    @pytest.mark.parametrize("body", ["{", "[]", '"x"', b"\xff", '{"a": NaN}', "[" * 5000])
    def test_what_is_no_object_is_refused(self, body: Any) -> None:
        assert ask("post", body).status_code == 400


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_program_runs_whatever_the_content_type_says(
    fake_backend: FakeBackend, python: Language, content_type: str
) -> None:
    fake_backend.behave = lambda _job: result(step(b"4\n"))
    answer = ask("post", '{"code": "print(2+2)"}', content_type=content_type)
    assert json.loads(answer.content) == {"stdout": "4\n"}
    row = Execution.objects.get()
    assert (answer["X-Execution-Id"], row.door, title_of(row.door)) == (str(row.pk), "piston", "Piston")


class TestPrograms:
    """A program is held to what /api/v1 holds it to."""

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"files": (SourceFile("../a", Content(b"")),), "entrypoint": "../a"}, "invalid_file_name"),
            ({"files": (SourceFile("a/b", Content(b"")), SourceFile("a", Content(b"")))}, "invalid_file_name"),
            ({"entrypoint": "other"}, "missing_field"),
            ({"files": (SourceFile("a.py", Content(b"x" * 300_000)),)}, "body_too_large"),
            ({"args": ("\x00",)}, "invalid_field"),
            ({"args": ("\ud800",)}, "invalid_field"),
            ({"args": ("x" * 16_000,) * 9}, "invalid_field"),
            ({"compile_args": ("-O2",)}, "invalid_field"),
            ({"environment": {"A=B": "x"}}, "invalid_field"),
            ({"limits": AskedLimits(wall_ms=10**9), "refuse_more": True}, "limit_exceeded"),
        ],
    )
    def test_what_is_refused(self, python: Language, change: dict[str, Any], code: str) -> None:
        fields: dict[str, Any] = {"files": (SourceFile("a.py", Content(b"")),), "entrypoint": "a.py"} | change
        with pytest.raises(Refusal) as refused:
            submission_of(Program(python, **fields), Door.PISTON, None)
        assert refused.value.get_codes() == code

    def test_limits_are_lowered_to_what_the_caller_may_have(self, python: Language) -> None:
        program = Program(python, (SourceFile("a.py", Content(b"")),), "a.py", limits=AskedLimits(wall_ms=10**9))
        limits = submission_of(program, Door.PISTON, None).limits
        assert limits.wall_ms == 60_000


@pytest.mark.parametrize(
    ("compat", "root", "ids"),
    [
        ([], "", []),
        (["piston"], "", []),
        (["pistons"], "", ["gexec.E022"]),
        (["execute"], "", ["gexec.E022"]),
        ([], "piston", ["gexec.E023"]),
        ([], "judge0", ["gexec.E023"]),
    ],
)
def test_a_door_that_there_is_not_is_told(settings: Any, compat: list[str], root: str, ids: list[str]) -> None:
    settings.GEXEC_COMPAT, settings.GEXEC_COMPAT_ROOT = compat, root
    assert [found.id for found in run_checks() if str(found.id).startswith("gexec.E02")] == ids


def test_each_door_has_a_place() -> None:
    assert set(PLACES) == set(Door)
    assert set(built()) <= set(COMPAT)
    assert dict(paths_of(["judge0"], "judge0"))["/submissions"] is Door.JUDGE0
    assert "/submissions" not in dict(paths_of(["judge0"]))
    assert Problem(400, "x", "y").members == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("open_doors")
def test_pages_of_a_clients_origins_may_use_its_doors() -> None:
    Tenant.objects.create(name="page", origins=["https://play.example.org"])
    origins.listed.forget()
    assert origins.lists("https://play.example.org", "/api/v2/execute")
    assert origins.lists("https://play.example.org", "/judge0/submissions") is ("judge0" in built())
    assert not origins.lists("https://evil.example", "/api/v2/execute")


@pytest.mark.django_db
def test_those_of_one_door_are_one_range_of_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        rows = Execution.objects.filter(door="piston")
        # That of execution_by_door in the only part that there is.
        plan = Range({"door": "piston"}).of(rows, descending=True)[:10].explain()
        assert "executions_execution_others_door_id_idx" in plan
