"""Through the doors of other services, too, nobody sees, changes or notices what is another's: each route by one line.

A new route of a door fails until it stands in LINES. All routes are asked by another client, and by nobody, after the
first client has left its mark wherever a door lets it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver

from clients import authentication
from clients.authentication import create
from clients.models import Client as Tenant
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions.compat.librechat.models import ID_LENGTH, SessionFile
from executions.compat.problems import built
from executions.compat.urls import patterns
from executions.compat.views import NothingHere
from languages.models import Language
from sandbox.types import JobResult
from tests.fake_backend import ran

pytestmark = [
    pytest.mark.urls("tests.compat_urls"),
    pytest.mark.usefixtures("rate_limit_off", "open_doors"),
]
CANARY = "canary4711"
JOBE = "jobe/index.php/restapi"


@dataclass(frozen=True)
class Line:
    """`bodies` are of the methods that need one, `words` stand at places of the path; those of the first client."""

    bodies: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    own: bool = True
    """Whether what the path names is its client's alone."""
    missing: int = 404
    """The status of what is another's, and of what there never was."""
    alive: bool = False
    """Whether it tells whoever asks that there is a server, and nothing else."""


PISTON_RUN = {"language": "python", "version": "*", "files": [{"content": CANARY}], "stdin": CANARY}
PACKAGE = {"language": "cow", "version": "*"}
JOBE_RUN = {"run_spec": {"language_id": "python3", "sourcecode": CANARY, "file_list": [[CANARY, "a"]]}}
FILE = {"file_contents": base64.b64encode(CANARY.encode()).decode()}
_PISTON = {
    "": Line(),
    "/runtimes": Line(),
    "/execute": Line({"post": PISTON_RUN}),
    "/connect": Line(),
    "/packages": Line({"post": PACKAGE, "delete": PACKAGE}),
}
JUDGE0_RUN = {"language_id": 71, "source_code": CANARY, "stdin": CANARY, "compiler_options": ""}
_JUDGE0 = {
    "submissions": Line({"post": JUDGE0_RUN}),
    "submissions/batch": Line({"post": {"submissions": [JUDGE0_RUN]}}),
    # Whoever has a token may read: nobody has one that is another's.
    "submissions/<str:token>": Line(words={"token": "0d3c8a52-43a5-4c1c-8f5b-3c9a2c1b7e4f"}, own=False),
    "languages": Line(),
    "languages/all": Line(),
    "languages/<str:language_id>": Line(words={"language_id": "71"}, own=False),
    **dict.fromkeys(
        ("statuses", "system_info", "config_info", "isolate", "about", "version", "license", "statistics", "workers"),
        Line(),
    ),
    "authenticate": Line(),
    "authorize": Line(),
}
SANDBOXFUSION_RUN = {"language": "python", "code": CANARY}
SESSION, SESSION_FILE = "s" * ID_LENGTH, "f" * ID_LENGTH
_OF_SESSION = Line(words={"session": SESSION, "file": SESSION_FILE}, missing=403)
_OTHERS = {
    # Of Dify.
    "health": Line(alive=True),
    "v1/sandbox/run": Line({"post": {"language": "python3", "code": CANARY}}),
    "v1/sandbox/dependencies": Line(),
    "v1/sandbox/dependencies/refresh": Line(),
    "v1/sandbox/dependencies/update": Line({"post": {"language": "python3"}}),
    # Of SandboxFusion.
    "run_code": Line({"post": SANDBOXFUSION_RUN}),
    "run_jupyter": Line({"post": {"cells": [CANARY]}}),
    "v1/ping": Line(alive=True),
    # Of LibreChat, with a file that was uploaded.
    "v1/health": Line(alive=True),
    "v1/exec": Line({"post": {"lang": "py", "code": CANARY}}),
    "v1/exec/programmatic": Line({"post": {"code": CANARY}}),
    "v1/upload": Line({"post": {}}),
    "v1/upload/batch": Line({"post": {}}),
    "v1/download/<str:session>/<str:file>": _OF_SESSION,
    "v1/files/<str:session>": _OF_SESSION,
    "v1/files/<str:session>/<str:file>": _OF_SESSION,
    "v1/sessions/<str:session>/objects/<str:file>": _OF_SESSION,
}
LINES: dict[str, Line] = {
    **{f"judge0/{route}": line for route, line in _JUDGE0.items()},
    **_JUDGE0,
    **{f"api/v2{route}": line for route, line in _PISTON.items()},
    **{f"api/v2/piston{route}": line for route, line in _PISTON.items()},
    **_OTHERS,
    f"{JOBE}/languages": Line(),
    f"{JOBE}/files/<str:file_id>": Line({"put": FILE}, {"file_id": CANARY}),
    f"{JOBE}/runs": Line({"post": JOBE_RUN}),
}
"""By route, without a slash at its end. What comes first is asked first."""


