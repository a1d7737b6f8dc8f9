"""Databases of before are brought along: nothing is lost, nothing is counted twice, and there is a way back."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from executions.models import Execution, ExecutionTotal, Status
from executions.outcomes import Outcome
from executions.results import steps_in
from languages.models import Language
from testkit.databases import create_database

way_back = import_module("executions.migrations.0007_way_back_to_the_language")
ROWS = 100_000
BEFORE = [("executions", "0004_language_task"), ("languages", "0004_start_ahead")]
COLUMNS = """
    status, outcome, language_slug, source, stdin, args, limits, stdout, stderr, stdout_truncated, stderr_truncated,
    exit_code, signal, error, compile_stdout, compile_stderr, compile_exit_code, compile_wall_ms, compile_cpu_ms,
    wall_ms, cpu_ms, peak_memory_bytes, worker, started_at, finished_at"""

# A tenth compiles, a tenth is refused for its source, a hundredth was killed by a limit; bytes that are no text.
FILL = """
INSERT INTO executions_execution (id, language_version, image_digest, client_address, api_key_id, created_at, {columns})
SELECT gen_random_uuid(), '', 'sha256:1', '192.0.2.1', NULL, now(), {values}
FROM generate_series(1, {rows}) n CROSS JOIN LATERAL (SELECT '{{"wall_ms": 60000, "memory_mb": 128,
    "cpu_quota_us": 50000, "processes": 64, "output_bytes": 1048576}}'::jsonb AS limits) allowed
WHERE {where}
"""
KINDS = {
    "n % 10 NOT IN (1, 2) AND n % 100 <> 3": """
        'finished', 'ok', 'python', 'print(' || n || ')', '', '[]', limits, decode('00ff', 'hex') || n::text::bytea,
        '\\x', false, true, 0, NULL, '', '\\x', '\\x', NULL, NULL, NULL, 15.5, 14.25, 9437184, NULL, now(), now()""",
    "n % 10 = 1": """
        'finished', 'ok', 'go', 'package main', '', '[]', limits, 'out' || n::text::bytea, 'err', false, false, 0, NULL,
        '', 'compiled', 'warning', 0, 300.5, 200.25, 5.0, 4.0, 9437184, NULL, now(), now()""",
    "n % 10 = 2": """
        'finished', 'compile_error', 'go', 'package', '', '[]', limits, '', '', false, false, 2, NULL, '', 'said',
        'main.go:1', 2, 99.0, 50.0, NULL, NULL, 5000000, NULL, now(), now()""",
    "n % 100 = 3": """
        'finished', 'timeout_wall', 'python', 'while 1: pass', '', '[]', limits, 'part', '', false, false, 137, 9,
        'execution timed out after 60000 ms', '', '', NULL, NULL, NULL, 60000.0, 30000.0, 9437184, NULL,
        now(), now()""",
}
OTHERS = [
    """'rejected', '', '', '', '', '[]', '{}'::jsonb, '', '', false, false, NULL, NULL, 'Invalid JSON', '', '', NULL,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, now()""",
    """'running', '', 'python', 'x', '', '[]', limits, '', '', false, false, NULL, NULL, '', '', '',
       NULL, NULL, NULL, NULL, NULL, NULL, gen_random_uuid(), now(), NULL""",
]


@pytest.fixture
def before(postgres: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database of before, with many rows. It goes with its server."""
    create_database(postgres, "before")
    now = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        _connect_to("before")
        try:
            _migrate(BEFORE)
            with connection.cursor() as cursor:
                for where, values in KINDS.items():
                    cursor.execute(FILL.format(columns=COLUMNS, values=values, rows=ROWS, where=where))
                for values in OTHERS:
                    cursor.execute(FILL.format(columns=COLUMNS, values=values, rows=1, where="true"))
                cursor.execute(
                    "INSERT INTO executions_worker VALUES (gen_random_uuid(), 'host', 'namespace', 1, 1, now());"
                    "INSERT INTO executions_counter VALUES ('key', 3, now() + interval '1 hour')"
                )
            yield
        finally:
            _connect_to(now)


