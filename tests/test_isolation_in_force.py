"""Clients, probes and operators are told what keeps executions apart on this host, not what was asked for."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dispatch.testing import FakeBackend
from executions.dashboard import _parts
from gexec import health
from languages.admin_status import _facts
from languages.host_state import OnHost
from languages.models import Language
from languages.programs import CELLS_PER_CONTAINER, profile_of
from sandbox.types import WarmTarget

pytestmark = pytest.mark.usefixtures("rate_limit_off")
OK = {"database": "ok", "engine": "ok", "disk": "ok"}


@pytest.fixture(autouse=True)
def engine(fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers."""
    monkeypatch.setattr(fake_backend, "images", lambda **_: SimpleNamespace(ping=lambda: None))


def told_by_api() -> Any:
    return Client().get("/api/v1/languages/python").json()["isolation"]


def told_by_probe() -> Any:
    health.parts.forget()
    response = Client().get("/readyz")
    assert response.status_code == 200
    return response.json()["isolation"]


def told_by_admin(language: Language) -> str | None:
    return dict(_facts(language, OnHost())).get("isolation")


def told_by_dashboard(word: str) -> list[str]:
    return [tile.value for tile in _parts(OK | {"isolation": word}) if tile.title == "Isolation"]


def test_nothing_is_said_of_cells_where_nobody_asked(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.keep_warm({profile_of(python): WarmTarget(1, 1)})
    assert (told_by_api(), told_by_probe(), told_by_admin(python)) == ("container", "container", None)
    assert told_by_dashboard("container") == []


@pytest.mark.parametrize(
    ("has", "shared", "api", "probe", "admin", "dashboard"),
    [
        (None, False, None, "not_known", "not known yet", "not known yet"),
        (True, False, "cell", "cell", "cells, in containers of one key each", "cells"),
        (True, True, "shared_cell", "cell", "everybody shares", "cells"),
        (False, False, "container", "refused", "the host refuses cells", "containers"),
        (False, True, "container", "refused", "the host refuses cells", "containers"),
    ],
)
def test_what_holds_is_told_and_not_what_was_asked_for(
    python: Language,
    fake_backend: FakeBackend,
    has: bool | None,
    shared: bool,
    api: str | None,
    probe: str,
    admin: str,
    dashboard: str,
) -> None:
    python.isolation, python.share_containers = "cell", shared
    python.save()
    profile = profile_of(python)
    fake_backend.keep_warm({profile: WarmTarget(1, 1)})
    if has is not None:
        # Of one that a request with limits of its own has had made: the kernel is the same.
        fake_backend.in_cells = {replace(profile, memory_bytes=256 << 20): has, profile: has}
    assert (told_by_api(), told_by_probe()) == (api, probe)
    assert admin in (told_by_admin(python) or "")
    assert told_by_dashboard(probe) == [dashboard]


def test_a_language_may_say_otherwise_than_the_server(python: Language, settings: Any) -> None:
    settings.GEXEC_ISOLATION = "cell"
    assert profile_of(python).cells == CELLS_PER_CONTAINER
    python.isolation = "container"
    assert profile_of(python).cells == 0
    settings.GEXEC_ISOLATION = "container"
    python.isolation, python.runs_per_container = "cell", 7
    assert (profile_of(python).cells, profile_of(python).runs_per_container) == (7, 7)


@pytest.mark.parametrize(("said", "shares"), [("true", True), ("false", False), ("True", True)])
def test_the_command_takes_it_as_the_documents_write_it(python: Language, said: str, shares: bool) -> None:
    call_command("languages", "set", python.slug, "isolation=cell", f"share_containers={said}", stdout=StringIO())
    python.refresh_from_db()
    assert (python.isolation, python.share_containers) == ("cell", shares)
    with pytest.raises(CommandError, match="isolation"):
        call_command("languages", "set", python.slug, "isolation=room")


def test_containers_are_shared_only_with_cells(python: Language, settings: Any) -> None:
    settings.GEXEC_SHARE_CONTAINERS = True
    assert not profile_of(python).share
    python.isolation = "cell"
    assert profile_of(python).share
    settings.GEXEC_SHARE_CONTAINERS = False
    assert not profile_of(python).share
    python.share_containers = True
    assert profile_of(python).share
