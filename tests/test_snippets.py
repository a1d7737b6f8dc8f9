"""Programs that are stored for whoever has their link: made, shown, deleted, bounded, and gone after a while."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Http
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients.authentication import create
from clients.models import Client
from clients.rights import Right
from languages.models import Language
from rest.disk import Room
from snippets import expiry, services
from snippets.models import Snippet

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

PATH = "/api/v1/snippets"
PROGRAM: dict[str, Any] = {
    "language": "py",
    "files": [{"name": "main.py", "content": "print(1)\n"}, {"name": "b.bin", "content": {"base64": "AAH/"}}],
    "stdin": "é\r\n",
    "args": ["a b"],
    "tests": [{"name": "t", "stdin": "1", "expected_stdout": "2"}],
}


@pytest.fixture(autouse=True)
def everybody(settings: Settings) -> None:
    settings.GEXEC_SNIPPETS = "on"


def ask(method: str, path: str, key: str = "", body: Any = None, **headers: str) -> Any:
    sent = headers | ({"authorization": f"Bearer {key}"} if key else {})
    content = "" if body is None else json.dumps(body)
    return Http(headers=sent).generic(method, path, content, "application/json")


def stored(key: str = "", **fields: Any) -> Any:
    answer = ask("POST", PATH, key, PROGRAM | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_it_is_stored_and_shown_as_it_was() -> None:
    answer = ask("POST", PATH, body=PROGRAM)
    made = answer.json()
    assert answer["Location"] == f"{PATH}/{made['id']}"
    assert re.fullmatch(r"[0-9A-Za-z]{12}", made["id"])
    shown = ask("GET", answer["Location"]).json()
    assert made == shown | {"delete_token": made["delete_token"]}
    assert shown["object"], shown["url"] == ("snippet", f"/s/{made['id']}")
    assert shown["language"] == "python"
    assert {name: shown[name] for name in ("files", "stdin", "args", "tests")} == {
        name: PROGRAM[name] for name in ("files", "stdin", "args", "tests")
    }
    assert ask("HEAD", answer["Location"]).status_code == 200


def test_one_source() -> None:
    made = ask("POST", PATH, body={"language": "python", "source_code": "x"}).json()
    assert made["files"] == [{"name": "main.py", "content": "x"}]
    assert (made["stdin"], made["args"], made["tests"]) == ("", [], [])


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"language": "nope"}, "#/language", "unsupported_language"),
        ({"files": []}, "#/files", "invalid"),
        ({"source_code": "x"}, "#/source_code", "invalid_field"),
        ({"files": [{"name": "../a", "content": ""}]}, "#/files/0/name", "invalid_file_name"),
        ({"files": [{"name": "a", "content": ""}] * 2}, "#/files/1/name", "invalid_file_name"),
        ({"files": [{"name": "a", "content": {"file": f"sha256:{'0' * 64}"}}]}, "#/files/0/content", "invalid_field"),
        ({"files": [{"name": "a", "content": "\x00"}]}, "#/files/0/content", "nul_character"),
        ({"stdin": "\ud800"}, "#/stdin", "lone_surrogate"),
        ({"args": ["\x00"]}, "#/args/0", "nul_character"),
        ({"tests": [{"hidden": True}]}, "#/tests/0/hidden", "unknown_field"),
        ({"wait": True}, "#/wait", "unknown_field"),
        ({"id": "x"}, "#/id", "unknown_field"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_it_refuses(fields: Any, pointer: str, code: str) -> None:
    answer = ask("POST", PATH, body=PROGRAM | fields)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert code in (error["code"], "invalid")
    assert not Snippet.objects.exists()


def test_it_never_changes() -> None:
    path = f"{PATH}/{stored()['id']}"
    for method in ("PUT", "PATCH", "POST"):
        assert ask(method, path, body=PROGRAM).status_code == 405


def test_it_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    room = services.BYTES_AT_MOST - 300
    assert stored(files=[{"name": "main.py", "content": "x" * room}])
    large = ask("POST", PATH, body=PROGRAM | {"files": [{"name": "main.py", "content": "é" * (room // 2 + 300)}]})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    huge = ask("POST", PATH, body=PROGRAM | {"stdin": "x" * 600_000})
    assert huge.status_code == 413
    monkeypatch.setattr(services, "OF_ONE_CALLER", 2)
    stored()
    many = ask("POST", PATH, body=PROGRAM)
    assert (many.status_code, many.json()["code"]) == (429, "quota_exceeded")
    # Others have their own share, and what was deleted makes room.
    assert stored(create("other"))
    Snippet.objects.filter(client=None).first().delete()  # type: ignore[union-attr]  # there is one
    assert stored()


def test_how_often_one_may_store(settings: Settings) -> None:
    settings.GEXEC_SNIPPET_RATE_LIMIT = "2/h"
    key = create("k")
    for who in ("", key):
        answers = [ask("POST", PATH, who, PROGRAM) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert answers[2].json()["policy"] == "snippets"
        assert answers[0]["RateLimit-Policy"] == '"snippets";q=2;w=3600'
        assert int(answers[2]["Retry-After"]) > 0
    # Reading is another policy.
    assert ask("GET", f"{PATH}/{answers[0].json()['id']}").status_code == 200


def test_who_may_store(settings: Settings) -> None:
    key, page = create("k"), create("p", publishable=True)
    Client.objects.filter(name="p").update(origins=["https://a.example"])
    assert ask("POST", PATH, page, PROGRAM, origin="http://testserver").status_code == 403
    refused = ask("POST", PATH, page, PROGRAM, host="localhost:8080", origin="https://a.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_right")
    made = stored(key)
    settings.GEXEC_SNIPPETS = "keys"
    assert ask("POST", PATH, body=PROGRAM).json()["code"] == "unauthorized"
    assert stored(key)
    assert ask("GET", f"{PATH}/{made['id']}").status_code == 200
    settings.GEXEC_SNIPPETS = "off"
    for method, path in (("POST", PATH), ("GET", f"{PATH}/{made['id']}"), ("DELETE", f"{PATH}/{made['id']}")):
        assert ask(method, path, key, PROGRAM).status_code == 404
    assert page_of(made["id"]).status_code == 404


def test_who_may_delete() -> None:
    mine, theirs = create("a", client="a"), create("b")
    weak = create("weak", client="a", rights=[Right.READ])
    page = create("page", client="a", publishable=True)
    Client.objects.filter(name="a").update(origins=["https://a.example"])
    made, nobodys = stored(mine), stored()
    path, other = f"{PATH}/{made['id']}", f"{PATH}/{nobodys['id']}"
    for key in (theirs, ""):
        assert ask("DELETE", path, key).status_code == 404
        for token in (nobodys["delete_token"], made["delete_token"][:-1], "", "\udcff", "é"):
            assert ask("DELETE", path, key, **{"x-access-token": token}).status_code == 404
    assert ask("DELETE", path, weak).status_code == 403
    assert ask("DELETE", path, page, host="localhost:8080", origin="https://a.example").status_code == 403
    # Nobody's is not of whoever comes without a key.
    assert ask("DELETE", other).status_code == 404
    assert Snippet.objects.count() == 2
    assert ask("DELETE", path, create("a2", client="a")).status_code == 204
    assert ask("DELETE", other, **{"x-access-token": nobodys["delete_token"]}).status_code == 204
    assert ask("DELETE", other, **{"x-access-token": nobodys["delete_token"]}).status_code == 404
    assert ask("GET", path).status_code == 404
    assert not Snippet.objects.exists()


@pytest.mark.parametrize("name", ["0" * 12, "x", "x" * 10_000, "%00" * 12, "é" * 12, "..%2F..%2F......", "' OR 1=1 --"])
def test_ids_that_there_are_not(name: str) -> None:
    for method in ("GET", "DELETE"):
        assert ask(method, f"{PATH}/{name}").status_code == 404
    assert page_of(name).status_code == 404


def test_what_nobody_looks_at_goes(settings: Settings) -> None:
    old, seen = stored(), stored()
    Snippet.objects.update(viewed_at=timezone.now() - timedelta(days=89))
    assert ask("GET", f"{PATH}/{seen['id']}").status_code == 200
    before = Snippet.objects.get(pk=seen["id"]).viewed_at
    assert before > timezone.now() - timedelta(minutes=5)
    # A second look on the same day writes nothing.
    ask("GET", f"{PATH}/{seen['id']}")
    assert Snippet.objects.get(pk=seen["id"]).viewed_at == before
    assert expiry.carry_out(threading.Event()) == 0
    Snippet.objects.filter(pk=old["id"]).update(viewed_at=timezone.now() - timedelta(days=90, seconds=1))
    # Before it is deleted it is already over.
    assert ask("GET", f"{PATH}/{old['id']}").status_code == 404
    assert expiry.carry_out(threading.Event()) == 1
    assert [each.pk for each in Snippet.objects.all()] == [seen["id"]]
    settings.GEXEC_SNIPPET_DAYS = 0
    Snippet.objects.update(viewed_at=timezone.now() - timedelta(days=9_000))
    assert expiry.carry_out(threading.Event()) == 0
    assert ask("GET", f"{PATH}/{seen['id']}").json()["expires_at"] is None


def test_a_clients_go_with_it() -> None:
    stored(create("k"))
    stored()
    Client.objects.all().delete()
    assert Snippet.objects.count() == 1


def test_a_full_disk_takes_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "room", lambda: Room.LOW)
    assert ask("POST", PATH, body=PROGRAM).json()["code"] == "disk_full"


# The page


def page_of(snippet_id: str) -> Any:
    return Http(headers={"accept": "text/html"}).get(f"/s/{snippet_id}")


def test_its_page(python: Language, settings: Settings) -> None:
    hostile = "print('</textarea></script><script>alert(1)</script>\u202e')"
    made = stored(files=[{"name": "main.py", "content": hostile}])
    page = page_of(made["id"])
    text = page.content.decode()
    assert (page.status_code, page["X-Robots-Tag"]) == (200, "noindex")
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert hostile in unescape(text)
    assert "<script>alert" not in text
    found = re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert found
    assert json.loads(found[1])["snippet"]["id"] == made["id"]
    # What deletes it, and who stored it, are nobody else's business.
    assert made["delete_token"] not in text
    assert "127.0.0.1" not in text
    python.enabled = False
    python.save()
    Language.objects.forget_catalogue()
    gone = page_of(made["id"])
    assert (gone.status_code, "alert(1)" in gone.content.decode()) == (404, False)
    settings.GEXEC_PLAYGROUND = "off"
    assert b"alert(1)" not in page_of(made["id"]).content


# The admin


@pytest.fixture
def operator() -> Http:
    http = Http()
    User.objects.create_superuser("root", password="a-long-password-1")
    http.force_login(User.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
    return http


def test_the_operator_looks_blocks_and_deletes(operator: Http) -> None:
    made = stored(files=[{"name": "<b>.py", "content": "<script>alert(1)</script>\u202e"}, PROGRAM["files"][1]])
    listed, one = (
        reverse("admin:snippets_snippet_changelist"),
        reverse("admin:snippets_snippet_change", args=[made["id"]]),
    )
    assert made["id"] in operator.get(listed, {"q": made["id"][:4]}).content.decode()
    text = operator.get(one).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in text
    assert "<b>.py" not in text
    chosen = {"action": "block", "_selected_action": made["id"]}
    assert "shown to nobody" in operator.post(listed, chosen, follow=True).content.decode()
    assert ask("GET", f"{PATH}/{made['id']}").status_code == page_of(made["id"]).status_code == 404
    operator.post(listed, chosen | {"action": "unblock"})
    assert ask("GET", f"{PATH}/{made['id']}").status_code == 200
    operator.post(reverse("admin:snippets_snippet_delete", args=[made["id"]]), {"post": "yes"})
    assert not Snippet.objects.exists()
