"""Nothing that a client or its program has written is in what gexec writes outside the database, whatever goes wrong.

Each thing that is sent has a word of its own; at the end all of them are looked for in the log, in PostgreSQL's log and
in every other file of the data directory.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import psycopg
import pytest

from gexec.embedded import DATABASE, USER, run_dir
from testkit.containers import containers_of
from testkit.receivers import Receiver, receiver
from testkit.servers import Answer, RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer

DOORS = "piston,judge0,jobe,dify,sandboxfusion,librechat"


class Words:
    """Words that stand for what nobody else is to read."""

    def __init__(self) -> None:
        self.all: dict[str, str] = {}

    def __call__(self, what: str) -> str:
        """The word of it, made at the first call."""
        return self.all.setdefault(what, f"cnry{secrets.token_hex(8)}")

    def program(self) -> str:
        """Prints words that do not stand in it, and has one that it does not print."""
        printed, complained = self("output").encode().hex(), self("errors").encode().hex()
        return (
            f"# {self('source')}\nimport sys\nprint(bytes.fromhex('{printed}').decode(), sys.argv, sys.stdin.read())\n"
            f"sys.stderr.write(bytes.fromhex('{complained}').decode())\n"
        )


@pytest.fixture
def words() -> Words:
    return Words()


def test_nothing_that_was_sent_or_printed_is_written(
    server: StartServer, words: Words, docker_client: docker.DockerClient
) -> None:
    running = server(
        embedded=True,
        GEXEC_LOG_JSON="true",
        GEXEC_COMPAT=DOORS,
        GEXEC_WEBHOOK_HTTP="true",
        GEXEC_WEBHOOK_NETWORKS="127.0.0.0/8",
        GEXEC_SECRET_KEY=words("secret key") * 3,
    )
    key = running.create_api_key("logs")
    words.all["key"] = key.rpartition("_")[2]
    headers = {
        "Authorization": f"Api-Key {key}",
        "Content-Type": "application/json",
        "X-Something": words("header"),
        "Cookie": f"c={words('cookie')}",
        "User-Agent": words("agent"),
        "Referer": f"http://x.example/{words('referer')}",
    }
    with receiver() as listening:
        make_webhook(running, headers, words, listening)
        through_our_doors(running, headers, words)
        through_other_doors(running, headers, words)
        in_vain(running, headers, words)
        to_the_admin(running, words)
        with without_a_column(running):
            while_something_is_broken(running, headers, words)
        under_a_container_that_is_killed(running, headers, words, docker_client)
        eventually(lambda: "webhook sent" in running.log or "webhook failed" in running.log, within_s=30)
    assert "Traceback" in running.log, "nothing has failed: this looked for too little"
    running.stop()
    assert found_in(running, words) == []
    assert '"event": "execution finished"' in running.log


def api(source: str, words: Words) -> dict[str, Any]:
    return {
        "language": "python",
        "stdin": words("stdin"),
        "args": [words("argument")],
        "env": {words("variable").upper(): words("value")},
        "files": [
            {"name": "main.py", "content": source},
            {"name": f"{words('file name')}.txt", "content": words("file")},
        ],
        "tags": {words("tag"): words("tag's value")},
    }


def make_webhook(running: RunningServer, headers: dict[str, str], words: Words, listening: Receiver) -> None:
    url = f"{listening.url}/{words('webhook path')}?token={words('webhook query')}"
    made = running.request("/api/v1/webhooks", {"url": url, "events": ["execution.finished"]}, headers=headers)
    assert made.status == 201, made.body
    words.all["webhook secret"] = made.json()["secret"].removeprefix("whsec_")


def through_our_doors(running: RunningServer, headers: dict[str, str], words: Words) -> None:
    query = f"?{words('query')}={words('query value')}"
    assert running.request(f"/execute{query}", seed(words), headers=headers).status == 200
    asked = api(words.program(), words)
    done = running.request("/api/v1/executions", asked, headers={**headers, "Idempotency-Key": words("repeated")})
    assert done.status in {200, 201}, done.body
    assert words("output") in done.json()["run"]["stdout"]
    background = running.request("/api/v1/executions", asked | {"wait": False}, headers=headers)
    assert background.status == 202, background.body
    path = f"/api/v1/executions/{background.json()['id']}"
    assert running.request(f"{path}?wait=30", headers=headers).json()["status"] == "finished"
    token = running.request(f"{path}/tokens", {}, headers=headers).json()["access_token"]
    words.all["access token"] = token
    assert running.request(f"{path}/events?access_token={quote(token)}").status == 200
    watched = running.request("/api/v1/executions", asked, headers={**headers, "Accept": "text/event-stream"})
    assert words("output").encode() in watched.body
    batch = {"items": [asked, asked | {"language": words("no language")}]}
    assert running.request("/api/v1/batches", batch, headers=headers).status == 202
    sent = {**headers, "Content-Type": "application/octet-stream"}
    put = running.request("/api/v1/files", words("uploaded").encode() * 3000, method="PUT", headers=sent)
    assert put.status in {200, 201}, put.body


def seed(words: Words) -> dict[str, str]:
    return {"language": "python", "source_code": words.program()}


def through_other_doors(running: RunningServer, headers: dict[str, str], words: Words) -> None:
    """Whether each takes all of it is for its own tests: here it is enough that it runs, or refuses."""
    key = headers["Authorization"].removeprefix("Api-Key ")
    headers = {**headers, "X-Api-Key": key, "X-Auth-Token": key}
    source, given = words.program(), words("stdin")
    piston = {"language": "python", "version": "*", "files": [{"content": source}], "stdin": given, "args": [given]}
    judge0 = {"source_code": source, "language_id": 71, "stdin": given, "expected_output": words("expected")}
    jobe = {"run_spec": {"language_id": "python3", "sourcecode": source, "input": given}}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/api/v2/execute", piston),
        ("/judge0/submissions?wait=true", judge0),
        ("/judge0/submissions?wait=true", judge0 | {"language_id": words("number")}),
        ("/jobe/index.php/restapi/runs", jobe),
        ("/v1/sandbox/run", {"language": "python3", "code": source, "preload": words("preload")}),
        ("/run_code", {"code": source, "language": "python", "stdin": given}),
        ("/v1/exec", {"code": source, "lang": "py", "args": [given], "session_id": words("session")}),
    ]
    ran = sum(running.request(path, body, headers=headers).status < 300 for path, body in asked)
    assert ran >= 5


def in_vain(running: RunningServer, headers: dict[str, str], words: Words) -> None:
    """Requests that are refused, at each stage of reading them."""
    paths = ("/execute", "/api/v1/executions", "/api/v2/execute", "/run_code", f"/api/v1/{words('path')}")
    bodies: list[bytes] = [
        b'{"source_code": "' + words("broken").encode() + b'"',
        json.dumps({"language": words("no language"), "source_code": words("source")}).encode(),
        json.dumps({"language": "python", "source_code": f"{words('nul')}\0"}).encode(),
        json.dumps({words("field"): words("field's value"), "source_code": 5, "timeout_ms": words("time")}).encode(),
        b"\xff\xfe" + words("no utf-8").encode(),
        b'{"a": ' + b"[" * 2000 + words("deep").encode(),
    ]
    for path in paths:
        for body in bodies:
            assert running.request(f"{path}?k={words('query')}", body, headers=headers).status >= 400
        assert running.request(path, {}, headers={"Authorization": f"Api-Key {words('wrong key')}"}).status >= 400
    assert running.request("/ping", headers={"Host": f"{words('host')}.example"}).status == 400
    assert (
        running.request("/api/v1/executions", {}, headers={"Origin": f"http://{words('origin')}.example"}).status == 403
    )
    heads = (
        f"GET /{words('no request')} HTTP/1.1 {words('no version')}\r\nHost: x",
        f"{words('no method')} / HTTP/1.1\r\nHost: x",
        f"GET /?{words('query')} HTTP/1.1\r\nHost: x\r\n{words('no header')}",
        f"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {words('no coding')}",
        f"GET / HTTP/1.1\r\nHost: x\r\nBad Name: {words('bad header')}",
    )
    assert sum(b"error" in raw(running, head) for head in heads) >= 3


def raw(running: RunningServer, head: str) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        with suppress(OSError):
            return connection.recv(4096)
    return b""


def to_the_admin(running: RunningServer, words: Words) -> None:
    form = f"username=admin&password={words('password')}&next={words('next')}".encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={words('csrf')}"}
    assert running.request("/admin/login/", form, headers=sent).status == 403
    assert running.request(f"/admin/executions/execution/?q={words('search')}%00").status == 400


@contextmanager
def without_a_column(running: RunningServer) -> Iterator[None]:
    """Inside, every insert fails in the database, which then quotes the statement to whoever sent it."""
    with psycopg.connect(
        host=str(run_dir(running.data_dir)), user=USER, dbname=DATABASE, autocommit=True
    ) as connection:
        connection.execute("ALTER TABLE executions_execution RENAME COLUMN source TO source_gone")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE executions_execution RENAME COLUMN source_gone TO source")
            connection.execute(
                "ALTER TABLE executions_execution ADD CONSTRAINT fails CHECK (language_slug <> 'python') NOT VALID"
            )
            failed = running.request("/execute", {"language": "python", "source_code": "print(1)"})
            connection.execute("ALTER TABLE executions_execution DROP CONSTRAINT fails")
            assert failed.status == 500


def while_something_is_broken(running: RunningServer, headers: dict[str, str], words: Words) -> None:
    assert running.request(f"/execute?{words('query')}", seed(words), headers=headers).status == 500
    asked = api(words.program(), words)
    assert running.request("/api/v1/executions", asked, headers=headers).status == 500
    assert running.request("/api/v1/executions", asked | {"wait": False}, headers=headers).status == 500
    assert running.request("/run_code", {"code": words.program(), "language": "python"}, headers=headers).status >= 500
    found = running.request(f"/api/v1/executions?tag={words('tag')}:{words('value')}", headers=headers)
    assert found.status >= 200


def under_a_container_that_is_killed(
    running: RunningServer, headers: dict[str, str], words: Words, client: docker.DockerClient
) -> None:
    body = {"language": "python", "source_code": f"{words.program()}\nimport time\ntime.sleep(60)"}
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(running.request("/execute", body, headers=headers)))
    asking.start()
    eventually(lambda: running.log.count('"event": "execution started"') > running.log.count('"execution finished"'))
    while asking.is_alive():
        for container in containers_of(client.api, running.data_dir):
            with suppress(docker.errors.APIError):
                client.api.kill(container)
        asking.join(0.5)
    assert answers[0].status == 500


def found_in(running: RunningServer, words: Words) -> list[str]:
    """Which words stand where."""
    files = [running.log_path, *(each for each in running.data_dir.rglob("*") if is_ours(running, each))]
    return [
        f"{what} in {file.name}: …{around(text, word)}…"
        for file in files
        for text in [file.read_bytes()]
        for what, word in words.all.items()
        if word.lower().encode() in text.lower()
    ]


def is_ours(running: RunningServer, file: Path) -> bool:
    """All but the database itself, and the server's own secret."""
    return (
        file.is_file()
        and not file.is_relative_to(running.data_dir / "postgres")
        and file.name not in {"secret-key", "admin-password"}
    )


def around(text: bytes, word: str) -> str:
    at = text.lower().index(word.lower().encode())
    return text[max(0, at - 120) : at + 60].decode(errors="replace")
