"""One client can neither read, guess, change nor notice another's: every route below /api/v1, by one line each.

A new route fails until it stands in LINES. `Id` is a route with the id of something in it: for another client it is
answered as an id that there never was, by every method. `Own` shows or changes what belongs to who asks. `Open` is the
same for everybody.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from clients import authentication
from clients.authentication import create
from clients.models import Client as Tenant
from clients.rights import Right
from clients.secrets import prefix_in
from dispatch.testing import FakeBackend, succeed
from languages.models import Language
from sandbox.types import Artifact, JobResult
from tests.fake_backend import ran

pytestmark = pytest.mark.usefixtures("rate_limit_off")
CANARY = "canary-4711"
_BELOW = "api/v1/"
HOOK = {"url": "https://hooks.example.org/gexec", "events": ["execution.finished"]}


class World:
    """Two clients with all rights each; the first has one of everything, and its mark is in all of it."""

    def __init__(self, backend: FakeBackend) -> None:
        self.mine, self.theirs = (
            create(f"{CANARY} key", client=f"{CANARY} 1", rights=Right),
            create("b", rights=Right),
        )
        self.prefix = str(prefix_in(self.mine))
        body = {"language": "python", "source_code": f"print('{CANARY}')", "stdin": CANARY, "tags": {"who": CANARY}}
        left = Artifact(f"{CANARY}.txt", 6, CANARY.encode())
        backend.behave = lambda _job: JobResult((ran(CANARY.encode()),), (left,))
        self.execution: str = ask("post", "/api/v1/executions", self.mine, body).json()["id"]
        backend.behave = succeed
        batch = {"items": [body, {"language": CANARY}]}
        self.batch: str = ask("post", "/api/v1/batches", self.mine, batch).json()["id"]
        self.file: str = ask("put", "/api/v1/files", self.mine, CANARY).json()["id"]
        self.webhook: str = ask("post", "/api/v1/webhooks", self.mine, HOOK).json()["id"]
        self.delivery: str = ask("post", f"/api/v1/webhooks/{self.webhook}/test", self.mine).json()["id"]
        snippet = {"language": "python", "source_code": CANARY}
        self.snippet: str = ask("post", "/api/v1/snippets", self.mine, snippet).json()["id"]
        self.erasure: str = ask("post", "/api/v1/executions/erase", self.mine, {"tag.gone": CANARY}).json()["id"]


@dataclass(frozen=True)
class Open:
    """Nothing of any client's."""

    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Own:
    """What belongs to who asks; `bodies` are of the methods that need one."""

    bodies: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    upgrade: bool = False
    """Whether it answers over WebSockets alone: tests/test_interactive.py has what it tells there."""


@dataclass(frozen=True)
class Id:
    """`of` tells the id of the first client's; `never` is one that there is not."""

    of: Callable[[World], str]
    never: str = str(uuid.UUID(int=0x0199 << 112 | 7 << 76 | 2 << 62))
    bodies: Mapping[str, Any] = field(default_factory=dict)
    within: Callable[[World], Mapping[str, str]] = lambda _world: {}
    """What stands at other places of the path: also of the first client's."""
    by_link: frozenset[str] = frozenset()
    """Methods that whoever has the id may use: it cannot be guessed, and is given away to be read."""


LINES: dict[str, Open | Own | Id] = {
    "languages": Open(),
    "languages/<str:name>": Open({"name": "python"}),
    "me": Own(),
    "usage": Own(query="?group_by=day,language,key,tag.who"),
    "keys": Own({"post": {"name": "x"}}),
    "keys/<str:prefix>": Id(lambda world: world.prefix, never="zzzzzzzz"),
    "executions": Own({"post": {"language": "python", "source_code": "1"}}),
    "executions/export": Own(),
    "executions/ws": Own(upgrade=True),
    "executions/cancel": Own({"post": {"tag.who": "x"}}),
    "executions/<uuid:execution_id>/cancel": Id(lambda world: world.execution),
    "batches": Own({"post": {"items": [{"language": "python", "source_code": "1"}]}}),
    "batches/<uuid:batch_id>/events": Id(lambda world: world.batch),
    "batches/<uuid:batch_id>": Id(lambda world: world.batch),
    "batches/<uuid:batch_id>/cancel": Id(lambda world: world.batch),
    "executions/erase": Own({"post": {"tag.who": "x"}}),
    "executions/<uuid:execution_id>/artifacts/<path:name>": Id(
        lambda world: world.execution, within=lambda _world: {"name": f"{CANARY}.txt"}
    ),
    "executions/<uuid:execution_id>": Id(lambda world: world.execution),
    "executions/<uuid:execution_id>/events": Id(lambda world: world.execution),
    "executions/<uuid:execution_id>/tokens": Id(lambda world: world.execution),
    "erasures/<uuid:erasure_id>": Id(lambda world: world.erasure),
    "files": Own(),
    "files/check": Own({"post": {"ids": [f"sha256:{'0' * 64}"]}}),
    "files/<str:file_id>": Id(lambda world: world.file, never=f"sha256:{'1' * 64}"),
    "snippets": Own({"post": {"language": "python", "source_code": "1"}}),
    "snippets/<str:snippet_id>": Id(lambda world: world.snippet, never="0" * 12, by_link=frozenset({"get", "head"})),
    "webhooks": Own({"post": HOOK}),
    "webhooks/secret": Own(),
    "webhooks/deliveries": Own(),
    "webhooks/deliveries/<uuid:delivery_id>/resend": Id(lambda world: world.delivery),
    "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/resend": Id(
        lambda world: world.delivery, within=lambda world: {"webhook_id": world.webhook}
    ),
    "webhooks/<uuid:webhook_id>": Id(lambda world: world.webhook),
    "webhooks/<uuid:webhook_id>/rotate": Id(lambda world: world.webhook),
    "webhooks/<uuid:webhook_id>/test": Id(lambda world: world.webhook),
    "webhooks/<uuid:webhook_id>/deliveries": Id(lambda world: world.webhook),
}