def _connect_to(name: str) -> None:
    """Connections that wait in the pool are to the other database."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it
    connection.settings_dict["NAME"] = name


@pytest.mark.timeout(600)
def test_a_hundred_thousand_rows_are_brought_along_and_back(before: None) -> None:
    totals = _totals()
    kept = _sample()
    call_command("migrate", verbosity=0)
    assert Execution.objects.count() == sum(received for received, *_ in totals.values())
    assert _totals() == totals
    _check_steps()
    _migrate(BEFORE)
    assert _totals() == totals
    assert _sample() == kept


def _check_steps() -> None:
    ok = Execution.objects.filter(outcome=Outcome.OK, language_slug="python").latest("created_at")
    (step,) = steps_in(ok)
    assert step.stdout == b"\x00\xff" + ok.source.removeprefix("print(").removesuffix(")").encode()
    assert (step.name, step.stderr_truncated, step.wall_ms, step.exit_code) == ("run", True, 15.5, 0)
    assert ok.job["steps"][0]["limits"] == {"wall_ms": 60_000, "output_bytes": 1_048_576, "memory_bytes": 128 << 20}
    compiled, ran = steps_in(Execution.objects.filter(outcome=Outcome.OK, language_slug="go")[0])
    assert (compiled.outcome, compiled.stdout, compiled.stderr, compiled.wall_ms) == (
        Outcome.OK, b"compiled", b"warning", 300.5,
    )  # fmt: skip
    assert (ran.stdout[:3], ran.stderr) == (b"out", b"err")
    (refused,) = steps_in(Execution.objects.filter(outcome=Outcome.COMPILE_ERROR)[0])
    assert (refused.name, refused.outcome, refused.exit_code) == ("compile", Outcome.NONZERO_EXIT, 2)
    (killed,) = steps_in(Execution.objects.filter(outcome=Outcome.TIMEOUT_WALL)[0])
    assert (killed.stdout, killed.signal, killed.exit_code) == (b"part", 9, 137)
    rejected = Execution.objects.get(status=Status.REJECTED)
    assert (rejected.job, rejected.steps, bytes(rejected.output)) == ({}, [], b"")
    assert Execution.objects.get(status=Status.RUNNING).steps == []


def _totals() -> dict[tuple[str, str], tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT language_slug, outcome, sum(received), sum(finished), sum(errors) "
            f"FROM {ExecutionTotal._meta.db_table} GROUP BY 1, 2"
        )
        return {(slug, outcome): tuple(map(int, sums)) for slug, outcome, *sums in cursor.fetchall()}  # type: ignore[misc]  # three


def _sample() -> list[Any]:
    """Every column of some rows of each kind, as they were."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {COLUMNS} FROM executions_execution WHERE right(id::text, 2) = '00' OR status <> 'finished'"
            " ORDER BY id"
        )
        return list(cursor.fetchall())


def _migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    others = [key for key in executor.loader.graph.leaf_nodes() if key[0] not in {"executions", "languages"}]
    others = [(app, name) for app, name in others if app not in {"dispatch", "gexec", "rest"}]
    executor.migrate([*targets, ("gexec", None), ("dispatch", None), ("rest", None), *others])


