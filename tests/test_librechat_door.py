"""LibreChat's code interpreter: its tools' requests, the files of its conversations, and its tokens."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.core.checks import run_checks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.models import Client
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions.compat.librechat import owners, sessions, tokens
from executions.compat.librechat.models import SessionFile
from executions.models import Execution
from files.models import File
from files.store import store
from languages.models import Language
from sandbox.errors import PoolBusy
from sandbox.types import Artifact, JobResult, Outcome, StepResult
from testkit.servers import Answer, RunningServer
from tests.door_lab import Door, bodies, door, install
from tests.fake_backend import ran, result

EXEC = "/v1/exec"
KEY = "X-API-Key"
PROGRAM = {"lang": "py", "code": "print(1)"}
NEVER = "A" * 21
REFERENCE = {"id": NEVER, "session_id": NEVER, "name": "x"}
PRIVATE = ed25519.Ed25519PrivateKey.generate()
PUBLIC = (
    PRIVATE.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


FORM = "multipart/form-data; boundary=b"


def _part(head: str, data: bytes) -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"


def form(*files: tuple[str, bytes], **fields: str) -> bytes:
    """As form-data makes it, with the folders of the names."""
    parts = [_part(f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [_part(f'name="file"; filename="{name}"', data) for name, data in files]
    return b"".join(parts) + b"--b--\r\n"


def upload(door: Door, *files: tuple[str, bytes], path: str = "/v1/upload", headers: Any = None, **fields: str) -> Any:
    return door.http.post(
        path, form(*files, **fields), content_type=FORM, headers={KEY: door.key} if headers is None else headers
    )


def reference(answer: Any, number: int = 0, **more: Any) -> dict[str, Any]:
    """As LibreChat hands on a file that was uploaded."""
    file = answer.json()["files"][number]
    session = answer.json()["storage_session_id"]
    return {"id": file["fileId"], "storage_session_id": session, "name": file["filename"], **more}


def token(person: str = "user-1", key: Any = PRIVATE, alg: str = "EdDSA", kid: str = "lc", **changed: Any) -> str:
    """As LibreChat signs one for each request."""
    now = int(time.time())
    claims = {
        "iss": "librechat", "aud": "codeapi", "sub": person, "iat": now, "nbf": now, "exp": now + 300, "jti": "1",
        "tenant_id": "legacy", "role": "USER", "principal_source": "librechat_jwt", "auth_context_hash": "x",
    } | changed  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid})


@pytest.fixture
def chat(python: Language, go: Language, fake_backend: FakeBackend) -> Door:
    return door(KEY)


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors", "rate_limit_off")
class TestExec:
    """POST /v1/exec."""

    def leaves(self, backend: FakeBackend, *left: Artifact, stdout: bytes = b"1\n") -> None:
        backend.behave = lambda _job: JobResult((ran(stdout),), left)

    @pytest.mark.parametrize(
        ("ended", "told"),
        [
            (ran(b"1\n", stderr=b"w"), {"stdout": "1\n", "stderr": "w", "code": 0}),
            (ran(b"", Outcome.NONZERO_EXIT, exit_code=2), {"code": 2, "status": "RE"}),
            (ran(b"", Outcome.SIGNAL, signal=11), {"signal": "SIGSEGV", "status": "SG"}),
            (
                ran(b"a", Outcome.TIMEOUT_WALL, stderr=b"w"),
                {"stdout": "a", "stderr": "w\nexecution timed out after 30000 ms\n", "signal": "SIGKILL",
                 "message": "Time limit exceeded", "status": "TO"},
            ),
            (
                ran(b"", Outcome.OUT_OF_MEMORY),
                {"stderr": "memory limit of 128 MB exceeded\n", "signal": "SIGKILL", "message": "Out of memory",
                 "status": "SG"},
            ),
            (
                StepResult("compile", Outcome.NONZERO_EXIT, stderr=b"no\n", exit_code=1, wall_ms=5.0),
                {"stderr": "no\n", "code": 1, "status": "RE"},
            ),
        ],
    )  # fmt: skip
    def test_the_answer(self, chat: Door, fake_backend: FakeBackend, ended: StepResult, told: dict[str, Any]) -> None:
        fake_backend.behave = lambda _job: result(ended)
        answer = chat.post(EXEC, PROGRAM | {"lang": "go", "args": ["a"], "user_id": "u", "session_id": NEVER})
        nothing = {"stdout": "", "stderr": "", "code": None, "signal": None, "message": None, "status": None}
        body = answer.json()
        assert answer.status_code == 200
        assert sessions.is_id(body.pop("session_id"))
        assert body == {**nothing, "files": [], "wall_time": 5, **told}
        assert (Execution.objects.get().door, answer["X-CodeAPI-Execution-Profile"]) == ("librechat", "default")

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({"lang": "ruby", "code": ""}, 400, "Unsupported language: ruby"),
            ({"lang": "java", "code": ""}, 400, "Unsupported language: java"),
            ({"code": ""}, 400, "Unsupported language: undefined"),
            ({"lang": "py"}, 400, "code must be a string"),
            (PROGRAM | {"args": "x"}, 400, "args must be an array of strings"),
            (PROGRAM | {"timeout": -1}, 400, "timeout must be a positive number"),
            (PROGRAM | {"files": {}}, 400, "files must be an array"),
            (PROGRAM | {"files": [1]}, 400, "files[0] must be an object"),
            (PROGRAM | {"files": [{"id": "x"}]}, 400, "files[0].id is invalid"),
            (PROGRAM | {"files": [{"id": NEVER, "session_id": "x"}]}, 400, "files[0].storage_session_id is invalid"),
            (PROGRAM | {"files": [{"id": NEVER, "session_id": NEVER}]}, 400, "files[0].name must be a string"),
            (
                PROGRAM | {"files": [REFERENCE | {"name": "../x"}]}, 400,
                "files[].name must not contain empty, current, or parent path segments",
            ),
            (
                PROGRAM | {"files": [REFERENCE | {"kind": "skill", "resource_id": "s"}]}, 400,
                "files[0].version is required for kind: 'skill'",
            ),
            (PROGRAM | {"files": [REFERENCE]}, 403, "Unauthorized file reference"),
            ("{", 400, "Invalid JSON"),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, chat: Door, body: Any, status: int, error: str) -> None:
        answer = chat.post(EXEC, body)
        assert (answer.status_code, answer.json()) == (status, {"error": error})

    def test_what_a_program_leaves_is_a_file_of_its_session(self, chat: Door, fake_backend: FakeBackend) -> None:
        left = (
            Artifact("main.py", 8, b"print(1)"),
            Artifact("plot.png", 4, b"\x89PNG"),
            Artifact("a/b.csv", 3, b"1,2"),
            Artifact(".cache/x", 1, b"x"),
            Artifact("link", 0, None, "not_regular"),
            Artifact("huge", 10**9, None, "too_large"),
        )
        self.leaves(fake_backend, *left)
        body = chat.post(EXEC, PROGRAM).json()
        session = body["session_id"]
        assert [(each["name"], each["storage_session_id"]) for each in body["files"]] == [
            ("plot.png", session),
            ("a/b.csv", session),
        ]
        assert body["artifact_delivery"] == {
            "code": "artifact_delivery_failed", "status": "partial", "attempted": 3, "delivered": 2, "failed": 1,
        }  # fmt: skip
        answer = chat.get(f"/v1/download/{session}/{body['files'][1]['id']}?kind=user&id=x")
        assert (answer.getvalue(), answer["Content-Type"], answer["Content-Length"]) == (b"1,2", "text/csv", "3")
        assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''a%2Fb.csv"
        assert "sandbox" in answer["Content-Security-Policy"]

    def test_large_files_come_back_too(self, chat: Door, fake_backend: FakeBackend) -> None:
        data = bytes(range(256)) * 1000
        self.leaves(fake_backend, Artifact("big.bin", len(data), data))
        body = chat.post(EXEC, PROGRAM).json()
        url = f"/v1/download/{body['session_id']}/{body['files'][0]['id']}"
        assert chat.get(url).getvalue() == data
        assert SessionFile.objects.get().brought

    def test_files_of_sessions_lie_beside_the_program(self, chat: Door, fake_backend: FakeBackend) -> None:
        sent = upload(
            chat, ("main.py", b"x = 1"), ("d/data.csv", b"1;2"), ("same.txt", b"same"), path="/v1/upload/batch"
        )
        files = [reference(sent, n) for n in range(3)]
        files[2] |= {"kind": "user", "resource_id": "u"}
        self.leaves(
            fake_backend, Artifact("d/data.csv", 3, b"3;4"), Artifact("same.txt", 4, b"same"), Artifact("n", 1, b"n")
        )
        body = chat.post(EXEC, PROGRAM | {"files": [*files, files[0]]}).json()
        assert {file.name: file.content for file in fake_backend.jobs[0].files} == {
            "program1.py": b"print(1)", "main.py": b"x = 1", "d/data.csv": b"1;2", "same.txt": b"same",
        }  # fmt: skip
        changed, new, same = body["files"]
        origin = {"id": files[1]["id"], "storage_session_id": files[1]["storage_session_id"]}
        assert (changed["name"], changed["modified_from"]) == ("d/data.csv", origin)
        assert (new["name"], "modified_from" in new, "inherited" in new) == ("n", False, False)
        assert (same["id"], same["inherited"], same["kind"]) == (files[2]["id"], True, "user")
        # As the client hands it on, it is there the next time.
        again = {key: changed[key] for key in ("id", "storage_session_id", "name")}
        assert chat.post(EXEC, PROGRAM | {"files": [again]}).status_code == 200
        assert fake_backend.jobs[1].files[1].content == b"3;4"

    def test_changes_of_what_is_read_only_are_not_told(self, chat: Door, fake_backend: FakeBackend) -> None:
        sent = upload(chat, ("SKILL.md", b"# x"), kind="skill", id="s1", version="3", read_only="true")
        file = reference(sent, kind="skill", resource_id="s1", version=3)
        self.leaves(fake_backend, Artifact("SKILL.md", 1, b"!"))
        (told,) = chat.post(EXEC, PROGRAM | {"files": [file]}).json()["files"]
        assert told["inherited"]
        assert (told["id"], told["version"]) == (file["id"], 3)

    def test_too_many_is_told_with_how_long_to_wait(self, chat: Door, settings: Any, fake_backend: FakeBackend) -> None:
        settings.GEXEC_KEY_RATE_LIMIT = "1/h"
        answer = [chat.post(EXEC, PROGRAM) for _ in range(2)][-1]
        body = answer.json()
        assert (answer.status_code, body["error"]) == (429, "rate_limited")
        assert body["message"].startswith("Too many CodeAPI execution requests. Please retry in ")
        assert body["retry_after_seconds"] == int(answer["Retry-After"]) > 0

    def test_faults_of_ours(self, chat: Door, fake_backend: FakeBackend) -> None:
        fake_backend.behave = lambda _job: result(ran(b"", Outcome.SANDBOX_ERROR, started=False, detail="x"))
        answer = chat.post(EXEC, PROGRAM)
        assert (answer.status_code, answer.json()["error"]) == (502, "sandbox_execution_failed")
        fake_backend.refuse = PoolBusy("full", retry_after_s=1)
        assert (chat.post(EXEC, PROGRAM).status_code, chat.post(EXEC, PROGRAM)["Retry-After"]) == (503, "1")

    def test_limits(self, chat: Door, fake_backend: FakeBackend) -> None:
        for timeout in (None, 1500.5, 10**400, 0.1):
            chat.post(EXEC, PROGRAM | {"timeout": timeout})
        walls = [job.steps[0].limits.wall_ms for job in fake_backend.jobs]
        assert walls == [30_000, 1500, 300_000, 1]

    @pytest.mark.parametrize("headers", [{}, {KEY: "wrong"}, {"Authorization": "Bearer a.b.c"}])
    def test_nobody_comes_in_without_a_key(self, chat: Door, headers: dict[str, str]) -> None:
        anybody = Door("", KEY)
        for answer in (
            anybody.post(EXEC, PROGRAM, **headers),
            anybody.get(f"/v1/files/{NEVER}", **headers),
            upload(anybody, ("a", b""), headers=headers),
        ):
            told = "Invalid bearer token" if headers else "Bearer token is required"
            assert (answer.status_code, answer.json()) == (401, {"error": told})

    def test_rights(self, chat: Door) -> None:
        for rights in ([Right.EXECUTE], [Right.MANAGE_FILES]):
            assert door(KEY, client=f"{rights}", rights=rights).post(EXEC, PROGRAM).status_code == 403
        assert upload(door(KEY, client="x", rights=[Right.EXECUTE]), ("a", b"")).status_code == 403

    def test_the_rest(self, chat: Door) -> None:
        health = Door("", KEY).get("/v1/health")
        assert (health.status_code, health.content) == (200, b"OK")
        tools = chat.post(f"{EXEC}/programmatic", {"code": "x", "tools": []})
        assert (tools.status_code, tools.json()["error"]) == (501, "unsupported_capability")
        other = chat.post(EXEC, PROGRAM, **{"X-CodeAPI-Expected-Profile": "stateful"})
        assert (other.status_code, other.json()["error"]) == (409, "execution_profile_mismatch")
        for path in ("/v1/exec", "/v1/files", "/v1/sessions/x", "/v1/exec/more"):
            assert (chat.get(path).status_code, chat.get(path).json()) == (404, {"error": "Not found"})

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        bodies(
            {
                "lang": st.sampled_from(["py", "go", "PYTHON"]),
                "code": st.just("print(1)"),
                "args": st.lists(st.text(max_size=3)),
                "timeout": st.floats(allow_nan=False),
                "files": st.lists(
                    st.fixed_dictionaries(
                        {"id": st.just(NEVER), "session_id": st.just(NEVER), "name": st.text(max_size=4)},
                        optional={"kind": st.sampled_from(owners.KINDS) | st.text(), "version": st.integers()},
                    ),
                    max_size=2,
                ),
            }
        )
    )
    def test_no_body_is_a_fault(self, chat: Door, body: bytes) -> None:
        answer = chat.post(EXEC, body)
        assert answer.status_code in {200, 400, 403}
        assert ("error" in answer.json()) is (answer.status_code != 200)


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors", "rate_limit_off")
class TestFiles:
    """What is uploaded, listed, fetched and deleted."""

    def test_one_file(self, chat: Door) -> None:
        answer = upload(chat, ("zählung.csv", b"1,2"), kind="user", id="u")
        body = answer.json()
        session, file = body["storage_session_id"], body["files"][0]["fileId"]
        assert answer.status_code == 200
        assert body == {
            "message": "success", "storage_session_id": session, "session_id": session,
            "files": [{"fileId": file, "filename": "zählung.csv"}],
        }  # fmt: skip
        got = chat.get(f"/v1/download/{session}/{file}")
        assert (got.getvalue(), got["X-Original-Filename"]) == (b"1,2", "z%C3%A4hlung.csv")
        (simple,) = chat.get(f"/v1/files/{session}").json()
        assert simple == f"{session}/{file}.csv"
        (summary,) = chat.get(f"/v1/files/{session}?detail=summary&kind=user").json()
        assert (summary["name"], summary["size"]) == (simple, 3)
        assert summary["lastModified"].endswith("Z")
        (full,) = chat.get(f"/v1/files/{session}?detail=full").json()
        assert full["metadata"]["original-filename"] == "zählung.csv"
        (normalized,) = chat.get(f"/v1/files/{session}?detail=normalized").json()
        assert (normalized["id"], normalized["storage_session_id"]) == (file, session)
        known = chat.get(f"/v1/sessions/{session}/objects/{file}").json()
        assert (known["originalFilename"], known["lastModified"]) == ("zählung.csv", summary["lastModified"])

    def test_a_form_that_comes_in_chunks(self, chat: Door) -> None:
        """As axios sends a stream: of unknown length."""
        sent: dict[str, Any] = {
            "wsgi.input_terminated": True,
            "wsgi.input": io.BytesIO(form(("a.txt", b"hello"))),
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_TYPE": FORM,
        }
        answer = chat.http.generic("POST", "/v1/upload", headers={KEY: chat.key}, **sent)
        assert answer.json()["files"][0]["filename"] == "a.txt"

    def test_deleting(self, chat: Door) -> None:
        for path in ("/v1/files/{}/{}", "/v1/sessions/{}/objects/{}"):
            sent = upload(chat, ("a", b"1"), ("b", path.encode()), path="/v1/upload/batch")
            one, two = (reference(sent, n) for n in range(2))
            at = [path.format(each["storage_session_id"], each["id"]) for each in (one, two)]
            told = {
                "message": "File deleted successfully",
                "session_id": one["storage_session_id"],
                "fileId": one["id"],
            }
            assert chat.delete(at[0]).json() == told
            assert (chat.delete(at[0]).status_code, chat.delete(at[0]).json()["error"]) == (404, "File not found")
            assert chat.delete(at[1]).status_code == 200
            assert chat.delete(at[1]).status_code == 403
        assert not File.had.exists()

    def test_what_the_client_had_before_stays(self, chat: Door) -> None:
        client = Execution(client_id=None)
        first = upload(chat, ("a", b"1"))
        client.client_id = SessionFile.objects.get().client_id
        assert client.client_id is not None
        second = upload(chat, ("b", b"1"))
        own = store.put(client.client_id, io.BytesIO(b"own"))
        third = upload(chat, ("c", b"own"))
        for sent, left in ((first, 2), (second, 1), (third, 1)):
            each = reference(sent)
            assert chat.delete(f"/v1/files/{each['storage_session_id']}/{each['id']}").status_code == 200
            assert File.had.count() == left
        assert File.had.get().digest == own.digest

    def test_a_day_later_it_is_gone(self, chat: Door) -> None:
        sent = reference(upload(chat, ("a", b"1")))
        SessionFile.objects.update(expires_at=SessionFile.objects.get().created_at - timedelta(seconds=1))
        assert chat.get(f"/v1/files/{sent['storage_session_id']}").status_code == 403
        assert chat.post(EXEC, PROGRAM | {"files": [sent]}).status_code == 403
        assert sessions.expire(threading.Event()) == 1
        assert (SessionFile.objects.count(), File.had.count()) == (0, 0)

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("../a", "must not contain"),
            ("/a", "must be a relative path"),
            ("a\\b", "contains invalid"),
            ("a" * 300, "must not exceed"),
        ],
    )
    def test_names_that_lead_elsewhere(self, chat: Door, name: str, why: str) -> None:
        one = upload(chat, (name, b"x"))
        assert (one.status_code, one.json()["error"].startswith(f"filename {why}")) == (400, True)
        two = upload(chat, (name, b"x"), ("good", b"y"), path="/v1/upload/batch").json()
        assert (two["message"], two["succeeded"], two["failed"]) == ("partial_success", 1, 1)
        assert two["files"][1] == {"status": "success", "filename": "good", "fileId": two["files"][1]["fileId"]}
        assert File.had.count() == 1

    def test_sizes(self, chat: Door, settings: Any) -> None:
        settings.GEXEC_MAX_FILE_BYTES = 1000
        one = upload(chat, ("a", b"x" * 1001), ("b", b"y"))
        assert (one.status_code, one.json()) == (413, {"error": "File size limit exceeded"})
        batch = upload(chat, ("a", b"x" * 1001), path="/v1/upload/batch")
        assert (batch.status_code, batch.json()["message"]) == (400, "error")
        assert batch.json()["files"] == [{"status": "error", "filename": "a", "error": "File size limit exceeded"}]
        assert not File.had.exists()

    def test_a_client_that_has_no_room_left(self, chat: Door) -> None:
        Client.objects.update(file_store_bytes=5000)
        answer = upload(chat, ("a", b"x"), ("b", b"y" * 5000))
        assert (answer.status_code, answer.json()["error"]) == (413, "The files of this client take all that they may")
        assert not SessionFile.objects.exists()
        assert not File.had.exists()

    def test_more_files_than_are_taken(self, chat: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("executions.compat.librechat.uploads.MAX_FILES", 2)
        body = upload(chat, ("a", b""), ("b", b""), ("c", b""), path="/v1/upload/batch").json()
        assert (body["succeeded"], body["filesLimitReached"]) == (2, True)

    @pytest.mark.parametrize(
        ("body", "content_type", "error"),
        [
            (b"{}", "application/json", "Invalid content type. Must be multipart/form-data."),
            (b"x", "multipart/form-data", "Error processing upload"),
            (b"x", FORM, "No files provided"),
            (form(kind="user"), FORM, "No files provided"),
        ],
    )
    def test_what_is_no_form_with_files(self, chat: Door, body: bytes, content_type: str, error: str) -> None:
        for path in ("/v1/upload", "/v1/upload/batch"):
            answer = chat.post(path, body, content_type=content_type)
            assert (answer.status_code, answer.json()) == (400, {"error": error})

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"kind": "x"}, "kind must be one of: skill, agent, user"),
            ({"kind": "agent"}, "id is required for kind: 'agent'"),
            ({"kind": "agent", "id": "a b"}, "id is invalid"),
            ({"kind": "skill", "id": "s"}, "version is required for kind: 'skill'"),
            ({"kind": "skill", "id": "s", "version": "nan"}, "version must be a number for kind: 'skill'"),
            ({"kind": "user", "version": "1"}, "version is only valid for kind: 'skill'"),
        ],
    )
    def test_owners_that_there_are_not(self, chat: Door, fields: dict[str, str], error: str) -> None:
        answer = upload(chat, ("a", b""), **fields)
        assert (answer.status_code, answer.json()) == (400, {"error": error})

    def test_a_session_is_its_owners_alone(self, chat: Door) -> None:
        """Another client, and another thing of the same client's, are told what is told of one that never was."""
        sent = upload(chat, ("a", b"1"), kind="agent", id="agent_1")
        each = reference(sent)
        session, file = each["storage_session_id"], each["id"]
        stranger = door(KEY, client="stranger")
        assert chat.get(f"/v1/files/{session}?kind=agent&id=agent_1").status_code == 200
        for asking, query in ((stranger, "?kind=agent&id=agent_1"), (chat, ""), (chat, "?kind=agent&id=agent_2")):
            for path in (f"files/{session}", f"download/{session}/{file}", f"sessions/{session}/objects/{file}"):
                never = asking.get(f"/v1/{path.replace(session, NEVER)}{query}")
                found = asking.get(f"/v1/{path}{query}")
                assert (found.status_code, found.content) == (never.status_code, never.content) == (403, never.content)
            assert asking.delete(f"/v1/files/{session}/{file}{query}").status_code == 403
        mine = each | {"kind": "agent", "resource_id": "agent_1"}
        assert chat.post(EXEC, PROGRAM | {"files": [mine]}).status_code == 200
        for asking, named in ((stranger, mine), (chat, each), (chat, mine | {"resource_id": "agent_2"})):
            answer = asking.post(EXEC, PROGRAM | {"files": [named]})
            assert (answer.status_code, answer.json()) == (403, {"error": "Unauthorized file reference"})

    @pytest.mark.parametrize("path", ["/v1/files/x", f"/v1/download/{NEVER}/x", "/v1/download/x/y"])
    def test_what_is_no_id(self, chat: Door, path: str) -> None:
        assert (chat.get(path).status_code, chat.get(path).json()) == (400, {"error": "Bad request"})


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("open_doors", "rate_limit_off")
class TestTokens:
    """Who comes with a token of LibreChat's acts by the key that the operator named, and sees one user's files."""

    @pytest.fixture
    def signed(self, chat: Door, settings: Any) -> Door:
        settings.GEXEC_LIBRECHAT_JWT_KEY, settings.GEXEC_LIBRECHAT_API_KEY = PUBLIC, chat.key
        return Door("", KEY)

    def test_a_persons_files_are_that_persons(self, signed: Door) -> None:
        sent = upload(signed, ("a", b"1"), kind="user", headers={"Authorization": f"Bearer {token('anna')}"})
        path = f"/v1/files/{sent.json()['storage_session_id']}?kind=user"
        for person, tenant, status in (("anna", "legacy", 200), ("ben", "legacy", 403), ("anna", "other", 403)):
            found = signed.get(path, Authorization=f"Bearer {token(person, tenant_id=tenant)}")
            assert found.status_code == status
        key = signed.get(path, **{KEY: door(KEY).key})
        assert key.status_code == 403

    @pytest.mark.parametrize(
        "changed",
        [
            {"exp": int(time.time()) - 60}, {"nbf": int(time.time()) + 600}, {"exp": int(time.time()) + 4000},
            {"iss": "x"}, {"aud": "x"}, {"sub": ""}, {"sub": None}, {"jti": None}, {"exp": None}, {"iat": "x"},
            {"sub": 1}, {"tenant_id": 1}, {"key": ed25519.Ed25519PrivateKey.generate()},
            {"key": PUBLIC.encode()[:40], "alg": "HS256"}, {"key": None, "alg": "none"},
            {"key": rsa.generate_private_key(65537, 2048), "alg": "RS256"},
        ],
    )  # fmt: skip
    def test_a_token_that_does_not_hold(self, signed: Door, changed: dict[str, Any]) -> None:
        try:
            made = token(**changed)
        except TypeError:
            pytest.skip("this cannot be signed at all")
        answer = signed.post(EXEC, PROGRAM, Authorization=f"Bearer {made}")
        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid bearer token"})

    @pytest.mark.parametrize(
        "head", ["[" * 4000, "[]", '{"alg":[]}', '{"alg":"EdDSA","kid":[]}', '{"alg":' + "9" * 5000 + "}", "\xff", ""]
    )
    def test_what_is_no_token_at_all(self, signed: Door, head: str) -> None:
        made = base64.urlsafe_b64encode(head.encode("latin-1")).decode().rstrip("=")
        answer = signed.post(EXEC, PROGRAM, Authorization=f"Bearer {made}.e30.eA")
        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid bearer token"})

    def test_a_set_of_keys(self, signed: Door, settings: Any) -> None:
        number = PRIVATE.public_key().public_bytes_raw()
        private = rsa.generate_private_key(65537, 2048)
        other = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
        own = {"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": base64.urlsafe_b64encode(number).decode().rstrip("=")}
        settings.GEXEC_LIBRECHAT_JWT_KEY = json.dumps({"keys": [own, other | {"kid": "two"}]})
        made = {"one": token(kid="one"), "two": token(kid="two", key=private, alg="RS256"), "": token(kid="two")}
        statuses = [signed.post(EXEC, PROGRAM, Authorization=f"Bearer {each}").status_code for each in made.values()]
        assert statuses == [200, 200, 401]

    def test_nobody_has_one_where_no_key_is_set(self, chat: Door) -> None:
        assert tokens.person_in(token()) is None
        assert Door("", KEY).post(EXEC, PROGRAM, Authorization=f"Bearer {token()}").status_code == 401

    @pytest.mark.parametrize(
        ("key", "by", "ids"),
        [("", "", []), (PUBLIC, "x", []), (PUBLIC.replace("\n", "\\n"), "x", []), (PUBLIC, "", ["gexec.E025"]),
         ("", "x", ["gexec.E025"]), ("x", "x", ["gexec.E025"]), ('{"keys": []}', "x", ["gexec.E025"])],
    )  # fmt: skip
    def test_settings_that_do_not_go_together(self, settings: Any, key: str, by: str, ids: list[str]) -> None:
        settings.GEXEC_LIBRECHAT_JWT_KEY, settings.GEXEC_LIBRECHAT_API_KEY = key, by
        assert [found.id for found in run_checks() if found.id == "gexec.E025"] == ids


