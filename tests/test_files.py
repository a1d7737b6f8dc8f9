"""Files: uploaded once, referred to by digest, and unknown to every client but their own."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients import authentication
from clients.models import Client, Key
from files import api, contents, expiry, services
from files.digests import NoDigest, promised
from files.models import Content, File, Piece
from files.store import DatabaseStore, FileMissing, store

pytestmark = pytest.mark.django_db

DATA = b"some test data\n"
DIGEST = hashlib.sha256(DATA).hexdigest()
ID = f"sha256:{DIGEST}"
_names = itertools.count()


class Caller:
    """A client of the API, with one key."""

    def __init__(self, **more: Any) -> None:
        text = authentication.create(f"caller {next(_names)}")
        self.client_id: UUID = Key.objects.get(prefix=text.split("_")[2]).client_id
        self._browser = Browser(headers={"authorization": f"Bearer {text}"})
        if more:
            Key.objects.filter(client=self.client_id).update(**more)

    def put(self, data: bytes = DATA, headers: dict[str, str] | None = None) -> Any:
        sent = {"type": "text/x-data"} | (headers or {})
        return self._browser.put("/api/v1/files", data, sent.pop("type"), headers=sent)

    def ask(self, method: str, file_id: str = ID, **headers: str) -> Any:
        return getattr(self._browser, method)(f"/api/v1/files/{file_id}", headers=headers)

    def missing(self, *ids: str) -> Any:
        return self._browser.post("/api/v1/files/check", {"ids": ids}, "application/json").json()["missing"]


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_file_is_new_once_and_known_then() -> None:
    caller = Caller()
    first = caller.put()
    assert first.status_code == 201
    assert first["Location"] == f"/api/v1/files/{ID}"
    answer = first.json()
    assert answer == {"object": "file", "id": ID, "bytes": len(DATA), "expires_at": answer["expires_at"]}
    assert answer["expires_at"].endswith("Z")
    assert caller.put().status_code == 200
    assert caller.missing(ID, "sha256:" + "0" * 64, "sha256:" + "0" * 64) == ["sha256:" + "0" * 64]
    assert body_of(caller.ask("get")) == DATA
    assert caller.ask("delete").status_code == 204
    assert [caller.ask(method).status_code for method in ("get", "head", "delete")] == [404] * 3
    assert caller.missing(ID) == [ID]


def test_a_download_is_no_page() -> None:
    caller = Caller()
    caller.put(headers={"type": "text/html"})
    for method in ("get", "head"):
        response = caller.ask(method)
        assert response["Content-Length"] == str(len(DATA))
        assert response["Content-Type"] == "application/octet-stream"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Disposition"] == f'attachment; filename="{DIGEST}"'
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["ETag"] == f'"{ID}"'
        assert body_of(response) == (DATA if method == "get" else b"")
    assert caller.ask("get", **{"if-none-match": f'"{ID}"'}).status_code == 304


def test_what_another_client_has_is_missing_in_every_way() -> None:
    owner, other = Caller(), Caller()
    owner.put()
    assert other.missing(ID) == [ID]
    assert [other.ask(method).status_code for method in ("get", "head", "delete")] == [404] * 3
    assert store.missing(other.client_id, [DIGEST]) == [DIGEST]
    for ask in (store.content, store.open, services.content):
        services.content(owner.client_id, DIGEST)
        with pytest.raises(FileMissing):
            ask(other.client_id, DIGEST)
    with pytest.raises(FileMissing):
        services.name(other.client_id, "jobe", "x", DIGEST)
    assert other.put().status_code == 201
    assert Content.objects.exclude(digest=None).count() == 1
    assert owner.ask("delete").status_code == 204
    expiry.carry_out(threading.Event())
    assert body_of(other.ask("get")) == DATA


def test_the_first_upload_of_what_another_has_is_written_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = contents.write_piece

    def watched(content: UUID, number: int, data: bytes) -> None:
        written.append(len(data))
        write(content, number, data)

    monkeypatch.setattr(contents, "write_piece", watched)
    owner, other = Caller(), Caller()
    promise = {"repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:"}
    assert [caller.put(headers=promise).status_code for caller in (owner, other)] == [201, 201]
    assert written == [len(DATA)] * 2
    assert other.put(headers=promise).status_code == 200
    assert written == [len(DATA)] * 2


def test_without_a_key_and_without_the_right() -> None:
    for answer in (Browser().put("/api/v1/files", DATA), Browser().get(f"/api/v1/files/{ID}")):
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    for answer in (Caller(rights=["execute"]).put(), Caller(rights=["execute"]).ask("get")):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_right")
    assert not Content.objects.exists()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"repr-digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}, 400, "invalid_field"),
        ({"repr-digest": "sha-256=:xyz:"}, 400, "invalid_field"),
        ({"repr-digest": "sha-256"}, 400, "invalid_field"),
        ({"type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
        ({"type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ({"content-encoding": "gzip"}, 415, "unsupported_media_type"),
    ],
)
def test_what_is_refused(headers: dict[str, str], status: int, code: str) -> None:
    caller = Caller()
    answer = caller.put(headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert caller.missing(ID) == [ID]


def test_a_promise_that_is_kept_and_one_by_another_algorithm() -> None:
    assert promised(f"sha-512=:AAAA:, sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:") == DIGEST
    assert promised("sha-512=:AAAA:") is promised("") is None
    with pytest.raises(NoDigest):
        promised("sha-512=:AAAA:, sha-256=:AAAA:")


def test_ids_that_are_none() -> None:
    caller = Caller()
    for wrong in ("sha256:abc", DIGEST, "sha256:" + "A" * 64, "x", "sha256:%00"):
        assert caller.ask("get", wrong).status_code == 404
    browser = caller._browser
    for body in ({"ids": ["x"]}, {"ids": [ID + "\n"]}, {"ids": [ID] * 1001}, {"ids": ID}, {}, {"ids": [], "more": 1}):
        assert browser.post("/api/v1/files/check", body, "application/json").status_code == 400


def test_sizes_up_to_the_bound(settings: Settings) -> None:
    settings.GEXEC_MAX_FILE_BYTES = 2 * contents.PIECE_BYTES + 1
    caller = Caller()
    for size in (0, 1, contents.PIECE_BYTES, contents.PIECE_BYTES + 1, settings.GEXEC_MAX_FILE_BYTES):
        data = bytes(size)
        answer = caller.put(data)
        assert (answer.status_code, answer.json()["bytes"]) == (201, size)
        digest = answer.json()["id"].removeprefix("sha256:")
        assert store.content(caller.client_id, digest) == data
        assert b"".join(store.open(caller.client_id, digest)[1]) == data
    answer = caller.put(bytes(settings.GEXEC_MAX_FILE_BYTES + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_client_has_its_share(settings: Settings) -> None:
    settings.GEXEC_CLIENT_FILES_MB = 1
    caller, other = Caller(), Caller()
    half = 1 << 19
    assert caller.put(b"a" * half).status_code == caller.put(b"b" * half).status_code == 201
    for data in (b"c" * half, b"", b"c"):
        answer = caller.put(data)
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
    assert other.put(b"a" * half).status_code == 201
    Client.objects.filter(pk=caller.client_id).update(file_store_bytes=3 * half)
    assert caller.put(b"c" * half).status_code == 201
    Client.objects.filter(pk=caller.client_id).update(file_store_bytes=None)
    caller.ask("delete", "sha256:" + hashlib.sha256(b"c" * half).hexdigest())
    caller.ask("delete", "sha256:" + hashlib.sha256(b"a" * half).hexdigest())
    assert caller.put(b"").status_code == 201


def age(rows: Any, **by: float) -> None:
    field = "touched_at" if rows.model is Content else "last_used_at"
    rows.update(**{field: timezone.now() - timedelta(**by)})


def test_where_all_turns_are_taken_a_large_one_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "TURN_S", 0.01)
    monkeypatch.setattr(api, "_turns", threading.BoundedSemaphore(1))
    caller, large = Caller(), DATA * (api.SMALL_BYTES // len(DATA) + 1)
    with api._turns:
        answer = caller.put(large)
        assert (answer.status_code, answer.json()["code"]) == (503, "too_many_uploads")
        assert answer["Retry-After"] == "5"
        assert caller.put().status_code == 201
    assert caller.put(large).status_code == 201


def test_one_that_is_deleted_while_it_is_sent_again_is_to_be_sent_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller()
    caller.put()
    keep = DatabaseStore._keep

    def keep_later(*args: Any) -> Any:
        store.delete(caller.client_id, DIGEST)
        return keep(*args)

    promise = f"sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:"
    with monkeypatch.context() as patched:
        patched.setattr(DatabaseStore, "_keep", keep_later)
        answer = caller.put(headers={"Repr-Digest": promise})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "upload_lost", "1")
    assert caller.missing(ID) == [ID]
    assert caller.put().status_code == 201


def test_a_file_lives_from_its_last_use() -> None:
    caller, other = Caller(), Caller()
    caller.put()
    other.put()
    services.name(caller.client_id, "jobe", "data", DIGEST)
    age(File.objects.filter(client=caller.client_id), days=29)
    services.use(caller.client_id, [DIGEST])
    assert File.objects.get(client=caller.client_id).last_used_at > timezone.now() - timedelta(hours=1)
    age(File.objects.filter(client=caller.client_id), days=31)
    age(Content.objects.all(), days=31)
    assert expiry.carry_out(threading.Event()) > 0
    assert caller.missing(ID) == [ID]
    assert services.named(caller.client_id, "jobe", "data") is None
    assert body_of(other.ask("get")) == DATA


def test_its_last_use_is_written_once_a_day() -> None:
    caller = Caller()
    caller.put()
    age(File.objects.all(), hours=23)
    before = File.objects.get().last_used_at
    services.use(caller.client_id, [DIGEST])
    body_of(caller.ask("get"))
    caller.put()
    assert File.objects.get().last_used_at == before
    age(File.objects.all(), hours=25)
    body_of(caller.ask("get"))
    assert File.objects.get().last_used_at > before


def test_bytes_go_when_nobody_has_them_and_whoever_reads_may_finish() -> None:
    caller = Caller()
    data = bytes(range(256)) * (contents.PIECE_BYTES // 256) + b"end"
    caller.put(data)
    digest = hashlib.sha256(data).hexdigest()
    age(Content.objects.all(), days=2)
    pieces = store.open(caller.client_id, digest)[1]
    first = next(pieces)
    store.delete(caller.client_id, digest)
    expiry.carry_out(threading.Event())
    assert first + b"".join(pieces) == data
    File.objects.update(deleted_at=timezone.now() - timedelta(hours=2))
    expiry.carry_out(threading.Event())
    assert not Content.objects.exists()
    assert not Piece.objects.exists()


def test_what_was_deleted_comes_back_as_new(settings: Settings) -> None:
    caller = Caller()
    assert caller.put().status_code == 201
    services.name(caller.client_id, "jobe", "data", DIGEST)
    caller.ask("delete")
    assert services.named(caller.client_id, "jobe", "data") is None
    assert [caller.put().status_code for _ in range(2)] == [201, 200]
    expiry.carry_out(threading.Event())
    assert body_of(caller.ask("get")) == DATA


def test_sending_and_deleting_in_turn_does_not_fill_the_disk(settings: Settings) -> None:
    settings.GEXEC_CLIENT_FILES_MB = 1
    caller, statuses = Caller(), []
    for number in range(5):
        data = bytes([number]) * (1 << 19)
        statuses.append(caller.put(data).status_code)
        caller.ask("delete", "sha256:" + hashlib.sha256(data).hexdigest())
    assert statuses == [201] * 4 + [429]
    # What was refused left nothing at all.
    assert Content.objects.count() == 4
    File.objects.update(deleted_at=timezone.now() - timedelta(hours=2))
    Content.objects.update(touched_at=timezone.now() - timedelta(hours=2))
    expiry.carry_out(threading.Event())
    assert caller.put(b"").status_code == 201


def test_what_came_half_is_nobodys_and_goes() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise ConnectionResetError
            return data

    caller = Caller()
    with pytest.raises(ConnectionResetError):
        store.put(caller.client_id, Broken(DATA))
    assert caller.missing(ID) == [ID]
    assert not Content.objects.exists()
    assert not Piece.objects.exists()
    # A process that was killed could not even say so.
    content = Content.objects.create()
    contents.write_piece(content.pk, 0, DATA)
    expiry.carry_out(threading.Event())
    assert Content.objects.exists()
    age(Content.objects.all(), hours=2)
    expiry.carry_out(threading.Event())
    assert not Piece.objects.exists()


def test_files_at_hand_are_bounded_and_seen_by_their_client_alone(settings: Settings) -> None:
    settings.GEXEC_FILE_CACHE_MB = 1
    cache, caller = services.cache, Caller()
    cache.clear()
    large = [bytes([number]) * 400_000 for number in range(3)]
    digests = [hashlib.sha256(data).hexdigest() for data in large]
    for data, digest in zip(large, digests, strict=True):
        caller.put(data)
        assert services.content(caller.client_id, digest) == data
    assert [cache.get(digest) is not None for digest in digests] == [False, True, True]
    assert cache.bytes == 800_000
    Piece.objects.all().delete()
    assert services.content(caller.client_id, digests[2]) == large[2]
    store.delete(caller.client_id, digests[2])
    with pytest.raises(FileMissing):
        services.content(caller.client_id, digests[2])
    cache.clear()


def test_other_names_of_a_file() -> None:
    caller, other = Caller(), Caller()
    caller.put()
    caller.put(b"other")
    services.name(caller.client_id, "jobe", "data", DIGEST)
    services.name(caller.client_id, "jobe", "data", hashlib.sha256(b"other").hexdigest())
    assert services.named(caller.client_id, "jobe", "data") == hashlib.sha256(b"other").hexdigest()
    assert services.named(caller.client_id, "else", "data") is services.named(other.client_id, "jobe", "data") is None


def test_bytes_are_stored_as_they_are() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstorage FROM pg_attribute WHERE attrelid = 'files_piece'::regclass AND attname = 'data'"
        )
        assert cursor.fetchone() == ("e",)


def test_the_admin_shows_what_each_client_has(admin_client: Browser) -> None:
    caller = Caller()
    caller.put()
    name = Client.objects.get(pk=caller.client_id).name
    assert name in admin_client.get("/admin/files/clientfiles/").content.decode()
    assert DIGEST in admin_client.get("/admin/files/file/").content.decode()
    file = File.objects.get()
    assert admin_client.post(f"/admin/files/file/{file.pk}/delete/", {"post": "yes"}).status_code == 302
    assert caller.missing(ID) == [ID]
