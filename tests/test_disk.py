"""With little room on its disk the server stores less, with less it takes nothing in, and says so."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions.models import Batch, CallerStorage, Execution, Store
from gexec import health
from rest import disk

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

LOW, FULL = "GEXEC_DISK_LOW_MB", "GEXEC_DISK_FULL_MB"
MORE_THAN_THERE_IS = 1 << 40


@pytest.fixture(autouse=True)
def looked_at_anew(settings: Settings, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.DATABASE_URL = ""
    monkeypatch.setattr(fake_backend, "images", lambda **_: SimpleNamespace(ping=lambda: None))
    disk.forget()
    health.parts.forget()
    yield
    disk.forget()
    health.parts.forget()


def post(path: str = "/execute", key: str | None = None, **fields: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = {"language": "python", "source_code": "print(1)"} | fields
    return Client(headers=headers).post(path, json.dumps(body), "application/json")


def ready() -> tuple[int, str, str]:
    response = Client().get("/readyz")
    return response.status_code, response.json()["status"], response.json()["disk"]


def test_with_room_everything_is_kept() -> None:
    assert post().status_code == 200
    assert Execution.objects.get().source == "print(1)"
    assert ready() == (200, "ok", "ok")


def test_with_little_room_what_is_large_is_not_kept(settings: Settings, admin_client: Client) -> None:
    setattr(settings, LOW, MORE_THAN_THERE_IS)
    answer = post(stdin="1")
    assert (answer.status_code, answer.json()["error"]) == (200, "")
    row = Execution.objects.get()
    assert (row.source, bytes(row.stdin), bytes(row.output), row.store) == ("", b"", b"", Store.NO_DISK)
    assert row.outcome == "ok"
    # It is no fault of its caller, whose share of the day is untouched.
    assert not CallerStorage.objects.exists()
    assert ready() == (200, "ok", "low")
    page = admin_client.get(reverse("admin:executions_execution_change", args=[row.pk])).content.decode()
    assert "the disk had no room" in page
    assert "disk" in admin_client.get(reverse("admin:executions_execution_changelist")).content.decode()


PROGRAM = {"language": "python", "source_code": "x"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/execute", PROGRAM),
        ("/execute", PROGRAM | {"language": "no such"}),
        ("/api/v1/executions", PROGRAM),
        ("/api/v1/executions", PROGRAM | {"wait": False}),
        ("/api/v1/batches", {"items": [PROGRAM]}),
    ],
)
def test_without_room_nothing_is_taken_in(settings: Settings, path: str, body: dict[str, Any]) -> None:
    http = Client(headers={"authorization": f"Bearer {create('a')}"})
    setattr(settings, FULL, MORE_THAN_THERE_IS)
    response = http.post(path, json.dumps(body), "application/json")
    assert not Execution.objects.exists()
    assert not Batch.objects.exists()
    assert ready() == (503, "down", "full")
    assert (response.status_code, response["Retry-After"]) == (503, str(disk.RETRY_AFTER_S))
    assert "disk is full" in response.content.decode()


def test_no_file_is_taken_in_with_little_room(settings: Settings) -> None:
    http = Client(headers={"authorization": f"Bearer {create('a')}"})
    assert http.put("/api/v1/files", b"x", "application/octet-stream").status_code in (200, 201)
    setattr(settings, LOW, MORE_THAN_THERE_IS)
    response = http.put("/api/v1/files", b"y", "application/octet-stream")
    assert (response.status_code, response.json()["code"]) == (503, "disk_full")


def test_a_database_elsewhere_has_a_disk_of_its_own(settings: Settings) -> None:
    setattr(settings, FULL, MORE_THAN_THERE_IS)
    settings.DATABASE_URL = "postgresql://elsewhere/gexec"
    assert post().status_code == 200


def test_nothing_is_asked_of_a_disk_without_marks(settings: Settings) -> None:
    settings.GEXEC_DISK_LOW_MB = settings.GEXEC_DISK_FULL_MB = 0
    assert disk.room() is disk.Room.OK


def test_what_cannot_be_seen_stops_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OSError("stale")

    monkeypatch.setattr("rest.disk.shutil.disk_usage", fail)
    assert disk.room() is disk.Room.OK
