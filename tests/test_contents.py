"""What is large in executions stands apart from their rows, once where it is the same, and nobody notices."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client as Http
from django.utils import timezone
from pytest_django.fixtures import Settings

from clients.authentication import create_for
from clients.models import Client
from dispatch.models import Worker
from dispatch.testing import FakeBackend
from executions import again, ageing, dropping, erasure, packing, partitions, storage
from executions.apart import COLUMNS, NUMBERS, packed, unpacked
from executions.compat.judge0 import finding
from executions.models import Execution, ExecutionTag, KeptContent, RetentionMark
from languages.models import Language
from rest import disk
from rest.ids import moment_of, uuid7
from sandbox.types import Outcome
from testkit.waiting import eventually
from tests.fake_backend import ran, result
from tests.test_partitions import in_part, weeks_back
from tests.test_retention import make

JOB: dict[str, Any] = {
    "files": [{"name": "main.py", "content": {"column": "source"}, "executable": False}],
    "steps": [{"name": "run", "argv": ["python3", "main.py"], "environment": {"HOME": "/box"}, "limits": {"wall_ms": 1},
               "stdin": {"column": "stdin"}}],
    "profile": {"image": "sha256:1", "memory_bytes": 134217728, "x": "of the server" * 30},
}  # fmt: skip
CHANCE = random.Random(4)


def text(lines: int) -> str:
    """Of which zlib makes half."""
    return "".join(f"print({CHANCE.randrange(10**9)})  # ü\n" for _ in range(lines))


TEXT = text(200)
LARGE: dict[str, Any] = {"source": TEXT, "stdin": text(150).encode(), "output": text(180).encode(), "job": JOB}
WHOSE, OTHER = UUID(int=1), UUID(int=2)
DAY = timedelta(days=1)


@pytest.fixture
def at_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents are put apart as soon as they may be."""
    monkeypatch.setattr(packing, "AFTER", timedelta(hours=-1))


def put_apart() -> int:
    return packing.carry_out(threading.Event())


def old(**fields: Any) -> Execution:
    return make(DAY, **(LARGE | fields))


def contents_of(*rows: Execution) -> list[tuple[Any, ...]]:
    found = Execution.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    return [tuple(bytes(each) if isinstance(each, memoryview) else each for each in _read(row)) for row in found]


def _read(row: Execution) -> list[Any]:
    return [getattr(row, name) for name in COLUMNS]


def in_rows() -> int:
    """How many numbers rows have."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT sum(num_nonnulls({', '.join(NUMBERS)})) FROM executions_execution")
        return int(cursor.fetchone()[0] or 0)


def counts_are_right() -> bool:
    """Each content counts the rows that have its number, and is one of theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM executions_keptcontent FULL JOIN (SELECT number, count(*) AS times"
            f" FROM executions_execution, unnest(ARRAY[{', '.join(NUMBERS)}]) number WHERE number IS NOT NULL"
            " GROUP BY number) used ON number = id WHERE rows IS DISTINCT FROM times"
        )
        return int(cursor.fetchone()[0]) == 0


def is_anywhere(what: str) -> bool:
    """Whether a content has it."""
    return any(what.encode() in unpacked(bytes(data)) for data in KeptContent.objects.values_list("data", flat=True))


@pytest.mark.parametrize("data", [b"", b"a", b"a" * 100_000, random.Random(1).randbytes(1000), b"=z"])
def test_what_is_packed_comes_back(data: bytes) -> None:
    assert unpacked(packed(data)) == data
    assert len(packed(data)) <= len(data) + 1


@pytest.mark.usefixtures("at_once")
def test_the_same_is_kept_once_and_read_as_before() -> None:
    rows = [old(client_id=WHOSE) for _ in range(20)]
    before = contents_of(*rows)
    assert put_apart() == 20
    assert KeptContent.objects.count() == 4
    assert {each.rows for each in KeptContent.objects.all()} == {20}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT source, stdin, output, job::text FROM executions_execution")
        assert [tuple(map(bytes, row[1:3])) + row[::3] for row in cursor.fetchall()] == [(b"", b"", "", "{}")]
    assert contents_of(*rows) == before
    assert counts_are_right()
    assert put_apart() == 0