IN_PYTHON = """\
import sys
print(open("/mnt/data/in.txt").read(), *sys.argv[1:])
open("/mnt/data/out.txt", "w").write("new")
"""
IN_JAVASCRIPT = """\
const fs = require("fs");
console.log(fs.readFileSync("/mnt/data/in.txt", "utf8"), ...process.argv.slice(2));
fs.writeFileSync("/mnt/data/out.txt", "new");
"""
IN_GO = """\
package main

import ("fmt"; "os"; "strings")

func main() {
    data, _ := os.ReadFile("/mnt/data/in.txt")
    fmt.Println(string(data), strings.Join(os.Args[1:], " "))
    os.WriteFile("/mnt/data/out.txt", []byte("new"), 0o644)
}
"""


@pytest.fixture(scope="module")
def key(compat_server: RunningServer) -> str:
    """Of the server's, where JavaScript and Bash are installed."""
    install(compat_server, "javascript", "bash")
    return compat_server.create_api_key("librechat")


class TestRealPrograms:
    """On a real server, as LibreChat's tools ask."""

    def ask(self, server: RunningServer, key: str, lang: str, code: str, **more: Any) -> dict[str, Any]:
        body = {"lang": lang, "code": code, **more}
        answer = server.request(EXEC, body, headers={KEY: key, "User-Agent": "LibreChat/1.0"})
        assert answer.status == 200, answer.body
        told: dict[str, Any] = answer.json()
        return told

    def download(self, server: RunningServer, key: str, told: dict[str, Any], number: int = 0) -> Answer:
        file = told["files"][number]
        return server.request(f"/v1/download/{file['storage_session_id']}/{file['id']}", headers={KEY: key})

    @pytest.mark.parametrize(
        ("lang", "code"),
        [
            ("py", IN_PYTHON),
            ("js", IN_JAVASCRIPT),
            ("bash", 'echo "$(cat /mnt/data/in.txt) $*"; printf new > /mnt/data/out.txt'),
            ("go", IN_GO),
        ],
    )
    def test_files_go_in_and_come_out(self, compat_server: RunningServer, key: str, lang: str, code: str) -> None:
        first = self.ask(compat_server, key, "bash", "printf hello > in.txt")
        told = self.ask(compat_server, key, lang, code, args=["a", "b"], files=first["files"])
        assert (told["stdout"], told["code"]) == ("hello a b\n", 0)
        assert [(file["name"], file.get("inherited")) for file in told["files"]] == [
            ("out.txt", None),
            ("in.txt", True),
        ]
        assert self.download(compat_server, key, told).body == b"new"

    @pytest.mark.parametrize(
        ("lang", "code", "more", "expected"),
        [
            ("go", "package main\nfunc main() { x }", {}, {"status": "RE", "code": 1}),
            ("py", "import os; os.abort()", {}, {"status": "SG", "signal": "SIGABRT"}),
            ("js", "while (true);", {"timeout": 500}, {"status": "TO", "message": "Time limit exceeded"}),
            ("bash", "yes", {}, {"status": "OL", "message": "Output length exceeded"}),
        ],
    )
    def test_one_that_fails(
        self, compat_server: RunningServer, key: str, lang: str, code: str, more: Any, expected: dict[str, Any]
    ) -> None:
        told = self.ask(compat_server, key, lang, code, **more)
        assert {name: told[name] for name in expected} == expected

    def test_what_is_left_of_one_that_failed_comes_back(self, compat_server: RunningServer, key: str) -> None:
        told = self.ask(compat_server, key, "bash", "mkdir -p a/b; echo 1 > a/b/c.txt; ln -s /etc/passwd p; exit 3")
        assert [file["name"] for file in told["files"]] == ["a/b/c.txt"]
        assert told["code"] == 3

    def test_an_upload_that_is_larger_than_a_request(self, compat_server: RunningServer, key: str) -> None:
        data = bytes(range(256)) * 65_536
        headers = {KEY: key, "Content-Type": FORM}
        sent = compat_server.request("/v1/upload", form(("big.bin", data), kind="user"), headers=headers)
        assert sent.status == 200, sent.body
        file = {"id": sent.json()["files"][0]["fileId"], "storage_session_id": sent.json()["storage_session_id"]}
        told = self.ask(compat_server, key, "bash", "sha256sum big.bin", files=[file | {"name": "big.bin"}])
        assert told["stdout"].split()[0] == hashlib.sha256(data).hexdigest()
        assert self.download(compat_server, key, told).body == data
