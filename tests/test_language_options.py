"""One declaration makes an option of a language, for the model, language.toml, the admin, the API and the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dispatch import active
from languages.documents import BadDescription, fields_in, toml_of
from languages.models import Language
from languages.options import RUN_LIMITS, Option, limit, options_of, range_constraints
from languages.programs import profile_of
from rest.ids import uuid7

DOCS = Path(__file__).resolve().parent.parent / "docs" / "adding-a-language.md"
NUMBERS = [option for option in options_of(Language) if not option.is_flag]
MINIMAL = 'name = "A"\nsource_file = "a"\nrun = ["a"]\n'


@pytest.fixture
def option(db: None) -> Iterator[str]:
    """An option that only this test knows: a declaration and what its migration would do."""
    field = limit(
        default=7,
        low=1,
        high=9,
        group=RUN_LIMITS,
        label="patience",
        unit="s",
        in_api=True,
        help_text="How long it waits.",
    )
    Language.add_to_class("patience_s", field)
    with connection.schema_editor() as editor:
        editor.add_field(Language, field)
    yield field.name
    Language._meta.local_fields.remove(field)
    delattr(Language, field.name)
    Language._meta._expire_cache()  # type: ignore[attr-defined]  # the stubs leave it out


def test_a_new_option_is_in_language_toml(option: str) -> None:
    fields = fields_in(MINIMAL + "[limits]\npatience_s = 5\n", where="x")
    assert fields[option] == 5
    assert "patience_s = 5\n" in toml_of(Language(**fields))


@pytest.mark.usefixtures("fake_backend", "rate_limit_off")
def test_a_new_option_is_in_the_api(option: str, python: Language) -> None:
    assert Client().get("/api/v1/languages/python").json()["limits"][option] == 7


def test_a_new_option_is_in_the_admin(option: str, python: Language, admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:languages_language_change", args=[python.pk])).content.decode()
    assert "Patience (s):" in page
    assert f'name="{option}" value="7"' in page
    assert "How long it waits." in page


def test_a_new_option_is_set_by_the_command(option: str, python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "close", lambda **_: None)
    call_command("languages", "set", "python", f"{option}=8")
    assert getattr(Language.objects.get(), option) == 8


def test_a_new_option_has_bounds(option: str) -> None:
    language = Language(slug="a", name="A", image="a", source_file="a", run_command=["a"], **{option: 10})
    with pytest.raises(ValidationError, match="less than or equal to 9"):
        language.full_clean()
    assert f"language_{option}_in_range" in {constraint.name for constraint in range_constraints(Language)}


@pytest.mark.parametrize("number", NUMBERS, ids=lambda option: option.name)
def test_the_database_holds_the_bounds(python: Language, number: Option) -> None:
    assert number.low is not None
    beyond = [number.low - 1, *([] if number.high is None else [number.high + 1])]
    for value in beyond:
        with pytest.raises(IntegrityError), transaction.atomic():
            Language.objects.update(**{number.name: value})


def test_an_older_file_is_still_read() -> None:
    assert fields_in(MINIMAL + "[limits]\npids = 32\n", where="x")["processes"] == 32
    with pytest.raises(BadDescription, match="pids is what processes was called before"):
        fields_in(MINIMAL + "[limits]\npids = 32\nprocesses = 32\n", where="x")


def test_the_documents_table_is_the_table() -> None:
    wanted = table()
    assert wanted in DOCS.read_text(), f"docs/{DOCS.name} should have this table:\n\n{wanted}"


def table() -> str:
    """The options as the documentation shows them."""
    rows = [_row(option) for option in options_of(Language)]
    head = "| option | section | values | default | in the API | what |\n|---|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(option: Option) -> list[str]:
    unit = f" {option.unit}" if option.unit else ""
    default = "none" if option.default is None else str(option.default).lower()
    section = f"`[{option.section}]`" if option.section else "above the sections"
    return [
        f"`{option.name}`",
        section,
        option.bounds + unit,
        default,
        "yes" if option.in_api else "",
        option.help_text,
    ]


@pytest.fixture
def migrate(transactional_db: None) -> Iterator[Callable[[str], Any]]:
    """`migrate("0005_language_task")` gives the models of that moment; all is migrated again after the test."""
    yield _migrate
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    Language.objects.all().delete()


def _newest() -> Any:
    ((_, name),) = MigrationExecutor(connection).loader.graph.leaf_nodes("languages")
    return name


def _migrate(name: str) -> Any:
    executor = MigrationExecutor(connection)
    return executor.migrate([("languages", name)]).apps


ROW = {"name": "A", "image": "a", "source_file": "a", "run_command": ["a"]}


def test_rows_of_before_stay_with_their_values(migrate: Callable[[str], Any]) -> None:
    before = migrate("0005_language_task").get_model("languages", "Language").objects
    before.create(slug="plain", pids=33, **ROW)
    before.create(slug="beyond", pids=5000, warm_max=100, **ROW)
    after = migrate("0006_one_table_of_options").get_model("languages", "Language").objects
    assert after.get(slug="plain").processes == 33
    beyond = after.get(slug="beyond")
    assert (beyond.processes, beyond.warm_max, beyond.warm_min) == (4096, 64, 1)
    migrate("0005_language_task")
    assert before.get(slug="plain").pids == 33


def test_the_former_number_of_processes_becomes_the_new_one_and_others_stay(migrate: Callable[[str], Any]) -> None:
    before = migrate("0011_commands_as_lines").get_model("languages", "Language").objects
    for slug, processes, tested in (("usual", 64, 64), ("changed", 64, 30), ("chosen", 30, 30)):
        before.create(slug=slug, processes=processes, tested={"processes": tested, "x": 1}, **ROW)
    after = migrate("0012_room_for_threads").get_model("languages", "Language").objects
    rows = {row.slug: (row.processes, row.tested["processes"]) for row in after.filter(tested__x=1)}
    assert rows == {"usual": (128, 128), "changed": (128, 30), "chosen": (30, 30)}


def test_languages_with_stacks_of_their_own_get_larger_ones_and_stay_tested(migrate: Callable[[str], Any]) -> None:
    command, with_stack = ["java", "Main"], ["java", "-Xss{stack_mb}m", "-XX:ThreadStackSize=1024", "Main"]
    before = migrate("0012_room_for_threads").get_model("languages", "Language").objects
    for slug, words in (("java", command), ("kotlin@2", command), ("scala", ["java", "-Xss9m"]), ("a", command)):
        before.create(slug=slug, tested={"run_command": words, "x": 1}, **ROW | {"run_command": words})
    after = migrate("0013_stacks").get_model("languages", "Language").objects
    rows = {row.slug: (row.run_command, row.stack_mb, row.tested) for row in after.filter(tested__x=1)}
    assert rows["java"] == rows["kotlin@2"] == (with_stack, 20, {"run_command": with_stack, "stack_mb": 20, "x": 1})
    assert rows["scala"] == (["java", "-Xss9m"], None, {"run_command": ["java", "-Xss9m"], "stack_mb": None, "x": 1})
    assert rows["a"] == (command, None, {"run_command": command, "stack_mb": None, "x": 1})
    migrate("0012_room_for_threads")
    assert before.get(slug="java").run_command == before.get(slug="java").tested["run_command"] == command


def test_a_language_with_a_runtime_of_its_own_is_served_with_it_once_it_has_passed_there(
    migrate: Callable[[str], Any],
) -> None:
    before = migrate("0018_stack_of_ruby").get_model("languages", "Language").objects
    before.create(slug="a", tested={"run_command": ["a"]}, **ROW | {"run_command": ["a"]})
    before.create(slug="new", tested={}, **ROW)
    migrate("0019_oci_runtime")
    # The model of today needs the columns of today.
    migrate(_newest())
    row = Language.objects.get(slug="a")
    assert (row.oci_runtime, row.untested, Language.objects.get(slug="new").tested) == ("", [], {})
    row.oci_runtime = "runsc"
    assert (row.untested, profile_of(row).runtime, profile_of(row.served()).runtime) == (["oci_runtime"], "runsc", "")
    migrate("0018_stack_of_ruby")
    assert before.get(slug="a").tested == {"run_command": ["a"]}


def test_a_runtime_is_named_as_docker_names_it() -> None:
    fields = fields_in('oci_runtime = "runsc-kvm"\n' + MINIMAL, where="x")
    language = Language(slug="a", image="a", **fields)
    language.clean_fields()
    assert 'oci_runtime = "runsc-kvm"\n' in toml_of(language)
    assert "oci_runtime" not in toml_of(Language(**fields_in(MINIMAL, where="x")))
    for wrong in ("run sc", "../runsc", "-runsc", "runsc\n"):
        with pytest.raises(ValidationError, match="cannot name a runtime"):
            Language._meta.get_field("oci_runtime").run_validators(wrong)


def test_verdicts_of_before_stay_with_their_order(migrate: Callable[[str], Any]) -> None:
    before = migrate("0006_one_table_of_options")
    language = before.get_model("languages", "Language").objects.create(slug="a", **ROW)
    tasks = before.get_model("languages", "LanguageTask").objects
    for verdicts in ([], [{"case": "a", "complaint": "none"}, {"case": "b", "complaint": ""}]):
        now = timezone.now()
        ended = {"status": "succeeded", "started_at": now, "finished_at": now, "worker": uuid7()}
        tasks.create(language=language, kind="test", verdicts=verdicts, **ended)
    migrate("0007_verdicts_name_the_problem")
    after = [[], [{"case": "a", "problem": "none"}, {"case": "b", "problem": ""}]]
    assert list(tasks.order_by("id").values_list("verdicts", flat=True)) == after