@pytest.mark.usefixtures("at_once")
def test_what_a_caller_has_brought_is_shared_with_nobody() -> None:
    rows = [old(client_id=WHOSE), old(client_id=OTHER), old(client_address="10.0.0.1"), old(client_address="10.0.0.2")]
    put_apart()
    for name in COLUMNS[:3]:
        numbers = {getattr(row, f"{name}_apart") for row in Execution.objects.all()}
        assert (len(numbers), None in numbers) == (len(rows), False)
    assert len({row.job_apart for row in Execution.objects.all()}) == 1
    given = {"files": [{"name": "main.py", "content": {"text": TEXT}, "executable": False}]}
    RetentionMark.objects.all().delete()
    more = [old(client_id=WHOSE, job=JOB | given), old(client_id=OTHER, job=JOB | given)]
    put_apart()
    assert len({row.job_apart for row in Execution.objects.filter(pk__in=[row.pk for row in more])}) == 2


@pytest.mark.usefixtures("at_once")
def test_what_is_small_and_new_stays_in_its_row() -> None:
    row = make(DAY, source="print(1)", output=b"1\n", job=JOB)
    same = [make(DAY, source="y = 2  # " + "abcdefg" * 20, client_id=WHOSE) for _ in range(9)]
    put_apart()
    row.refresh_from_db()
    assert (row.source_apart, row.output_apart) == (None, None)
    assert {each.source_apart is None for each in Execution.objects.filter(pk__in=[each.pk for each in same])} == {
        False
    }


@pytest.mark.usefixtures("at_once")
def test_what_is_of_one_row_stays_in_it() -> None:
    own = {again.BY: "root", again.OF: str(UUID(int=7)), "request_id": "req_1"}
    rows = [old(job=JOB | own), old(job=JOB)]
    (before,) = contents_of(rows[0])
    put_apart()
    assert contents_of(rows[0]) == [before]
    assert list(Execution.objects.get(pk=rows[0].pk).job) == list(before[3])
    (first, second) = Execution.objects.filter(pk__in=[row.pk for row in rows])
    assert first.job_apart == second.job_apart
    assert Execution.objects.filter(**{f"job__{again.OF}": str(UUID(int=7))}).get().pk == rows[0].pk


@pytest.mark.usefixtures("db")
def test_what_is_open_or_has_just_ended_stays_as_it_is() -> None:
    is_open: dict[str, Any] = {"status": "queued", "outcome": "", "exit_code": None, "started_at": None}
    waiting = make(timedelta(hours=3), **(LARGE | is_open | {"finished_at": None, "worker": UUID(int=1)}))
    later, fresh = make(timedelta(hours=2), **LARGE), make(timedelta(0), **LARGE)
    assert put_apart() == 0
    Execution.objects.filter(pk=waiting.pk).update(status="rejected", error="late", finished_at=timezone.now())
    assert put_apart() == 2
    numbers = dict(Execution.objects.values_list("pk", "source_apart"))
    assert (numbers[fresh.pk], None in (numbers[waiting.pk], numbers[later.pk])) == (None, False)


@pytest.mark.usefixtures("at_once")
def test_processes_that_began_before_contents_could_be_apart_are_waited_for() -> None:
    old()
    of_before = {"hostname": "h", "pid_namespace": "n", "pid": 1, "pid_started": 1, "seen_at": timezone.now()}
    worker = Worker.objects.create(id=UUID(int=uuid7().int - (10 * 365 * 86_400_000 << 80)), **of_before)
    assert put_apart() == 0
    worker.delete()
    assert put_apart() == 1


@pytest.mark.usefixtures("at_once")
def test_with_little_room_on_the_disk_nothing_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    old()
    monkeypatch.setattr(packing, "room", lambda: disk.Room.LOW)
    assert put_apart() == 0


