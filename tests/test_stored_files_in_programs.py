"""Programs whose files, stdin and source were uploaded before."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions.models import Execution
from languages.models import Language

pytestmark = pytest.mark.usefixtures("rate_limit_off")

DATA = b"\x00binary\xff" * 1000
ID = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


def client(name: str, *, with_file: bool = True) -> Client:
    http = Client(headers={"authorization": f"Bearer {create(name)}"})
    if with_file:
        assert http.put("/api/v1/files", DATA, "application/octet-stream").json()["id"] == ID
    return http


def post(http: Client, **fields: Any) -> Any:
    files = [{"name": "main.py", "content": "x"}, {"name": "data.bin", "content": {"file": ID}}]
    body = {"language": "python", "files": files} | fields
    return http.post("/api/v1/executions", json.dumps(body), "application/json")


def test_what_was_uploaded_reaches_the_program(python: Language, fake_backend: FakeBackend) -> None:
    response = post(client("mine"), stdin={"file": ID})
    assert response.status_code == 200
    (job,) = fake_backend.jobs
    assert {file.name: file.content for file in job.files} == {"main.py": b"x", "data.bin": DATA}
    assert job.steps[0].stdin == DATA
    assert len(json.dumps(Execution.objects.get().job)) < 10_000


@pytest.mark.parametrize("who", ["other", None])
def test_a_file_of_somebody_else_is_missing(python: Language, fake_backend: FakeBackend, who: str | None) -> None:
    client("mine")
    http = Client() if who is None else client(who, with_file=False)
    response = post(http)
    assert (response.status_code, response.json()["code"]) == (422, "file_missing")
    assert response.json()["missing"] == [ID]
    assert not Execution.objects.exists()


@pytest.mark.parametrize("atomic", [False, True])
def test_an_item_of_a_batch_whose_file_is_missing_is_refused_alone(
    python: Language, fake_backend: FakeBackend, atomic: bool
) -> None:
    missing = f"sha256:{'0' * 64}"
    items = [{"source_code": "x", "stdin": {"file": file_id}} for file_id in (ID, missing, ID)]
    body = {"defaults": {"language": "python"}, "items": items, "atomic": atomic}
    response = client("mine").post("/api/v1/batches", json.dumps(body), "application/json")
    told = response.json()
    if atomic:
        assert (response.status_code, told["code"], told["missing"]) == (422, "file_missing", [missing])
        assert not Execution.objects.exists()
        return
    assert [item.get("status") for item in told["items"]] == ["queued", None, "queued"]
    assert told["counts"] == {"queued": 2, "running": 0, "finished": 0, "rejected": 1}
    refused = told["items"][1]["error"]
    assert (refused["status"], refused["code"], refused["missing"]) == (422, "file_missing", [missing])


def test_a_file_that_went_while_it_was_waited_for(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = client("mine")
    fake_backend.warm = False
    reserve = fake_backend.reserve

    def delete_first(*args: Any, **kwargs: Any) -> Any:
        assert http.delete(f"/api/v1/files/{ID}").status_code in (200, 204)
        return reserve(*args, **kwargs)

    monkeypatch.setattr(fake_backend, "reserve", delete_first)
    told = post(http).json()
    assert (told["status"], told["outcome"]) == ("finished", "sandbox_error")
    assert told["error"] == "sandbox error: a file that it refers to was deleted"


@pytest.mark.parametrize("where", ["files", "stdin", "checker"])
def test_of_what_a_server_holds_for_one_program_there_is_an_end(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Each file as often as it is named, wherever it stands: 100 of 64 MiB are in memory while it runs."""
    monkeypatch.setattr("executions.accept.CONTENT_BYTES_AT_MOST", 4 * len(DATA))
    monkeypatch.setattr("django.conf.settings.GEXEC_MAX_FILE_BYTES", 4 * len(DATA))
    http, held = client("mine"), {"file": ID}
    fields: dict[str, Any] = {"files": [{"name": str(number), "content": held} for number in range(4)]}
    fields["files"].append({"name": "main.py", "content": "x"})
    assert post(http, **fields).status_code == 200
    if where == "files":
        fields["files"].append({"name": "one more", "content": held})
    elif where == "stdin":
        fields["stdin"] = held
    else:
        fields |= {"tests": [{}], "grading": {"checker": {"language": "python", "source_code": held}}}
    response = post(http, **fields)
    assert (response.status_code, response.json()["code"]) == (400, "limit_exceeded")


def test_runs_of_one_program_share_its_stdin(python: Language, fake_backend: FakeBackend) -> None:
    for stdin in ({"file": ID}, {"base64": "AAE="}, "text"):
        assert post(client("mine"), stdin=stdin, repeat=20).status_code == 200
        assert len({id(step.stdin) for step in fake_backend.jobs[-1].steps}) == 1


def test_a_variable_that_is_named_file_is_no_file(python: Language, fake_backend: FakeBackend) -> None:
    for value in ("data.csv", ID):
        assert post(Client(), files=[{"name": "main.py", "content": "x"}], env={"file": value}).status_code == 200
        assert fake_backend.jobs[-1].steps[0].environment["file"] == value
