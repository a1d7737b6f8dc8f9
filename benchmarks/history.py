"""`make bench-history` (ROWS=5000000): what is asked of a history, in front of a long one and of one of 10,000 rows.

Two databases on an embedded PostgreSQL of its own, filled by COPY with the same kind of rows: languages, outcomes and
clients of which few are most, and what makes lists slow: a language that is gone for half the time, a fifth at the end
that was refused, tags that all have and hardly any. Each question is asked in turns, a round here and a round there, in
processes of their own. What counts is the least time that the processors of both ends have worked: a machine that
others share makes everything wait, and says nothing of what is asked.

The last line says whether the long history took more than MOST_TIMES as long anywhere, /metrics, the dashboard and
usage included, and whether one of these, which read roll-ups, took more than MOST_MS. The exit code is 1 else. Both
histories are as many days and end now, so each chart has as much time to show, and both have as many lines that are not
rolled up; but in the short one an hour has one execution or none, in the long one 520 of all languages and outcomes.
What was sent stands apart, as it does after some minutes. Five million rows take ten minutes and 10 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import django
import psycopg
from psycopg import sql

from benchmarks.contents import JOB, STEPS
from benchmarks.tables import aligned
from executions.apart import packed
from testkit.databases import create_database, database_url, embedded_postgres
from testkit.servers import clean_environment, manage

SMALL = 10_000
MOST_TIMES = 2.0
MOST_MS = 20.0
"""Of what reads roll-ups, besides."""
_ROLLED_UP = ("/metrics", "dashboard", "usage", "quota")
DAYS = 400
CLIENTS = [UUID(int=number) for number in range(1, 41)]
BIG, MIDDLE = CLIENTS[0], CLIENTS[9]
_ROUNDS, _REPEATS = 3, 5
_CHUNK = 100_000
_KINDS = 20_011
"""Different rows, in turns with a step that hits all of them."""
_LINES = 2_000
"""What came and ended since the last roll-up, at a hundred a second."""
_FLOOR_MS = 1.0
"""What is quicker than this is taken for as quick: a ratio of such times says nothing."""

_COLUMNS = (
    "id", "created_at", "started_at", "finished_at", "status", "outcome", "language_slug", "language_version",
    "image_digest", "source", "stdin", "job", "steps", "output", "exit_code", "error", "queue_ms", "wall_ms", "cpu_ms",
    "peak_memory_bytes", "client_address", "api_key_id", "client_id", "door", "tags", "verdict", "job_apart",
)  # fmt: skip
_LANGUAGES = ("python", "cpp", "java", "c", "javascript", "go", "rust", "csharp", "ruby", "php", "kotlin", "sql")
_OUTCOMES = {"ok": 72, "nonzero_exit": 12, "compile_error": 9, "timeout_wall": 3, "out_of_memory": 2, "signal": 2}

# Rows of before hours are kept are rolled up by day alone, as they would be by now; the rest goes the way of all lines.
_ROLL_UP_OLD = """
WITH old AS (
    SELECT CASE status WHEN 'rejected' THEN '' ELSE language_slug END AS language_slug,
        CASE status WHEN 'rejected' THEN 'rejected' ELSE outcome END AS outcome, error <> '' AS failed,
        date_trunc('day', finished_at, 'UTC') AS at, cpu_ms, wall_ms
    FROM executions_execution WHERE finished_at < now() - interval '60 days'
), totals AS (
    INSERT INTO executions_executiontotal (language_slug, outcome, received, finished, errors)
    SELECT language_slug, outcome, count(*), count(*), count(*) FILTER (WHERE failed) FROM old GROUP BY 1, 2
)
INSERT INTO executions_executionperiod
    (period, at, language_slug, outcome, executions, errors, cpu_ms, wall_ms, queue_ms)
SELECT 'day', at, language_slug, outcome, count(*), count(*) FILTER (WHERE failed), coalesce(sum(cpu_ms), 0),
    coalesce(sum(wall_ms), 0), 0 FROM old GROUP BY 1, 2, 3, 4