@pytest.mark.usefixtures("at_once")
def test_a_content_goes_with_its_last_row_when_that_is_erased(fake_backend: FakeBackend) -> None:
    first, second, other = (old(client_id=WHOSE, source=f"{TEXT}# {name}") for name in ("ada", "ada", "bob"))
    put_apart()
    origin = cast("Any", type("Origin", (), {"client_id": WHOSE, "api_key_id": "k"}))
    assert erasure.erase_one(first, origin)
    assert is_anywhere("# ada")
    assert contents_of(second)[0][0].endswith("# ada")
    assert counts_are_right()
    assert erasure.erase_one(second, origin)
    assert not is_anywhere("# ada")
    assert contents_of(other)[0][0].endswith("# bob")
    assert counts_are_right()


@pytest.mark.usefixtures("at_once")
def test_what_all_with_a_tag_had_is_gone_when_they_are() -> None:
    Client.objects.create(id=WHOSE, name="school")
    rows = [old(client_id=WHOSE, source=f"{TEXT}# {number % 3}", tags={"candidate": "7"}) for number in range(9)]
    ExecutionTag.objects.bulk_create(
        ExecutionTag(execution=row, client_id=WHOSE, name="candidate", value="7") for row in rows
    )
    stays = old(client_id=WHOSE, source=f"{TEXT}# stays")
    put_apart()
    origin = cast("Any", type("Origin", (), {"client_id": WHOSE, "api_key_id": "k"}))
    erasure.erase_tagged("candidate", "7", origin)
    assert erasure.carry_out(threading.Event()) == 9
    assert [is_anywhere(f"# {name}") for name in (0, 1, 2, "stays")] == [False, False, False, True]
    assert contents_of(stays)[0][0].endswith("# stays")
    assert counts_are_right()


def _purge(_row: Execution) -> None:
    call_command("purge", "--older-than", "1h")


def _by_rules(settings: Settings) -> None:
    settings.GEXEC_RETENTION_DAYS = 1
    ageing.carry_out(threading.Event())


WAYS: dict[str, Callable[[Execution], object]] = {
    "purge": _purge,
    "purge contents": lambda _row: call_command("purge", "--contents", "--older-than", "1h"),
    "by hand": lambda row: row.delete() and put_apart(),
    "emptied by hand": lambda row: Execution.objects.filter(pk=row.pk).update(
        source="", source_apart=None) and put_apart(),
    "truncated": lambda _row: _run("TRUNCATE executions_execution"),
}  # fmt: skip


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("way", list(WAYS))
def test_a_content_goes_with_its_last_row_however_that_goes(way: str) -> None:
    row = make(2 * DAY, **LARGE)
    put_apart()
    assert is_anywhere(TEXT)
    WAYS[way](row)
    assert not is_anywhere(TEXT)
    assert counts_are_right()


@pytest.mark.usefixtures("at_once")
def test_a_part_that_is_dropped_takes_its_contents_along(settings: Settings) -> None:
    for part in partitions.parts():
        partitions.drop(part)
    first, *_, last = (part for part in weeks_back(settings, 60) if part.high < uuid7())
    gone, stays, early = in_part(first, **LARGE), in_part(last, **LARGE), make(400 * DAY, **LARGE)
    put_apart()
    assert gone.pk < stays.pk
    parts: set[date | None] = set(KeptContent.objects.values_list("part", flat=True))
    assert parts == {moment_of(first.low).date(), moment_of(last.low).date(), None}
    assert dropping.drop_old(threading.Event()) == 1
    assert set(KeptContent.objects.values_list("part", flat=True)) == parts - {moment_of(first.low).date()}
    assert contents_of(stays)[0][0] == contents_of(early)[0][0] == TEXT
    assert counts_are_right()


@pytest.mark.usefixtures("at_once")
def test_what_is_emptied_shares_what_is_left_of_it() -> None:
    rows = [old(client_id=WHOSE, source=f"{TEXT}# {number}") for number in range(10)]
    put_apart()
    assert ageing._empty([row.pk for row in rows]) == 10
    packing.settle()
    assert not is_anywhere(TEXT)
    assert len({row.job_apart for row in Execution.objects.all()}) == 1
    assert counts_are_right()
    assert Execution.objects.all()[0].job["profile"] == JOB["profile"]