def test_executions_find_their_languages_on_the_way_back(
    transactional_db: None, python: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way_back, "BATCH", 3)
    now = timezone.now()
    ended = {"status": "finished", "outcome": "ok", "exit_code": 0, "finished_at": now, "started_at": now}
    for number in range(10):
        slug = "gone" if number % 5 == 4 else "python"
        Execution.objects.create(**ended, language_slug=slug, created_at=now)
    call_command("migrate", "executions", "0006_job_and_steps", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT language_id, language_slug, count(*) FROM executions_execution GROUP BY 1, 2 ORDER BY 2")
        assert cursor.fetchall() == [(None, "gone", 2), (python.pk, "python", 8)]
    call_command("migrate", verbosity=0)
    assert Execution.objects.filter(language_slug="python").count() == 8
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE executions_execution CASCADE")


@pytest.fixture
def before_clients_names(transactional_db: None) -> Iterator[Any]:
    """The languages of before they had the names that clients of other services send."""
    executor = MigrationExecutor(connection)
    state = executor.migrate([("languages", "0008_one_text_for_what_is_not_tested")])
    yield state.apps.get_model("languages", "Language").objects
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE languages_language CASCADE")


def test_languages_get_the_names_that_clients_use_unless_their_aliases_were_changed(before_clients_names: Any) -> None:
    for slug, aliases in (("python", ["py"]), ("cpp", ["mine"]), ("php", []), ("own", ["python3"])):
        before_clients_names.create(
            slug=slug, name=slug, aliases=aliases, image="x", source_file="a", run_command=["a"]
        )
    call_command("migrate", verbosity=0)
    now = dict(Language.objects.values_list("slug", "aliases"))
    assert now == {"python": ["py", "py3", "cpython"], "cpp": ["mine"], "php": ["php8"], "own": ["python3"]}
    MigrationExecutor(connection).migrate([("languages", "0008_one_text_for_what_is_not_tested")])
    before = dict(before_clients_names.values_list("slug", "aliases"))
    assert before == {"python": ["py"], "cpp": ["mine"], "php": [], "own": ["python3"]}


def test_what_tested_languages_have_counts_as_tested(before_clients_names: Any) -> None:
    row = {"name": "A", "image": "x", "source_file": "a", "run_command": ["a"], "memory_mb": 77}
    before_clients_names.create(slug="tested", image_digest="sha256:1", tested_at=timezone.now(), enabled=True, **row)
    before_clients_names.create(slug="new", **row)
    call_command("migrate", verbosity=0)
    tested, new = Language.objects.get(slug="tested"), Language.objects.get(slug="new")
    assert (tested.tested, tested.untested, new.tested) == (tested.what_is_tested(), [], {})


def test_go_runs_as_it_was_tested_until_its_new_command_is(before_clients_names: Any) -> None:
    former = ["gobuild", "/tmp/main"]
    row = {"name": "Go", "source_file": "main.go", "run_command": ["/tmp/main"], "image_digest": "sha256:1"}
    for slug, command, image in (("go", former, "gexec/go"), ("go@own", former, "own"), ("d", ["x"], "gexec/d")):
        before_clients_names.create(
            slug=slug, compile_command=command, image=image, tested_at=timezone.now(), enabled=True, **row
        )
    call_command("migrate", verbosity=0)
    rows = {row.slug: row for row in Language.objects.all()}
    assert [rows[slug].untested for slug in ("go", "go@own", "d")] == [["compile_command"], [], []]
    assert rows["go"].compile_command == [*former, "{source}", "{compile_args}"]
    assert (rows["go"].served().compile_command, rows["go"].served().allowed_compile_args) == (former, [])
    rows["go"].full_clean()
    MigrationExecutor(connection).migrate([("languages", "0016_install_task")])
    before = before_clients_names.filter(slug__startswith="go").values_list("compile_command", flat=True)
    assert list(before) == [former, former]


def test_ruby_gets_a_stack_that_leaves_room_unless_it_has_one(before_clients_names: Any) -> None:
    row = {"name": "A", "image": "x", "source_file": "a", "run_command": ["a"], "image_digest": "sha256:1"}
    for slug in ("ruby", "ruby@3.1", "rubyish"):
        before_clients_names.create(slug=slug, tested_at=timezone.now(), enabled=True, **row)
    call_command("migrate", verbosity=0)
    rows = Language.objects.order_by("slug")
    assert [(row.slug, row.stack_mb, row.untested) for row in rows] == [
        ("ruby", 16, []),
        ("ruby@3.1", 16, []),
        ("rubyish", None, []),
    ]


@pytest.mark.usefixtures("transactional_db")
def test_an_index_whose_build_was_interrupted_is_built_anew() -> None:
    """In both directions: what an interrupted migration leaves has the name, and is no good."""
    executor = MigrationExecutor(connection)
    executor.migrate([("executions", "0008_language_by_name")])
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX execution_by_ending ON executions_execution (exit_code)")
    call_command("migrate", verbosity=0)
    assert _columns("execution_by_ending") == ["status", "outcome", "id"]
    assert _columns("execution_created") == []
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX execution_created ON executions_execution (exit_code)")
    executor = MigrationExecutor(connection)
    executor.migrate([("executions", "0008_language_by_name")])
    assert _columns("execution_created") == ["created_at"]
    assert _columns("execution_by_ending") == []
    call_command("migrate", verbosity=0)


def _columns(index: str) -> list[str]:
    """Those of an index, in its order; none where there is no such index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) ORDER BY attnum", [index])
        return [name for (name,) in cursor.fetchall()]
