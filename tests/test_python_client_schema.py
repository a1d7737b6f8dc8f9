"""The client's words beside the schema of the API: what a request may have, and what an answer has."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

import pytest
import yaml

from gexec_client import results
from gexec_client.events import Unknown, event_in
from gexec_client.programs import Artifacts, Grading, Judge, Limits, Options, ProgramTest
from gexec_client.sse import Message
from testkit.servers import PROJECT

SCHEMAS: dict[str, Any] = yaml.safe_load((PROJECT / "docs" / "openapi.yaml").read_text())["components"]["schemas"]
OF_THE_CALL = {"language", "source_code", "wait", "on_disconnect"}
"""What the methods themselves say."""
WORDS = {"object", "links"}
"""What a typed answer needs not."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ExecutionRequest", Options),
        ("LimitsRequest", Limits),
        ("ArtifactsRequest", Artifacts),
        ("TestRequest", ProgramTest),
        ("GradingRequest", Grading),
        ("JudgeRequest", Judge),
    ],
)
def test_all_that_can_be_asked_for_can_be_asked_for_here(name: str, kind: type) -> None:
    asked = set(SCHEMAS[name]["properties"]) - (OF_THE_CALL if kind is Options else set())
    assert set(get_type_hints(kind)) == asked


@pytest.mark.parametrize(
    ("field", "kind"), [("compare", Grading), ("group_points", Grading), ("report", Grading), ("protocol", Judge)]
)
def test_words_that_can_be_chosen(field: str, kind: type) -> None:
    schema = SCHEMAS["GradingRequest" if kind is Grading else "JudgeRequest"]["properties"][field]
    assert set(get_args(get_type_hints(kind)[field])) == set(schema["enum"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Execution", results.Execution),
        ("Step", results.Step),
        ("Test", results.TestResult),
        ("Score", results.Score),
        ("Artifact", results.Artifact),
        ("Batch", results.Batch),
        ("OneLanguage", results.Language),
        ("File", results.StoredFile),
        ("Me", results.Me),
    ],
)
def test_all_that_is_answered_is_typed(name: str, kind: type[results.Result]) -> None:
    assert set(SCHEMAS[name]["properties"]) - WORDS == set(kind.model_fields)


def test_all_kinds_of_events_are_known() -> None:
    words = dict.fromkeys(("id", "step", "text", "name"), "x") | dict.fromkeys(("seq", "index", "from", "to"), 1)
    data = json.dumps(words | {"execution": {"id": "x", "status": "finished"}})
    kinds = {name: event_in(Message(name, data, ""))[0] for name in SCHEMAS["Event"]["properties"]["event"]["enum"]}
    assert [name for name, event in kinds.items() if isinstance(event, Unknown)] == ["ping"]