"""
_NOTE = """
INSERT INTO executions_tally
SELECT finished_at, language_slug, CASE status WHEN 'rejected' THEN 'rejected' ELSE outcome END, 1, 1,
    (error <> '')::int, coalesce(cpu_ms, 0), coalesce(wall_ms, 0), 900, wall_ms, queue_ms, client_id, api_key_id, door
FROM executions_execution WHERE finished_at >= now() - interval '60 days'
"""
_BY_PERIOD = (
    "executions_executionperiod",
    "executions_executionhistogram",
    "executions_executionchart",
    "executions_executionlanguage",
)
# All of them have come just now.
_TAIL = f"{_NOTE} ORDER BY id DESC LIMIT {_LINES}".replace("SELECT finished_at", "SELECT now()")
_PARTS = f"""
from datetime import timedelta; from django.utils import timezone; from executions import partitions
partitions.make_ahead(since=timezone.now() - timedelta(days={DAYS}))
from clients.models import Client
Client.objects.bulk_create(Client(id=f"{{number:032x}}", name=f"client {{number}}") for number in (1, 10, 40))
"""
_CONTENT = """
INSERT INTO executions_keptcontent (id, rows, size, digest, data) VALUES (1, %s, 2000, 'digest', %s)
"""
_TAG = """
INSERT INTO executions_executiontag (execution_id, client_id, name, value)
SELECT id, client_id, name, value FROM executions_execution, jsonb_each_text(tags) AS tag (name, value)
WHERE client_id IS NOT NULL
"""


def main() -> int:
    """Fill both, ask both, print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the long history")
    parser.add_argument("--only", default="", metavar="WORDS", help="what begins with these, as in `dashboard`")
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.ask:
        _set_up()
        found = dict(json.loads(sys.stdin.read()))
        asked = (each for each in questions(found) if each[0].startswith(parsed.only))
        print(json.dumps({name: _best_ms(work) for name, work in asked}))
        return 0
    with TemporaryDirectory(prefix="gexec-history-", ignore_cleanup_errors=True) as directory:
        data_dir = Path(directory) / "data"
        data_dir.mkdir()
        with embedded_postgres(data_dir) as sockets:
            environments = [_filled(sockets, data_dir, rows) for rows in (SMALL, parsed.rows)]
            return _judged(parsed.rows, [_asked(environments, parsed.only) for _ in range(_ROUNDS)])


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "gexec.settings"
    django.setup()


def _asked(environments: list[dict[str, str]], only: str) -> list[dict[str, float]]:
    """What each took. The long history is asked for no more rows than the short one had: these cost what they cost."""
    found: dict[str, int] = {}
    times = []
    for environment in environments:
        answers = _answered(environment, found, only)
        found = {name: rows for name, (_, rows) in answers.items()}
        times.append({name: ms for name, (ms, _) in answers.items()})
    return times


def _answered(environment: dict[str, str], found: dict[str, int], only: str) -> dict[str, tuple[float, int]]:
    command = [sys.executable, "-m", "benchmarks.history", "--ask", "--only", only]
    done = subprocess.run(
        command, env=environment, input=json.dumps(found).encode(), stdout=subprocess.PIPE, check=True
    )
    return dict(json.loads(done.stdout))