@pytest.mark.usefixtures("at_once")
def test_the_way_back_puts_all_of_it_into_the_rows() -> None:
    rows = [old(client_id=WHOSE, job=JOB | {again.BY: "root"}), old(), make(DAY, source="x", job=JOB)]
    before = [each[1:] for each in _raw()]
    put_apart()
    assert in_rows() > 8
    migration = import_module("executions.migrations.0027_contents_apart")
    with connection.schema_editor() as editor:
        migration.put_together(None, editor)
    try:
        assert [each[1:] for each in _raw()] == before
    finally:
        with connection.schema_editor() as editor:
            migration.put_apart(None, editor)
    assert Execution.objects.filter(pk__in=[row.pk for row in rows], source_apart=None).count() == 3


def _raw() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, source, encode(stdin, 'hex'), encode(output, 'hex'), job::text"
            " FROM executions_execution ORDER BY id"
        )
        return list(cursor.fetchall())


@pytest.mark.usefixtures("at_once", "rate_limit_off", "python")
def test_no_answer_changes_by_a_byte(fake_backend: FakeBackend, admin_client: Http) -> None:
    fake_backend.behave = lambda _job: result(ran(b"\xff\x00out\n" * 300, Outcome.OK, stderr="ü".encode() * 200))
    http = Http(headers={"authorization": f"Bearer {create_for(Client.objects.create(name='c'), 'k')[0]}"})
    tests = [{"name": f"t{n}", "stdin": f"{n}\n" * 20, "expected_stdout": f"{n}\n", "hidden": n == 1} for n in range(9)]
    files = [{"name": "main.py", "content": TEXT}, {"name": "data.bin", "content": {"base64": "/wA="}}]
    asked: list[dict[str, Any]] = [
        {"source_code": TEXT, "stdin": "in\n" * 200, "tags": {"a": "b"}, "args": ["x"], "env": {"A": "1"}},
        {"files": files, "entrypoint": "main.py", "repeat": 3},
        {"source_code": TEXT, "tests": tests},
        {"source_code": TEXT, "wait": False},
    ]
    ids = [http.post("/api/v1/executions", json.dumps({"language": "python"} | each), "application/json").json()["id"]
           for each in asked]  # fmt: skip
    pages = [f"/api/v1/executions/{pk}{query}" for pk in ids for query in ("", "?include=source,output,timeline")]
    pages += [f"/api/v1/executions/{pk}/events" for pk in ids[:3]]
    pages += ["/api/v1/executions", "/api/v1/executions/export", "/api/v1/executions/export?format=csv"]
    today = timezone.now().date().isoformat()
    pages += [f"/api/v1/usage?from={today}&to={today}&group_by=tag.a,language"]
    inside = [f"/admin/executions/execution/{pk}/change/" for pk in ids]
    before = [_answer(http, page) for page in pages], [_answer(admin_client, page) for page in inside]
    assert put_apart() >= 3
    assert in_rows() >= 6
    assert [_answer(http, page) for page in pages] == before[0]
    assert [_answer(admin_client, page) for page in inside] == before[1]
    assert [page for page, (status, _) in zip(pages, before[0], strict=True) if status != 200] == []
    run_again = Execution.objects.get(pk=ids[0])
    assert again.why_not(run_again) == ""