def _routes(found: Any) -> Iterator[tuple[str, Any]]:
    for pattern in found:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            view: Any = pattern.callback
            if not issubclass(view.view_class, NothingHere):
                route = str(pattern.pattern).removeprefix("^").removesuffix("(?:/|$)")
                yield route.rstrip("/"), view.view_class


ROUTES = dict(_routes(patterns(built(), root="judge0")))


def methods_of(route: str) -> list[str]:
    return [method.lower() for method in ROUTES[route]().allowed_methods if method != "OPTIONS"]


def ask(method: str, route: str, key: str | None) -> Any:
    line = LINES[route]
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda place: line.words[place[1]], route)
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    body = json.dumps(line.bodies.get(method, {})) if method not in ("get", "head") else ""
    return Client(headers=headers).generic(method.upper(), path, body, content_type="application/json")


def is_refused(answer: Any) -> bool:
    """Whether it was the key: Dify's answers are 200, and say it themselves."""
    return answer.status_code in (401, 403) or (
        answer.status_code == 200 and answer["Content-Type"] == "application/json" and answer.json()["code"] == -403
    )


@pytest.fixture
def mine(python: Language, fake_backend: FakeBackend) -> str:
    """The key of a client whose mark is wherever a door takes one."""
    key = create(f"{CANARY} key", client=f"{CANARY} 1", rights=Right)
    fake_backend.behave = lambda _job: JobResult((ran(CANARY.encode()),))
    for route in LINES:
        for method in methods_of(route):
            assert ask(method, route, key).status_code != 500
    upload = {"kind": "user", "file": SimpleUploadedFile(CANARY, CANARY.encode())}
    assert Client(headers={"authorization": f"Bearer {key}"}).post("/v1/upload", upload).status_code == 200
    SessionFile.objects.filter(name=CANARY).update(session=SESSION, file=SESSION_FILE)
    fake_backend.behave = lambda _job: JobResult((ran(b"theirs"),))
    return key


def test_every_route_has_a_line() -> None:
    assert set(ROUTES) == set(LINES)


def test_nobody_meets_what_is_anothers(mine: str) -> None:
    theirs = create("another", rights=Right)
    for route, line in LINES.items():
        # What may be written is tried last: then it would be their own.
        for method in sorted(methods_of(route), key=line.bodies.__contains__):
            for key in (theirs, None):
                answer = ask(method, route, key)
                assert answer.status_code != 500
                assert CANARY not in answer.content.decode(), (method, route)
                assert "canary" not in str(answer.headers).lower(), (method, route)


def test_an_id_that_is_anothers_is_as_one_that_there_never_was(mine: str) -> None:
    theirs = create("another", rights=Right)
    for route, line in LINES.items():
        method = next((each for each in ("head", "get") if each in methods_of(route)), None)
        if line.words and line.own and method is not None:
            assert ask(method, route, mine).status_code < 300
            assert ask(method, route, theirs).status_code == line.missing


def test_a_key_without_rights_can_do_nothing_that_needs_one(mine: str) -> None:
    powerless = create("powerless", client=f"{CANARY} 1", rights=[])
    for route, view in ROUTES.items():
        for method in methods_of(route):
            if method.upper() in getattr(view, "rights", {}):
                assert is_refused(ask(method, route, powerless)), (method, route)


def test_a_key_is_refused_everywhere_from_where_it_may_not_be_used(mine: str) -> None:
    Tenant.objects.update(networks=["203.0.113.0/24"])
    authentication.verified.clear()
    for route in (route for route, line in LINES.items() if not line.alive):
        for method in methods_of(route):
            assert is_refused(ask(method, route, mine)), (method, route)
