"""`python -m benchmarks.lists [--rows 1000000,5000000]`: the admin's list of executions in front of long histories.

For every combination of its filters' choices, and both orders, it measures the two statements that a page is made of,
on an embedded PostgreSQL of its own, whose tables are larger than its memory. Beside them it measures what the indexes
cost each request: one row inserted and finished. A million executions take some minutes and 1.5 GB of disk.

Exit code 1 where a page took more than MOST_MS.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import django
import psycopg

from benchmarks.tables import aligned
from testkit.databases import database_url, embedded_postgres
from testkit.histories import fill, tag
from testkit.servers import clean_environment, manage

MOST_MS = 1_000.0
"""Of the slowest page of the admin: a person waits for it."""
MOST_API_MS = 30.0
"""Of a page of 50 over the API."""
CLIENT, SMALL_CLIENT = UUID(int=1), UUID(int=2)
"""Whose nine of ten executions are, and who has hardly any."""
_CHUNK = 100_000
_ROW_BYTES = 600
_WRITES = 300
_SHOWN = 8
"""The slowest choices; beside them the median."""

_INSERT = """
INSERT INTO executions_execution (id, status, outcome, language_slug, language_version, image_digest, source, stdin,
    job, steps, output, error, worker, created_at, started_at)
VALUES (%(id)s, 'running', '', 'recent', '', '', repeat('print(42)', 30), '', '{"steps": []}', '[]', '', '',
    gen_random_uuid(), now(), now())
"""
_FINISH = """
UPDATE executions_execution SET status = 'finished', outcome = 'ok', exit_code = 0, finished_at = now(), steps = '[]',
    output = 'x', wall_ms = 1 WHERE id = %(id)s AND status = 'running'
"""


def main() -> int:
    """Fill to each size in turn, measure there, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists")
    parser.add_argument("--rows", default="1000000,5000000", help="sizes of the history, from small to large")
    sizes = sorted(int(size) for size in parser.parse_args().rows.split(","))
    with TemporaryDirectory(prefix="gexec-lists-", ignore_cleanup_errors=True) as directory:
        data_dir = Path(directory) / "data"
        data_dir.mkdir()
        with embedded_postgres(data_dir) as sockets:
            url = database_url(sockets, "gexec")
            environment = clean_environment(DATABASE_URL=url, GEXEC_DATA_DIR=str(data_dir))
            done = manage("migrate", "--verbosity=0", environment=environment)
            if done.returncode:
                raise SystemExit(done.stderr)
            os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "gexec.settings"}
            django.setup()
            slowest_ms = max(_measured(url, rows) for rows in sizes)
    return 0 if slowest_ms <= MOST_MS else 1


def _measured(url: str, rows: int) -> float:
    """The time of the slowest page with so many rows, in ms; all of them are printed."""
    with psycopg.connect(url, autocommit=True) as connection:
        fill_to(connection, rows)
        write_ms = write_time_ms(connection)
    _print_api_times()
    times = {name: _page_ms(query) for name, query in _pages()}
    by_time = sorted(times.items(), key=lambda item: item[1], reverse=True)
    lines = [(name, f"{ms:.1f}") for name, ms in by_time[:_SHOWN]]
    lines.append((f"median of {len(times)} choices", f"{statistics.median(times.values()):.1f}"))
    lines.append(("insert and finish one row", f"{write_ms:.2f}"))
    print(f"\n{rows} executions\n" + aligned([("page", "ms"), *lines], left=1), flush=True)
    return by_time[0][1]