def _judged(rows: int, rounds: list[list[dict[str, float]]]) -> int:
    short, long = ({name: min(one[place][name] for one in rounds) for name in rounds[0][place]} for place in (0, 1))
    ratios = {name: max(long[name], _FLOOR_MS) / max(short[name], _FLOOR_MS) for name in long}
    lines = [(name, f"{short[name]:.2f}", f"{long[name]:.2f}", f"{ratios[name]:.1f}") for name in long]
    print("\n" + aligned([("ms of processors", f"{SMALL} rows", f"{rows} rows", "times"), *lines], left=1) + "\n")
    slow = [f"{name} ({times:.1f} times)" for name, times in ratios.items() if times > MOST_TIMES]
    rolled = (name for name in long if name.startswith(_ROLLED_UP))
    slow += [f"{name} ({long[name]:.0f} ms)" for name in rolled if long[name] > MOST_MS]
    fine = f"no time above {MOST_TIMES:g} times that of the short history, and none of a roll-up above {MOST_MS:g} ms"
    print(f"FAILED: {'; '.join(slow)}" if slow else fine)
    return 1 if slow else 0


def _filled(sockets: Path, data_dir: Path, rows: int) -> dict[str, str]:
    """A database with so many rows, as VACUUM leaves it; the environment of what works on it."""
    name = f"history_{rows}"
    create_database(sockets, name)
    url = database_url(sockets, name)
    environment = clean_environment(DATABASE_URL=url, GEXEC_DATA_DIR=str(data_dir), GEXEC_RETENTION_DAYS=str(DAYS))
    for command in (["migrate", "--verbosity=0"], ["shell", "--verbosity=0", "-c", _PARTS]):
        done = manage(*command, environment=environment)
        if done.returncode:
            raise SystemExit(done.stderr)
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
        fill(connection, rows)
        filled_s = time.monotonic() - began
        rolled_ms = _roll_up(connection)
        connection.execute("VACUUM (ANALYZE)")
        size = connection.execute(
            "SELECT sum(pg_table_size(relid))::bigint, sum(pg_indexes_size(relid))::bigint"
            " FROM pg_partition_tree('executions_execution')"
        ).fetchone()
        assert size is not None
    took_s = time.monotonic() - began
    print(
        f"{rows} rows in {filled_s:.0f} s, {took_s:.0f} s with roll-ups and VACUUM: of a row {size[0] / rows:.0f} bytes"
        f" in the table and {size[1] / rows:.0f} in indexes; {rolled_ms:.0f} ms to roll up {_LINES} lines",
        flush=True,
    )
    return environment