def ask(method: str, path: str, key: str | None, body: Any = None) -> Any:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    if method in ("get", "head"):
        return getattr(Client(headers=headers), method)(path)
    return Client(headers=headers).generic(method.upper(), path, json.dumps(body or {}), "application/json")


def text_of(answer: Any) -> str:
    return str(answer.getvalue().decode())


def _below(patterns: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _below(pattern.url_patterns, route)
        elif route.startswith(_BELOW):
            yield route.removeprefix(_BELOW), pattern


ROUTES = dict(_below(get_resolver().url_patterns))


def methods_of(route: str) -> list[str]:
    view: Any = ROUTES[route].callback
    allowed = view.view_class().allowed_methods
    return [method.lower() for method in allowed if method != "OPTIONS"]


def path_of(route: str, words: Mapping[str, str], other: str = "") -> str:
    """The route's path, with words by name, and `other` at all other places."""
    return "/api/v1/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda place: words.get(place[1], other), route)


@pytest.fixture
def world(python: Language, fake_backend: FakeBackend) -> World:
    return World(fake_backend)


def test_every_route_has_a_line() -> None:
    assert set(ROUTES) == set(LINES)


@pytest.mark.parametrize("route", [route for route, line in LINES.items() if isinstance(line, Id)])
def test_another_clients_id_is_none(world: World, route: str) -> None:
    line = LINES[route]
    assert isinstance(line, Id)
    found, within = line.of(world), line.within(world)
    for method in sorted(set(methods_of(route)) - line.by_link):
        answers = [
            ask(method, path_of(route, within, each), world.theirs, line.bodies.get(method))
            for each in (found, line.never)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], method
        texts = [text_of(answer).replace(each, "ID") for answer, each in zip(answers, (found, line.never), strict=True)]
        assert CANARY not in texts[0]
        if texts[0]:
            told = [{**json.loads(text), "request_id": ""} for text in texts]
            assert told[0] == told[1], method
        nobody = ask(method, path_of(route, within, found), None, line.bodies.get(method))
        assert nobody.status_code in (401, 404), method
        assert CANARY not in text_of(nobody)
    for method in line.by_link:
        for key in (world.theirs, None):
            answers = [ask(method, path_of(route, within, each), key) for each in (found, line.never)]
            assert [answer.status_code for answer in answers] == [200, 404], method
    if "get" in methods_of(route):
        mine = ask("get", path_of(route, within, found), world.mine)
        assert mine.status_code == 200
        mine.close()


@pytest.mark.parametrize("route", [route for route, line in LINES.items() if not isinstance(line, Id)])
def test_who_asks_for_all_gets_its_own(world: World, route: str) -> None:
    line = LINES[route]
    words = line.words if isinstance(line, Open) else {}
    bodies, query = (line.bodies, line.query) if isinstance(line, Own) else ({}, "")
    for method in methods_of(route):
        path = path_of(route, words) + (query if method in ("get", "head") else "")
        for key in (world.theirs, None):
            answer = ask(method, path, key, bodies.get(method))
            if isinstance(line, Own) and line.upgrade:
                assert answer.status_code == 426
                continue
            assert answer.status_code in (
                (200, 201, 202, 204) if key or isinstance(line, Open) else (200, 201, 202, 401)
            ), (
                method,
                text_of(answer),
            )
            assert CANARY not in text_of(answer), method
            assert world.prefix not in text_of(answer)
            assert world.execution not in text_of(answer)


@pytest.mark.parametrize(
    "route", [route for route, line in LINES.items() if not isinstance(line, Open) and route != "me"]
)
def test_a_key_without_rights_can_do_nothing(world: World, route: str) -> None:
    line = LINES[route]
    assert not isinstance(line, Open)
    powerless = create("powerless", client=f"{CANARY} 1", rights=[])
    found, within = (line.of(world), line.within(world)) if isinstance(line, Id) else ("", {})
    for method in methods_of(route):
        answer = ask(method, path_of(route, within, found), powerless, line.bodies.get(method))
        assert answer.status_code == 403, (method, text_of(answer))
        if method != "head":
            assert answer.json()["code"] == "forbidden_right"


@pytest.mark.parametrize("route", LINES)
def test_a_key_is_refused_everywhere_from_where_it_may_not_be_used(world: World, route: str) -> None:
    line = LINES[route]
    found, within = (line.of(world), line.within(world)) if isinstance(line, Id) else ("python", {})
    Tenant.objects.update(networks=["203.0.113.0/24"])
    authentication.verified.clear()
    for method in methods_of(route):
        answer = ask(method, path_of(route, within, found), world.mine, {})
        assert answer.status_code == 403, (method, text_of(answer))