def fill_to(connection: psycopg.Connection[Any], rows: int) -> None:
    """A history of so many, as VACUUM leaves it, in place of what was there."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE executions_execution CASCADE")
        cursor.execute("SET session_replication_role = replica")
        for first in range(1, rows + 1, _CHUNK):
            fill(
                cursor, rows=rows, first=first, last=min(first + _CHUNK - 1, rows), row_bytes=_ROW_BYTES, client=CLIENT
            )
        tag(cursor, CLIENT)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(
            "INSERT INTO executions_executiontotal (language_slug, outcome)"
            " VALUES ('former', 'ok'), ('recent', 'ok') ON CONFLICT DO NOTHING"
        )
        cursor.execute("VACUUM (ANALYZE) executions_execution, executions_executiontag")


def write_time_ms(connection: psycopg.Connection[Any], writes: int = _WRITES) -> float:
    """The median of inserting one row and finishing it, as a request does. The rows are taken away again."""
    from rest.ids import uuid7  # noqa: PLC0415 - Django is set up only now

    took_ms, ids = [], []
    for _ in range(writes):
        key = uuid7()
        began = time.monotonic()
        connection.execute(_INSERT, {"id": key})
        connection.execute(_FINISH, {"id": key})
        took_ms.append((time.monotonic() - began) * 1000)
        ids.append(key)
    connection.execute("DELETE FROM executions_execution WHERE id = ANY (%s)", [ids])
    return statistics.median(took_ms)


def _page_ms(query: str) -> float:
    """The better of two, of which the second finds in memory what the first has read."""
    return min(_timed(query) for _ in range(2))


def _timed(query: str) -> float:
    began = time.monotonic()
    made = a_list(query)
    list(made.result_list)
    return (time.monotonic() - began) * 1000


def _print_api_times() -> None:
    """Each filter of the API's list and pairs of them, the first page and a deep one, and a single execution."""
    from executions.history import Wanted  # noqa: PLC0415 - Django is set up only now
    from executions.models import Execution  # noqa: PLC0415
    from executions.ranges import HIGHEST  # noqa: PLC0415

    newest = Execution.objects.filter(client_id=CLIENT).order_by("-id").values_list("id", flat=True)
    deep = newest[int(newest.count() * 0.7)]
    choices: dict[str, dict[str, Any]] = {
        "all": {},
        "language=former": {"language": "former"},
        "outcome=ok": {"outcome": "ok"},
        "outcome=timeout_cpu": {"outcome": "timeout_cpu"},
        "status=finished": {"status": "finished"},
        "status=rejected": {"status": "rejected"},
        "language=recent, outcome=ok": {"language": "recent", "outcome": "ok"},
        "language=former, outcome=timeout_wall": {"language": "former", "outcome": "timeout_wall"},
        "verdict=passed": {"verdict": "passed"},
        "tag.all=yes": {"tags": {"all": "yes"}},
        "tag.few=yes": {"tags": {"few": "yes"}},
        "tag.all=yes, language=former": {"tags": {"all": "yes"}, "language": "former"},
        "tag.few=yes, tag.all=yes": {"tags": {"few": "yes", "all": "yes"}},
    }
    lines = []
    for name, asked in choices.items():
        pages = [Wanted(client, high=high, **asked) for client in (CLIENT, SMALL_CLIENT) for high in (HIGHEST, deep)]
        lines.append((name, *(f"{min(_took_ms(page) for _ in range(2)):.1f}" for page in pages)))
    heads = ("a client's list of 50, ms", "first", "deep", "of a small client", "deep")
    print("\n" + aligned([heads, *lines], left=1), flush=True)


def _took_ms(page: Any) -> float:
    began = time.monotonic()
    page.page(50)
    return (time.monotonic() - began) * 1000


def _pages() -> Iterator[tuple[str, str]]:
    """Every combination of choices: for a person, and as the address has it."""
    made = a_list("")
    offered = [[(each["display"], each["query_string"]) for each in spec.choices(made)] for spec in made.filter_specs]
    for chosen in itertools.product(*offered, (("newest first", ""), ("oldest first", "o=1"))):
        names, queries = zip(*chosen, strict=True)
        yield ", ".join(map(str, names)), "&".join(query.removeprefix("?") for query in queries)


def a_list(query: str) -> Any:
    """The admin's list as it is made for this address."""
    from django.contrib import admin  # noqa: PLC0415 - Django is set up only now
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415

    from executions.models import Execution  # noqa: PLC0415

    request = RequestFactory().get("/", dict(parse_qsl(query)))
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    return admin.site.get_model_admin(Execution).get_changelist_instance(request)


if __name__ == "__main__":
    sys.exit(main())