def fill(connection: psycopg.Connection[Any], rows: int) -> None:
    """COPY so many rows, with the indexes made afterwards."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE tablename IN ('executions_execution', 'executions_executiontag')"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    kinds, end = _kinds(rows), time.time()
    connection.execute(_CONTENT, [rows, packed(json.dumps(JOB).encode())])
    with connection.cursor() as cursor:
        for first in range(0, rows, _CHUNK):
            with cursor.copy(f"COPY executions_execution ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                copy.write("".join(_lines(first, min(first + _CHUNK, rows), rows, end, kinds)))
    connection.execute(_TAG)
    for _, definition in found:
        connection.execute(definition.replace(" ON ONLY ", " ON ").encode())
    connection.execute("ANALYZE executions_execution")


def _lines(first: int, last: int, rows: int, end: float, kinds: list[list[str]]) -> Iterator[str]:
    for number in range(first, last):
        at_s = end - (rows - number) * DAYS * 86_400 / rows
        at = datetime.fromtimestamp(at_s, UTC).isoformat()
        era = kinds[0 if number < rows * 0.5 else 2 if number > rows * 0.8 and number % 5 else 1]
        kind = era[number * 7919 % _KINDS]
        # Refused ones have never started.
        started = "\\N" if "\trejected\t" in kind[:12] else at
        yield f"{int(at_s * 1000):012x}70008000{number:012x}\t{at}\t{started}\t{at}{kind}"


def _kinds(rows: int) -> list[list[str]]:
    """Rows without their times: of the first half, of the time after it, and of the last fifth."""
    chance = random.Random(5)
    return [[_kind(number, era, chance) for number in range(_KINDS)] for era in range(3)]


def _kind(number: int, era: int, chance: random.Random) -> str:
    language = "former" if era == 0 and number % 3 == 0 else _of_few(_LANGUAGES, chance)
    refused = era == 2 or chance.random() < 0.04
    outcome = "" if refused else chance.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
    client = None if chance.random() < 0.2 else _of_few(CLIENTS, chance)
    wall_ms = chance.lognormvariate(4, 1)
    source = "".join(f"x{chance.randrange(10**6)} = {n} * {chance.randrange(99)}\\n" for n in range(20))
    tags = {"all": "yes", "exercise": str(number % 200)} | ({"few": "yes"} if number % 1000 == 1 else {})
    ran = not refused
    columns = (
        "rejected" if refused else "finished", outcome, language, "1", "sha256:1", "" if refused else source, "",
        "{}", json.dumps(STEPS if ran else []), "\\\\x" + "6f6b" * (0 if refused else 60),
        ("0" if outcome == "ok" else "1") if ran else "\\N",
        "" if outcome in ("ok", "nonzero_exit", "signal", "compile_error") else "it did not work",
        f"{chance.expovariate(1):.3f}" if ran else "\\N", f"{wall_ms:.3f}" if ran else "\\N",
        f"{wall_ms * 0.8:.3f}" if ran else "\\N", "9437184" if ran else "\\N", f"10.0.{number % 250}.{number % 199}",
        "key" if client else "\\N", str(client or "\\N"), "api" if client else "execute",
        json.dumps(tags) if client else "\\N", "passed" if client and ran and number % 4 == 0 else "",
        "1" if ran else "\\N",
    )  # fmt: skip
    return "\t" + "\t".join(columns) + "\n"


def _of_few(choices: Any, chance: random.Random) -> Any:
    """One of them: the first as often as all others together, or nearly so."""
    return choices[min(int(chance.expovariate(0.5)), len(choices) - 1)]


def _roll_up(connection: psycopg.Connection[Any]) -> float:
    """All that there is, then as much as comes between two roll-ups: ms that this takes. Leaves as much in the tail."""
    connection.execute(_ROLL_UP_OLD)
    connection.execute(_NOTE)
    while connection.execute("SELECT executions_roll_up(200000)").fetchone() != (0,):
        pass
    for table in _BY_PERIOD:
        connection.execute(f"DELETE FROM {table} WHERE period = 'minute' AND at < now() - interval '2 days'".encode())
    connection.execute(f"VACUUM (ANALYZE) executions_tally, {', '.join(_BY_PERIOD)}".encode())
    connection.execute(_TAIL)
    began = time.monotonic()
    connection.execute("SELECT executions_roll_up(20000)")
    took_ms = (time.monotonic() - began) * 1000
    connection.execute(_TAIL)
    return took_ms


def _best_ms(work: Callable[[], object]) -> tuple[float, int]:
    """The least time, and how many rows came."""
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        (server,) = cursor.fetchone()
    # Processes that wait have their times written down to the nanosecond.
    clock = Path(f"/proc/{server}/schedstat")

    def once() -> float:
        began, began_server = time.process_time_ns(), int(clock.read_text().split()[0])
        work()
        return (time.process_time_ns() - began + int(clock.read_text().split()[0]) - began_server) / 1e6

    rows = work()
    return min(once() for _ in range(_REPEATS)), len(rows) if isinstance(rows, list) else 0


def questions(found: dict[str, int]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked, by name; for so many rows where that is known."""
    yield from _counts()
    yield from _lists(found)
    yield from _admin_pages()


