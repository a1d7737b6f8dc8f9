"""Files that a program leaves: told in the answer, and read by name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from clients.authentication import create, create_for
from clients.models import Client as Tenant
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions import artifacts, erasure
from executions.models import ArtifactFile, Execution
from files.digests import id_of
from files.store import store
from languages.models import Language
from sandbox.types import Artifact, ArtifactRequest, JobResult
from tests.fake_backend import ran

pytestmark = pytest.mark.usefixtures("rate_limit_off")

LARGE = bytes(range(256)) * 1024
PAGE = b"<script>alert(1)</script>"


def post(http: Client, **fields: Any) -> Any:
    body = {"language": "python", "source_code": "x", "artifacts": {"paths": ["*.png", "out/**"]}} | fields
    return http.post("/api/v1/executions", json.dumps(body), "application/json").json()


def leaves(backend: FakeBackend, *artifacts: Artifact) -> None:
    backend.behave = lambda _job: JobResult((ran(),), artifacts)


@pytest.fixture
def http(python: Language) -> Client:
    return Client(headers={"authorization": f"Bearer {create('mine')}"})


def test_small_ones_come_with_the_answer(http: Client, fake_backend: FakeBackend) -> None:
    leaves(fake_backend, Artifact("out/page.html", len(PAGE), PAGE), Artifact("big", 10**9, None, "too_large"))
    page, big = post(http)["artifacts"]
    assert page == {
        "name": "out/page.html", "bytes": len(PAGE), "media_type": "text/html", "file": None, "skipped": None,
        "sha256": hashlib.sha256(PAGE).hexdigest(), "content": {"base64": base64.b64encode(PAGE).decode()},
    }  # fmt: skip
    assert (big["content"], big["file"], big["sha256"], big["skipped"]) == (None, None, None, "too_large")
    assert fake_backend.jobs[0].artifacts == ArtifactRequest(("*.png", "out/**"), 20, 8 * 1024 * 1024)


def test_a_page_is_saved_and_never_shown(http: Client, fake_backend: FakeBackend) -> None:
    leaves(fake_backend, Artifact("out/ü.html", len(PAGE), PAGE), Artifact("a.png", 3, b"png"))
    where = post(http)["links"]["self"] + "/artifacts"
    response = http.get(f"{where}/out/%C3%BC.html")
    assert response.content == PAGE
    assert response["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%BC.html"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert http.get(f"{where}/a.png")["Content-Disposition"].startswith("inline")
    assert http.get(f"{where}/b.png").status_code == Client().get(f"{where}/a.png").status_code == 404


def test_large_ones_are_files_of_the_client(http: Client, fake_backend: FakeBackend) -> None:
    leaves(fake_backend, Artifact("a.bin", len(LARGE), LARGE))
    told = post(http)
    (entry,) = told["artifacts"]
    assert (entry["content"], entry["file"]) == (None, f"sha256:{hashlib.sha256(LARGE).hexdigest()}")
    assert b"".join(http.get(f"/api/v1/files/{entry['file']}").streaming_content) == LARGE  # type: ignore[attr-defined]
    assert http.get(f"{told['links']['self']}/artifacts/a.bin").content == LARGE
    http.delete(f"/api/v1/files/{entry['file']}")
    assert http.get(f"{told['links']['self']}/artifacts/a.bin").status_code == 404


def test_what_is_erased_takes_its_files_along(python: Language, fake_backend: FakeBackend) -> None:
    client = Tenant.objects.create(name="mine")
    key, _ = create_for(client, "admin", rights=list(Right))
    http, other = Client(headers={"authorization": f"Bearer {key}"}), LARGE[::-1]
    had = id_of(store.put(client.pk, io.BytesIO(other)).digest)
    leaves(fake_backend, Artifact("a.bin", len(LARGE), LARGE), Artifact("had.bin", len(other), other))
    first, second = post(http, tags={"who": "a"}), post(http, tags={"who": "b"})
    file = first["artifacts"][0]["file"]
    assert http.delete(first["links"]["self"]).status_code == 200
    # The second one has left it too.
    assert http.head(f"/api/v1/files/{file}").status_code == 200
    http.post("/api/v1/executions/erase", json.dumps({"tag.who": "b"}), "application/json")
    assert erasure.carry_out(threading.Event()) == 1
    assert http.head(f"/api/v1/files/{file}").status_code == 404
    # What the client had before is no work of theirs.
    assert http.head(f"/api/v1/files/{had}").status_code == 200
    assert (second["artifacts"][1]["file"], ArtifactFile.objects.count()) == (had, 0)


def test_large_ones_without_a_key_are_left_out(python: Language, fake_backend: FakeBackend) -> None:
    leaves(fake_backend, Artifact("a.bin", len(LARGE), LARGE))
    (entry,) = post(Client())["artifacts"]
    assert (entry["content"], entry["file"], entry["skipped"]) == (None, None, "too_large")


def test_readers_of_a_page_leave_nothing_in_the_clients_store(
    python: Language, fake_backend: FakeBackend, settings: Settings
) -> None:
    """What does not fit into an answer is not even taken from the sandbox."""
    settings.GEXEC_ALLOWED_ORIGINS = ["https://page.example.org"]
    key = create("page", publishable=True)
    Tenant.objects.update(origins=["https://page.example.org"])
    post(Client(headers={"authorization": f"Bearer {key}", "origin": "https://page.example.org"}))
    post(Client())
    assert {job.artifacts and job.artifacts.max_bytes for job in fake_backend.jobs} == {artifacts.INLINE_BYTES}


def test_nothing_of_them_is_kept_where_that_is_wished(http: Client, fake_backend: FakeBackend) -> None:
    leaves(fake_backend, Artifact("a.png", 3, b"png"))
    told = post(http, store="no_code")
    assert told["artifacts"][0]["content"] is not None
    assert Execution.objects.get().artifacts is None
    assert http.get(f"{told['links']['self']}/artifacts/a.png").status_code == 404
