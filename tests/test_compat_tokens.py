"""What clients of other services find their executions by, and what their programs bring besides."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError

from executions.accept import all_queued
from executions.compat.running import Content, Handle, Program, SourceFile, submission_of
from executions.doors import Door
from executions.models import CompatToken, Execution
from executions.submission import Origin, Submission
from languages.models import Language
from rest.exceptions import Refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_remembered")]
NOBODY = Origin("127.0.0.1")


def submitted(language: Language, *names: str, **more: Any) -> Submission:
    files = tuple(SourceFile(name, Content(b"x" * 300)) for name in names)
    return submission_of(Program(language, files, names[0], **more), Door.JUDGE0, None)


def test_a_token_is_kept_with_its_row_and_goes_with_it(python: Language) -> None:
    handle = Handle({"language_id": 71})
    owner = uuid4()
    (row,) = all_queued([submitted(python, "a.py", handle=handle)], Origin("127.0.0.1", client_id=owner))
    token = CompatToken.objects.get(token=handle.token)
    assert (token.execution_id, token.door, token.client_id) == (row.pk, "judge0", owner)
    assert (token.asked, str(token)) == ({"language_id": 71}, f"judge0 of {row.pk}")
    Execution.objects.filter(pk=row.pk)._raw_delete("default")
    assert not CompatToken.objects.exists()


def test_a_token_that_there_is_takes_nothing_else_with_it(python: Language) -> None:
    handle = Handle({})
    all_queued([submitted(python, "a.py", handle=handle)], NOBODY)
    with pytest.raises(IntegrityError):
        all_queued([submitted(python, "b.py"), submitted(python, "c.py", handle=handle)], NOBODY)


def test_tokens_are_by_chance_and_rows_have_none_unless_asked_for(python: Language) -> None:
    assert Handle({}).token != Handle({}).token
    assert Handle({}).token.version == 4
    all_queued([submitted(python, "a.py")], NOBODY)
    assert not CompatToken.objects.exists()


def test_only_named_sources_are_compiled(go: Language) -> None:
    go.compile_command = ["build", "{sources}"]
    rows = all_queued([submitted(go, "a.go", "b.go"), submitted(go, "a.go", "b.go", sources=())], NOBODY)
    assert [row.job["steps"][0]["argv"][1:] for row in rows] == [["a.go", "b.go"], ["a.go"]]


def test_how_large_a_file_may_be_is_the_doors_to_say(python: Language, settings: Any) -> None:
    settings.GEXEC_MAX_SOURCE_BYTES = 100
    with pytest.raises(Refusal, match="larger than 100 bytes"):
        submitted(python, "a.py")
    submitted(python, "a.py", file_bytes=300)
    with pytest.raises(Refusal, match="larger than 299 bytes"):
        submitted(python, "a.py", file_bytes=299)