@pytest.mark.urls("tests.compat_urls")
@pytest.mark.usefixtures("at_once", "rate_limit_off", "python", "open_doors")
def test_doors_of_other_services_answer_the_same(fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_backend.behave = lambda _job: result(ran(LARGE["output"]))
    body = json.dumps({"source_code": TEXT, "language_id": 71, "stdin": "in\n" * 900, "expected_output": TEXT})
    token = Http().post("/judge0/submissions?wait=true", body, "application/json").json()["token"]
    pages = [f"/judge0/submissions/{token}?base64_encoded=true&fields=*"]
    pages += [f"/judge0/submissions/batch?tokens={token}&base64_encoded=true&fields=source_code,stdout"]
    before = [_answer(Http(), page) for page in pages]
    assert put_apart() == 1
    assert in_rows() >= 2
    assert [_answer(Http(), page) for page in pages] == before
    assert [status for status, _ in before] == [200, 200]
    monkeypatch.setattr(finding, "MOST_BYTES", len(LARGE["output"]))
    assert _answer(Http(), pages[1])[0] != 200


def _answer(http: Http, page: str) -> tuple[int, bytes]:
    response = cast("Any", http.get(page))
    body = b"".join(response.streaming_content) if response.streaming else response.content
    token = response.context and response.context.get("csrf_token")
    return response.status_code, body.replace(str(token).encode(), b"") if token else body


@pytest.mark.usefixtures("at_once")
def test_who_has_read_a_row_without_it_finds_it_later() -> None:
    row = old()
    (seen,) = Execution.objects.defer("source", "job")
    (whole,) = Execution.objects.all()
    assert whole.source == TEXT
    put_apart()
    assert (seen.source, seen.job) == (TEXT, JOB)
    whole.refresh_from_db()
    assert (whole.source, whole.stdin, whole.job) == (TEXT, row.stdin, JOB)


@pytest.mark.usefixtures("at_once")
def test_what_the_disk_has_of_them_counts_with_the_rest() -> None:
    before = storage.bytes_on_disk()
    old(source=random.Random(2).randbytes(200_000).hex())
    put_apart()
    assert storage.bytes_on_disk() - before > 300_000


@pytest.mark.django_db(transaction=True)
def test_counts_stay_right_while_rows_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "AFTER", timedelta(hours=-1))
    chance, failed = random.Random(3), list[BaseException]()
    rows = [old(client_id=WHOSE, source=f"{TEXT}# {chance.randrange(12)}").pk for _ in range(240)]

    def each(pieces: list[list[UUID]], work: Callable[[list[UUID]], object]) -> None:
        try:
            for piece in pieces:
                work(piece)
        except BaseException as error:  # noqa: BLE001 (told below)
            failed.append(error)
        finally:
            connection.close()

    def delete(piece: list[UUID]) -> None:
        Execution.objects.filter(pk__in=piece).delete()
        packing.settle()

    def move(piece: list[UUID]) -> None:
        RetentionMark.objects.all().delete()
        put_apart()

    kept = rows[::4]
    pieces = [[rows[n], rows[n + 1], rows[n + 2]][1:] for n in range(1, 237, 4)]
    threads = [
        threading.Thread(target=each, args=(pieces[:30], delete)),
        threading.Thread(target=each, args=(pieces[30:], transaction.atomic(ageing._empty))),
        threading.Thread(target=each, args=([[]] * 4, move)),
        threading.Thread(target=each, args=([[]] * 4, move)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert eventually(lambda: not packing.settle())
    assert counts_are_right()
    assert Execution.objects.filter(pk__in=kept).count() == len(kept)
    assert all(row.source.startswith(TEXT) for row in Execution.objects.filter(pk__in=kept))
    Execution.objects.all().delete()
    packing.settle()
    assert not KeptContent.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rate_limit_off")
def test_nobody_who_submits_waits_for_those_who_move_contents(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"out"))
    key = create_for(Client.objects.create(name="c"), "k")[0]
    http = Http(headers={"authorization": f"Bearer {key}"})
    about = connection.get_connection_params()
    with psycopg.connect(host=about["host"], user=about["user"], dbname=about["dbname"]) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [packing._LOCK])
        other.execute("LOCK TABLE executions_keptcontent, executions_contentleft IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            body = json.dumps({"language": "python", "source_code": TEXT})
            told = http.post("/api/v1/executions", body, "application/json").json()
            assert (told["status"], told["run"]["stdout"]) == ("finished", "out")
            assert http.get(f"/api/v1/executions/{told['id']}?include=source").json()["files"][0]["content"] == TEXT
