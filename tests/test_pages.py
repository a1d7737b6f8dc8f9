"""The pages at the root, as browsers without scripts and programs see them."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions.models import Execution
from languages.models import Language
from pages.page import CONTENT_SECURITY_POLICY
from rest import staff_pages
from sandbox.types import JobResult, Outcome
from tests.fake_backend import ran
from tests.test_frontend import PAGE_BYTES

PAGE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FORM = {"language": "python", "name": "main.py", "content": "print(1)\r\n"}
PASSWORD = "a-long-password-1"


@pytest.fixture
def visitor(python: Language, rate_limit_off: None, fake_backend: FakeBackend) -> Client:
    return Client(headers=PAGE)


@pytest.fixture
def staff(visitor: Client) -> User:
    """A member of the staff, who is logged in."""
    user = User.objects.create_user("staff", password=PASSWORD, is_staff=True)
    visitor.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


def run(visitor: Client, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    body = urlencode({**FORM, **fields}, doseq=True)
    return visitor.post("/run", body, "application/x-www-form-urlencoded", headers=headers)


def text_of(response: Any) -> str:
    return unescape(re.sub(r"<[^>]*>", "", response.content.decode()))


def data_of(response: Any) -> Any:
    found = re.search(r'<script id="data"[^>]*>(.*?)</script>', response.content.decode(), re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.9", "text/plain"])
@pytest.mark.parametrize("path", ["/", "/?lang=python"])
@pytest.mark.django_db
def test_a_program_finds_nothing_at_the_root(accept: str | None, path: str) -> None:
    nothing = Client(headers={"Accept": accept} if accept else {})
    response, other = nothing.get(path), nothing.get("/no-such-path")
    assert (response.status_code, response.content) == (404, b'{"error": "not found"}')
    # Each request has an id of its own.
    assert response.headers.pop("X-Request-Id") != other.headers.pop("X-Request-Id")
    assert dict(response.headers) == dict(other.headers)


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
@pytest.mark.django_db
def test_other_methods_find_nothing_there_either(method: str) -> None:
    response = getattr(Client(headers=PAGE), method)("/")
    assert (response.status_code, response.content) == (404, b'{"error": "not found"}')


def test_the_page_has_an_example_in_it(visitor: Client) -> None:
    response = visitor.get("/")
    assert response.status_code == 200
    assert 'print("Hello from Python!")' in text_of(response) or "<textarea" in response.content.decode()
    assert data_of(response)["language"] == "python"
    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response["Referrer-Policy"] == "same-origin"
    assert "sessionid" not in response.cookies
    assert visitor.head("/").status_code == 200


def test_the_page_is_small_with_forty_languages(visitor: Client, python: Language) -> None:
    for number in range(39):
        python.pk, python._state.adding = None, True
        python.slug, python.name, python.aliases = f"language-{number}", "Language", []
        python.save()
    Language.objects.forget_catalogue()
    page = visitor.get("/")
    assert page.content.count(b"language-") == 2 * 39 + page.content.count(b'"family": "language-')
    assert len(page.content) <= PAGE_BYTES


def test_the_page_knows_whether_there_are_terminals(visitor: Client, settings: Any) -> None:
    assert data_of(visitor.get("/"))["interactive"] is True
    settings.GEXEC_INTERACTIVE = 0
    assert data_of(visitor.get("/"))["interactive"] is False


def test_an_example_is_chosen_by_the_address(visitor: Client) -> None:
    shown = text_of(visitor.get("/?lang=py&example=files"))
    assert "from shapes import squared" in shown
    assert "def squared(side):" in shown


def test_a_language_that_there_is_not_is_told(visitor: Client) -> None:
    response = visitor.get("/?lang=<b>nope\x00")
    assert "There is no language <b>nope\ufffd here." in text_of(response)
    assert b"<b>nope" not in response.content


@pytest.mark.django_db
def test_without_languages_it_says_so(nothing_remembered: None) -> None:
    assert "No language is enabled yet" in text_of(Client(headers=PAGE).get("/"))


def test_examples_of_a_language(visitor: Client) -> None:
    found = visitor.get("/examples/python").json()
    assert [example["name"] for example in found["examples"]][:2] == ["hello", "stdin"]
    assert visitor.get("/examples/nope").status_code == 404


def test_the_packages_of_each_language_are_listed(visitor: Client, python: Language, settings: Any) -> None:
    listed = [{"name": "numpy", "version": "2.2.4"}, {"name": "<b>x", "version": "1"}]
    Language.objects.filter(pk=python.pk).update(packages=listed)
    assert b'href="/languages"' in visitor.get("/").content
    page = visitor.get("/languages")
    assert "2 packages" in text_of(page)
    assert b"<li>numpy <span>2.2.4</span></li>" in page.content
    assert b"<b>x" not in page.content
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert visitor.post("/languages").status_code == 405
    settings.GEXEC_PLAYGROUND = "off"
    assert visitor.get("/languages").status_code == 404


def test_the_form_runs_and_keeps_what_was_typed(visitor: Client, fake_backend: FakeBackend) -> None:
    seen: list[Any] = []

    def behave(job: Any) -> JobResult:
        seen.append(job)
        return JobResult((ran(b"a<b>\x1b[1m\n", stderr=b"\xe2\x80\xae"),))

    fake_backend.behave = behave
    response = run(visitor, stdin="1\r\n2", args="one 'two words'", content="print('</textarea>')")
    shown = text_of(response)
    assert response.status_code == 200
    assert "finished: exit code 0" in shown
    assert "a<b>\\x1b[1m" in shown
    assert "\\u202e" in shown
    assert b"print(&#x27;&lt;/textarea&gt;&#x27;)" in response.content
    (step,) = seen[0].steps
    assert step.argv[-2:] == ("one", "two words")
    assert step.stdin == b"1\n2"
    assert Execution.objects.get().outcome == "ok"


def test_several_files(visitor: Client, fake_backend: FakeBackend) -> None:
    names: list[str] = []

    def behave(job: Any) -> JobResult:
        names.extend(file.name for file in job.files)
        return JobResult((ran(),))

    fake_backend.behave = behave
    run(visitor, name=["main.py", "b.py"], content=["import b", "print(2)"])
    assert names == ["main.py", "b.py"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"language": "nope"}, "unsupported language: nope"),
        ({"name": "../x"}, "name"),
        ({"args": "'open"}, "a quote is not closed"),
    ],
)
def test_what_cannot_be_run_is_told_in_words(visitor: Client, fields: dict[str, Any], says: str) -> None:
    response = run(visitor, **fields)
    assert response.status_code == 400
    assert says in text_of(response)
    assert response["Content-Type"].startswith("text/html")


def test_a_body_that_is_no_form(visitor: Client) -> None:
    response = visitor.post("/run", "{}", "application/json")
    assert response.status_code == 415
    assert "the form of the page" in text_of(response)
    many = visitor.post("/run", "a=1&" * 2000, "application/x-www-form-urlencoded")
    assert many.status_code == 400
    assert "more fields" in text_of(many)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome.TIMEOUT_WALL, "ended at its time limit"),
        (Outcome.OUT_OF_MEMORY, "ended at its memory limit"),
        (Outcome.SANDBOX_ERROR, "waits to be begun again"),
    ],
)
def test_each_ending_is_told_in_words(visitor: Client, fake_backend: FakeBackend, outcome: Outcome, says: str) -> None:
    fake_backend.behave = lambda _job: JobResult((ran(b"so far", outcome),))
    response = run(visitor)
    assert response.status_code == 200
    assert says in text_of(response), re.search(r"<h2.*", response.content.decode())


def test_the_form_shares_the_rate_limit_of_its_address(
    visitor: Client, settings: Any, fake_backend: FakeBackend
) -> None:
    settings.GEXEC_RATE_LIMIT = "2/m"
    assert run(visitor).status_code == 200
    sent = visitor.post("/execute", {"language": "python", "source_code": "1"}, "application/json")
    assert sent.status_code == 200
    response = run(visitor)
    assert response.status_code == 429
    assert f"Try again in {response['Retry-After']} s." in text_of(response)
    assert "print(1)" in response.content.decode()
    unread = visitor.post("/run", "{}", "application/json")
    assert unread.status_code == 429


def test_a_reload_of_the_result_leads_back(visitor: Client) -> None:
    assert visitor.get("/run")["Location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_another_sites_page_runs_nothing(visitor: Client, headers: dict[str, str]) -> None:
    assert run(visitor, headers=headers).status_code == 403
    assert not Execution.objects.exists()


def test_no_page_may_put_it_into_a_frame(visitor: Client) -> None:
    response = visitor.get("/")
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_where_keys_are_needed_the_form_has_a_field_for_one(
    visitor: Client, settings: Any, fake_backend: FakeBackend
) -> None:
    settings.GEXEC_REQUIRE_API_KEY = True
    assert b'name="key"' in visitor.get("/").content
    refused = run(visitor)
    assert refused.status_code == 401
    assert "with an API key only" in text_of(refused)
    assert run(visitor, key=create("mine")).status_code == 200
    assert run(visitor, key="gx_wrong\r\nX: 1").status_code == 401


def test_off_there_is_a_door_and_nothing_behind_it(visitor: Client, settings: Any) -> None:
    settings.GEXEC_PLAYGROUND = "off"
    door = visitor.get("/")
    assert door.status_code == 200
    assert b"/api/docs" in door.content
    assert b"<script" not in door.content
    assert run(visitor).content == b'{"error": "not found"}'
    assert visitor.get("/examples/python").status_code == 404


def test_for_staff_it_is_behind_a_login(visitor: Client, settings: Any, fake_backend: FakeBackend) -> None:
    settings.GEXEC_PLAYGROUND = "staff"
    assert b"/admin/login/?next=/" in visitor.get("/").content
    refused = run(visitor)
    assert refused.status_code == 403
    assert "log in" in text_of(refused)
    assert not Execution.objects.exists()


def test_staff_run_programs_though_keys_are_needed(
    visitor: Client, staff: User, settings: Any, fake_backend: FakeBackend
) -> None:
    settings.GEXEC_PLAYGROUND, settings.GEXEC_REQUIRE_API_KEY = "staff", True
    page = visitor.get("/")
    token = data_of(page)["token"]
    assert run(visitor, token=token).status_code == 200
    assert run(visitor).status_code in (401, 403)
    body = {"language": "python", "source_code": "1"}
    assert visitor.post("/api/v1/executions", body, "application/json").status_code == 401
    sent = visitor.post("/api/v1/executions", body, "application/json", headers={staff_pages.HEADER: token})
    assert sent.status_code == 200
    # A WebSocket has no headers; 426 says that this is none, to one who may have one.
    offered = {"Sec-WebSocket-Protocol": f"gexec.v1, {staff_pages.PROTOCOL}{token.replace(':', '~')}"}
    assert visitor.get("/api/v1/executions/ws").status_code == 401
    assert visitor.get("/api/v1/executions/ws", headers=offered).status_code == 426
    settings.GEXEC_PLAYGROUND = "on"
    assert visitor.get("/api/v1/executions/ws", headers=offered).status_code == 401
    sent = visitor.post("/api/v1/executions", body, "application/json", headers={staff_pages.HEADER: token})
    assert sent.status_code == 401
    settings.GEXEC_PLAYGROUND = "staff"
    staff.is_staff = False
    staff.save()
    again = visitor.post("/api/v1/executions", body, "application/json", headers={staff_pages.HEADER: token})
    assert again.status_code == 401
    assert b"/admin/login/" in visitor.get("/").content


@pytest.mark.parametrize("token", ["", "x", "x:y:z", "\x00", "a" * 10_000])
@pytest.mark.django_db
def test_a_token_that_is_none_opens_nothing(token: str) -> None:
    assert not staff_pages.opens(token)


def test_a_token_ends_with_the_password(staff: User) -> None:
    token = staff_pages.token_for(staff)
    assert staff_pages.opens(token)
    staff.set_password("another-long-password-1")
    staff.save()
    assert not staff_pages.opens(token)


def test_a_cookie_that_is_none_is_no_session(visitor: Client, settings: Any) -> None:
    settings.GEXEC_PLAYGROUND = "staff"
    visitor.cookies["sessionid"] = "\\000abcdefghij"
    assert visitor.get("/").status_code == 200


@pytest.mark.django_db
def test_what_machines_look_for_at_the_root(settings: Any) -> None:
    machine = Client()
    assert "Disallow: /" in machine.get("/robots.txt").content.decode()
    assert machine.get("/favicon.ico")["Location"].endswith("/icon.svg")
    assert machine.get("/.well-known/security.txt").status_code == 404
    settings.GEXEC_SECURITY_CONTACT = ["mailto:security@example.org"]
    told = machine.get("/.well-known/security.txt").content.decode()
    assert told.startswith("Contact: mailto:security@example.org\nExpires: 20")
