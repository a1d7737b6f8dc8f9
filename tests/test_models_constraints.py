"""What must always hold of the rows is held by the database."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions.models import Execution
from languages.models import Language
from rest.ids import uuid7

NOW = timezone.now()
LATER = NOW + timedelta(seconds=1)
JOB: dict[str, Any] = {"steps": []}
RUNNING = {"status": "running", "job": JOB, "worker": uuid.uuid4(), "started_at": NOW}
FINISHED = {"status": "finished", "outcome": "ok", "exit_code": 0, "started_at": NOW, "finished_at": LATER}
REJECTED = {"status": "rejected", "error": "no", "finished_at": LATER}


def row(**fields: Any) -> Execution:
    return Execution.objects.create(created_at=NOW, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "queued", "job": JOB, "worker": uuid.uuid4()},
        RUNNING,
        FINISHED,
        REJECTED,
        FINISHED | {"outcome": "timeout_wall", "error": "timed out", "exit_code": 137},
        FINISHED | {"outcome": "sandbox_error", "error": "lost", "started_at": None},
    ],
)
def test_rows_that_make_sense(db: None, fields: dict[str, Any]) -> None:
    assert row(**fields).pk


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        (RUNNING | {"started_at": None}, "execution_status_and_timestamps"),
        (RUNNING | {"finished_at": LATER}, "execution_status_and_timestamps"),
        (FINISHED | {"finished_at": None}, "execution_status_and_timestamps"),
        (FINISHED | {"started_at": None}, "execution_status_and_timestamps"),
        (REJECTED | {"started_at": NOW}, "execution_status_and_timestamps"),
        ({"status": "lost"}, "execution_"),
        (FINISHED | {"outcome": ""}, "execution_"),
        (FINISHED | {"outcome": "fine"}, "execution_"),
        (RUNNING | {"outcome": "ok", "exit_code": 0}, "execution_outcome_when_finished"),
        (REJECTED | {"error": ""}, "execution_error_tells_why"),
        (FINISHED | {"error": "but"}, "execution_error_tells_why"),
        (FINISHED | {"outcome": "timeout_wall"}, "execution_error_tells_why"),
        (FINISHED | {"exit_code": 1}, "execution_ok_is_exit_0"),
        (FINISHED | {"exit_code": None}, "execution_ok_is_exit_0"),
        (RUNNING | {"worker": None}, "execution_open_has_worker"),
        (RUNNING | {"job": {}}, "execution_open_has_job"),
    ],
)
def test_rows_that_make_none(db: None, fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row(**fields)


def test_ids_are_version_7_and_in_order() -> None:
    ids = [uuid7() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 10_000
    assert {(each.version, each.variant) for each in ids} == {(7, uuid.RFC_4122)}
    assert abs((ids[0].int >> 80) / 1000 - timezone.now().timestamp()) < 60


def test_a_language_that_is_deleted_leaves_its_executions(python: Language) -> None:
    row(**FINISHED, language_slug="python", language_version="3.13.5", source="print(1)")
    before = Execution.objects.values().get()
    with CaptureQueriesContext(connection) as queries:
        python.delete()
    assert not [query["sql"] for query in queries if "executions_" in query["sql"]]
    assert Execution.objects.values().get() == before
    Language.objects.create(
        slug="python", name="Python", image="x", source_file="main.py", run_command=["python3", "{source}"]
    )


def language(**fields: Any) -> Language:
    base = {"slug": "ruby", "name": "Ruby", "image": "gexec/ruby", "source_file": "main.rb", "run_command": ["ruby"]}
    return Language(**(base | fields))


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"slug": "Rúby"}, "slug", "cannot name a language"),
        ({"slug": "-x"}, "slug", "cannot name a language"),
        ({"slug": "py"}, "slug", "“py” already names python"),
        ({"slug": "python"}, "slug", "already"),
        ({"aliases": ["PYTHON"]}, "aliases", "“python” already names python"),
        ({"aliases": ["rb", "rb"]}, "aliases", "“rb” is given twice"),
        ({"aliases": ["ruby"]}, "slug", None),
        ({"aliases": ["a b"]}, "aliases", "cannot name a language"),
        ({"run_command": []}, "run_command", "how the program is started"),
        ({"run_command": "ruby main.rb"}, "run_command", "JSON list of words"),
        ({"run_command": ["ruby", "{file}"]}, "run_command", "{file} is not a placeholder"),
        ({"compile_command": ["cc", "{source}", "{out}"]}, "compile_command", "{out} is not a placeholder"),
        ({"run_command": ["a\x00"]}, "run_command", "NUL"),
        ({"compile_command": ["cc", "-I{sources}"]}, "compile_command", "make it a word of its own"),
        ({"run_command": ["ruby", "{compile_args}"]}, "run_command", "belongs to the compile command"),
        ({"compile_args": ["-O2"]}, "compile_args", "Say with the word {compile_args}"),
        ({"compile_args": "-O2"}, "compile_args", "JSON list of words"),
        ({"compile_args": ["*"]}, "compile_args", "“*” is no argument to allow"),
        ({"compile_args": ["-*=x"]}, "compile_args", "no argument to allow"),
        ({"compile_args": [""]}, "compile_args", "no argument to allow"),
        ({"compile_args": ["-D\x00"]}, "compile_args", "no argument to allow"),
        ({"source_suffixes": ["rb"]}, "source_suffixes", "“rb” is no suffix"),
        ({"source_suffixes": [".tar.gz"]}, "source_suffixes", "no suffix"),
        ({"source_suffixes": ".rb"}, "source_suffixes", "JSON list of words"),
        ({"environment": ["a"]}, "environment", "JSON object"),
        ({"excused": ["a"]}, "excused", "JSON object"),
        ({"excused": {"timeout": " "}}, "excused", "Say why timeout may fail"),
        ({"excused": {"timeout": 3}}, "excused", "Say why timeout may fail"),
        ({"excused": {"hello": "x"}}, "excused", "no case that can be excused; there are args, assert, bom, "),
        ({"environment": {"A B": "x"}}, "environment", "cannot name an environment variable"),
        ({"environment": {"A": 1}}, "environment", "must be a text"),
        ({"environment": {"A": "{memory}"}}, "environment", "there are {cpus}, {heap_mb}, {memory_mb}"),
        ({"version_command": "ruby -v"}, "version_command", "JSON list of words"),
        ({"image": "Ruby 3"}, "image", "cannot name an image"),
        ({"source_file": "../x"}, "source_file", "not a plain file name"),
        ({"source_file": "x" * 256}, "source_file", None),
        ({"memory_mb": 257}, "memory_mb", "at most 256 MB"),
        ({"compile_memory_mb": 1025}, "compile_memory_mb", "at most 1024 MB"),
        ({"memory_mb": 1}, "memory_mb", "greater than or equal to 16"),
        ({"timeout_ms": 10, "max_timeout_ms": 5}, "__all__", "at most the longest"),
        ({"timeout_ms": 0}, "timeout_ms", "greater than or equal to 1"),
        ({"cpu_quota_us": 1}, "cpu_quota_us", "greater than or equal to 1000"),
        ({"warm_min": 5}, "__all__", "warm containers must not be above"),
        ({"enabled": True}, "enabled", "Its self-test has not passed yet"),
    ],
)
def test_a_bad_language_is_explained(python: Language, fields: dict[str, Any], field: str, message: str | None) -> None:
    with pytest.raises(ValidationError) as refused:
        language(**fields).full_clean()
    errors = refused.value.message_dict
    assert set(errors) >= {field} or message is None
    if message is not None:
        assert message in " ".join(errors[field])


@pytest.mark.parametrize(
    "word", ["{source}", "{sources}", "x{source}.o", "out/{stem}.js", "${HOME}", "{ print $1 }", "{}", "{1}"]
)
def test_words_that_a_command_may_have(db: None, word: str) -> None:
    language(run_command=["sh", word]).full_clean()


def test_names_are_kept_in_lower_case(db: None) -> None:
    ruby = language(slug="RUBY", aliases=["RB "])
    ruby.full_clean()
    assert (ruby.slug, ruby.aliases) == ("ruby", ["rb"])


@pytest.mark.parametrize(
    "fields",
    [
        {"slug": "Ruby"},
        {"timeout_ms": 10, "max_timeout_ms": 5},
        {"compile_timeout_ms": 0},
        {"memory_mb": 1},
        {"compile_memory_mb": 1},
        {"processes": 0},
        {"warm_min": 9},
        {"enabled": True},
        {"enabled": True, "image_digest": "sha256:1"},
        {"aliases": ["py"]},
        {"aliases": ["python"]},
        {"slug": "py"},
    ],
)
def test_a_bad_language_is_refused_by_the_database_too(python: Language, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        language(**fields).save()


@pytest.mark.usefixtures("transactional_db")
def test_two_who_take_one_alias_at_the_same_moment() -> None:
    taken: list[str] = []
    barrier = threading.Barrier(4)

    def take(slug: str) -> None:
        barrier.wait()
        try:
            language(slug=slug, aliases=["shared"]).save()
            taken.append(slug)
        except IntegrityError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=[f"lang{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


def test_the_catalogue_answers_without_a_query(python: Language) -> None:
    assert Language.objects.matching("PY") == python
    with CaptureQueriesContext(connection) as queries:
        assert Language.objects.matching("python") == python
        assert Language.objects.matching("nothing") is None
        assert Language.objects.catalogued() == [python]
    assert len(queries) == 0


def test_the_catalogue_sees_a_change_of_this_process_at_once(python: Language) -> None:
    assert Language.objects.matching("python")
    python.aliases = ["snake"]
    python.save()
    assert Language.objects.matching("snake")
    assert Language.objects.matching("py") is None


def test_the_catalogue_sees_a_change_of_another_process_soon(python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Language.objects.matching("py")
    Language.objects.update(aliases=["snake"])
    assert Language.objects.matching("py")
    monkeypatch.setattr("rest.snapshot.MAX_AGE_S", -1.0)
    assert Language.objects.matching("snake")
