"""`python -m benchmarks.contents`: what a row takes before and after its contents stand apart, and what that costs.

On an embedded PostgreSQL of its own, with rows as programs in Python leave them. Bytes are those of all tables and
indexes, written anew by VACUUM FULL. Moving is timed as the server does it, in one process; reading is the row with
its source, job and output by the ORM; writing is a row that is accepted, started and finished by the ORM, with and
without the trigger that watches over numbers. Times are medians, as the clock on the wall has them.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import django

from benchmarks.tables import aligned
from testkit.databases import create_database, database_url, embedded_postgres
from testkit.servers import clean_environment, manage

ROWS = 1_000
_READ, _WRITTEN = 200, 300
_TABLES = "executions_execution", "executions_keptcontent"
STEPS = [
    {"name": "run", "outcome": "ok", "signal": None, "stdout": {"from": 0, "bytes": 3, "truncated": False},
     "stderr": {"from": 3, "bytes": 0, "truncated": False}, "cpu_ms": 31.25, "detail": "", "wall_ms": 38.113,
     "exit_code": 0, "peak_memory_bytes": 9437184, "order": [["stdout", 3]]},
]  # fmt: skip
_LIMITS = {"cpu_ms": None, "wall_ms": 60000, "open_files": 256, "memory_bytes": 134217728, "output_bytes": 1048576,
           "file_size_bytes": 67108864, "large_files_fail": False}  # fmt: skip
_ENVIRONMENT = {"HOME": "/box", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "USER": "gexec",
                "TMPDIR": "/tmp", "LOGNAME": "gexec"}  # fmt: skip
JOB: dict[str, Any] = {
    "files": [{"name": "main.py", "content": {"column": "source"}, "executable": False}],
    "steps": [{"name": "run", "argv": ["python3", "main.py"], "stdin": {"text": ""}, "limits": _LIMITS,
               "environment": _ENVIRONMENT}],
    "limits": {"capped": [], "cpu_ms": None, "wall_ms": 60000, "memory_mb": 128, "processes": 128,
               "file_bytes": 67108864, "output_bytes": 1048576, "compile_wall_ms": None},
    "profile": {"ahead": {"argv": ["python3", "main.py"], "script": "main.py", "environment": _ENVIRONMENT},
                "image": "sha256:" + "ab" * 32, "runtime": "crun", "terminal": False, "processes": 128,
                "stack_bytes": 134217728, "tmpfs_bytes": 67108864, "cpu_quota_us": 50000, "memory_bytes": 134217728,
                "cpu_period_us": 100000, "runs_per_container": 1},
    "entrypoint": "main.py",
    "keep_going": False,
}  # fmt: skip
"""As POST /execute makes it."""


def main() -> int:
    """Fill, move, measure, print a table."""
    with TemporaryDirectory(prefix="gexec-contents-", ignore_cleanup_errors=True) as directory:
        data_dir = Path(directory) / "data"
        data_dir.mkdir()
        with embedded_postgres(data_dir) as sockets:
            create_database(sockets, "contents")
            environment = clean_environment(
                DATABASE_URL=database_url(sockets, "contents"), GEXEC_DATA_DIR=str(data_dir), GEXEC_DISK_LOW_MB="0"
            )
            done = manage("migrate", "--verbosity=0", environment=environment)
            if done.returncode:
                raise SystemExit(done.stderr)
            os.environ.update(environment, DJANGO_SETTINGS_MODULE="gexec.settings")
            django.setup()
            _tell()
    return 0


def _tell() -> None:
    columns = ("rows like these", "bytes before", "after", "moved a second", "ms to read before", "after")
    lines = [(name, *_measured(kind)) for name, kind in _kinds().items()]
    sys.stdout.write(aligned([columns, *lines], left=1) + "\n\n")
    with_it, without = _written_ms()
    sys.stdout.write(f"to accept, start and finish one: {with_it:.2f} ms, without the trigger {without:.2f} ms\n")


def _kinds() -> dict[str, Callable[[random.Random], dict[str, Any]]]:
    starting, given = _program(random.Random(1), 3000), _program(random.Random(2), 350)
    printed = _program(random.Random(3), 2000).encode()
    tests = [
        {"args": [], "name": f"t{n}", "files": [], "group": "", "stdin": {"text": f"{n}\n{n * 7}\n"}, "hidden": False,
         "limits": {}, "points": 1, "expected": {"text": f"{n * 8}\n"}, "exit_code": 0}
        for n in range(20)
    ]  # fmt: skip
    graded = JOB | {"grading": {"judge": None, "tests": tests, "compare": "trim", "report": "all"}}
    return {
        "350 bytes of source, all different": lambda chance: {"source": _program(chance, 350)},
        "350 bytes, the same": lambda _: {"source": given},
        "3 kB of source and 2 kB of output, all different": lambda chance: {
            "source": _program(chance, 3000),
            "output": _program(chance, 2000).encode(),
        },
        "3 kB and 2 kB, the same": lambda _: {"source": starting, "output": printed},
        "1 kB, all different, and the same 20 tests": lambda chance: {"source": _program(chance, 1000), "job": graded},
        "350 bytes, and 100 kB of output, all different": lambda chance: {
            "source": _program(chance, 350),
            "output": _program(chance, 100_000).encode(),
        },
    }


def _program(chance: random.Random, size: int) -> str:
    """Of which compression makes as much as of programs: half, or a third of long ones."""
    words = [
        "for",
        "in",
        "range",
        "print",
        "return",
        "if",
        "else",
        "value",
        "total",
        "result",
        "index",
        "items",
        "self",
    ]
    made = ""
    while len(made) < size:
        name, verb, call = (chance.choice(words) for _ in range(3))
        made += f"    {verb} {name}_{chance.randrange(60)} = {call}({chance.randrange(99)})\n"
    return made[:size]


def _measured(kind: Callable[[random.Random], dict[str, Any]]) -> Iterator[str]:
    from executions import packing  # noqa: PLC0415 - Django is set up only now
    from executions.models import RetentionMark  # noqa: PLC0415

    _run(f"TRUNCATE {', '.join(_TABLES)}")
    RetentionMark.objects.all().delete()
    empty, ids = _bytes(), _fill(kind)
    before, read = (_bytes() - empty) / ROWS, _read_ms(ids)
    began = time.monotonic()
    while packing.carry_out(threading.Event()):
        pass
    took_s = (time.monotonic() - began) / 2  # The server pauses as long as it works.
    yield from (f"{before:.0f}", f"{(_bytes() - empty) / ROWS:.0f}", f"{ROWS / took_s:.0f}")
    yield from (f"{read:.2f}", f"{_read_ms(ids):.2f}")


def _fill(kind: Callable[[random.Random], dict[str, Any]]) -> list[UUID]:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from executions.models import Execution  # noqa: PLC0415 - Django is set up only now
    from rest.ids import first_at  # noqa: PLC0415

    chance, made = random.Random(7), []
    for number in range(ROWS):
        at = datetime.now(UTC) - timedelta(hours=2) + timedelta(milliseconds=number)
        row = {"job": JOB, "steps": STEPS, "output": b"42\n"} | kind(chance)
        made.append(
            Execution(
                id=UUID(int=first_at(at).int | uuid4().int >> 70),
                status="finished",
                outcome="ok",
                exit_code=0,
                language_slug="python",
                language_version="3.13",
                image_digest="sha256:" + "ab" * 32,
                client_id=UUID(int=1),
                api_key_id="abcdefghijkl",
                door="api",
                client_address="10.0.0.1",
                queue_ms=0.1,
                wall_ms=38.113,
                cpu_ms=31.25,
                peak_memory_bytes=9437184,
                created_at=at,
                started_at=at,
                finished_at=at,
                **row,
            )
        )
    Execution.objects.bulk_create(made, batch_size=100)
    return [row.pk for row in made]


def _bytes() -> int:
    _run(f"VACUUM (FULL, ANALYZE) {', '.join(_TABLES)}")
    return int(
        _run(
            "SELECT sum(pg_total_relation_size(relid)) + pg_total_relation_size('executions_keptcontent')"
            " FROM pg_partition_tree('executions_execution') WHERE isleaf"
        )
    )


def _read_ms(ids: list[UUID]) -> float:
    from executions.models import Execution  # noqa: PLC0415 - Django is set up only now

    def once(pk: UUID) -> float:
        began = time.perf_counter()
        row = Execution.objects.get(pk=pk)
        assert all((row.source, row.job["files"], row.output))
        return (time.perf_counter() - began) * 1000

    return statistics.median(once(pk) for pk in random.Random(9).sample(ids, _READ))


def _written_ms() -> tuple[float, float]:
    """With the trigger and without it, in turns."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(_WRITTEN):
        on = number % 2 == 0
        _run(f"ALTER TABLE executions_execution {'ENABLE' if on else 'DISABLE'} TRIGGER execution_lets_go")
        times[on].append(_write())
    return statistics.median(times[True]), statistics.median(times[False])


def _write() -> float:
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from executions.models import Execution  # noqa: PLC0415
    from rest.ids import moment_of, uuid7  # noqa: PLC0415

    pk = uuid7()
    row = Execution(id=pk, status="queued", source="print(42)", job=JOB, worker=pk, created_at=moment_of(pk))
    began = time.perf_counter()
    row.save(force_insert=True)
    rows = Execution.objects.filter(pk=pk)
    rows.update(status="running", started_at=timezone.now())
    rows.update(status="finished", outcome="ok", exit_code=0, finished_at=timezone.now(), steps=STEPS, output=b"42\n")
    return (time.perf_counter() - began) * 1000


def _run(statement: str) -> Any:
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


if __name__ == "__main__":
    sys.exit(main())