def _counts() -> Iterator[tuple[str, Callable[[], object]]]:
    from clients import quotas, usage  # noqa: PLC0415 - Django is set up only now
    from executions import overview, storage, totals  # noqa: PLC0415
    from executions.seed import metrics  # noqa: PLC0415

    now = datetime.now(UTC)
    today = now.date()
    yield "/metrics", metrics.totals
    scraped = (totals.counts, totals.times_ever, storage.today, storage.bytes_on_disk)
    yield "/metrics for Prometheus", lambda: [each() for each in scraped]
    for span in overview.SPANS.values():
        first = span.places(now)[0]
        yield f"dashboard: {span.title}", partial(overview.overview, span, now)
        yield f"dashboard: clients of {span.title}", partial(overview.busiest_clients, first)
        yield f"dashboard: refusals of {span.title}", partial(overview.refusals, first)
    yield "dashboard: failures", overview.last_failures
    yield "usage of a month", lambda: usage.by_groups(BIG, today - timedelta(days=30), today, ("day", "language"))
    yield "quota of a month", lambda: quotas.used(BIG, today.replace(day=1))


def _lists(found: dict[str, int]) -> Iterator[tuple[str, Callable[[], object]]]:
    from executions.history import Wanted  # noqa: PLC0415 - Django is set up only now
    from executions.models import Execution  # noqa: PLC0415
    from executions.ranges import HIGHEST  # noqa: PLC0415

    newest = Execution.objects.filter(client_id=BIG).order_by("-id").values_list("id", flat=True)
    deep = newest[int(newest.count() * 0.7)]
    asked: dict[str, dict[str, Any]] = {
        "all": {},
        "language": {"language": "cpp"},
        "a language of before": {"language": "former"},
        "outcome": {"outcome": "ok"},
        "a rare outcome": {"outcome": "signal"},
        "status=finished": {"status": "finished"},
        "status=rejected": {"status": "rejected"},
        "status=running": {"status": "running"},
        "language and outcome": {"language": "former", "outcome": "timeout_wall"},
        "language and status": {"language": "python", "status": "finished"},
        "verdict": {"verdict": "passed"},
        "verdict and language": {"verdict": "passed", "language": "former"},
        "tag": {"tags": {"exercise": "17"}},
        "a tag that all have": {"tags": {"all": "yes"}},
        "a tag of few": {"tags": {"few": "yes"}},
        "tag and language": {"tags": {"all": "yes"}, "language": "former"},
        "tag and outcome": {"tags": {"exercise": "17"}, "outcome": "ok"},
        "tag and status": {"tags": {"all": "yes"}, "status": "finished"},
        "two tags": {"tags": {"all": "yes", "few": "yes"}},
    }
    for name, what in asked.items():
        for place, high in (("", HIGHEST), (", deep", deep)):
            asked_as = f"history: {name}{place}"
            yield asked_as, partial(Wanted(BIG, high=high, **what).page, max(1, found.get(asked_as, 50)))
    yield "history of a smaller client", partial(Wanted(MIDDLE).page, found.get("history of a smaller client", 50))
    yield "a single one", lambda: Execution.objects.get(pk=deep)
    yield "a single one, with what it ran", lambda: Execution.objects.get(pk=deep).job["steps"]
    yield "export: the first row", lambda: next(Wanted(BIG).all())
    yield "export of what has finished", lambda: next(Wanted(BIG, status="finished").all())


def _admin_pages() -> Iterator[tuple[str, Callable[[], object]]]:
    from benchmarks.lists import a_list  # noqa: PLC0415 - Django is set up only now
    from executions.models import Execution  # noqa: PLC0415

    deep = Execution.objects.order_by("id").values_list("id", flat=True)[1000]
    yield "admin: search", lambda: list(a_list(f"q={deep}").result_list)
    made = a_list("")
    for order, query in (("newest first", ""), ("oldest first", "&o=1")):
        for spec in made.filter_specs:
            for choice in list(spec.choices(made)):
                asked = f"{choice['query_string'].removeprefix('?')}{query}"
                name = f"admin: {spec.title} {choice['display']}, {order}"
                yield name, lambda asked=asked: list(a_list(asked).result_list)  # type: ignore[misc]  # as above
    for page in (2, 100):
        yield f"admin: page {page}", lambda page=page: list(a_list(f"p={page}").result_list)  # type: ignore[misc]  # as above


if __name__ == "__main__":
    sys.exit(main())
