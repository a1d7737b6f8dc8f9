"""Examples of languages: each does what it promises, and none changes the image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from languages import folders
from languages.documents import BadDescription
from languages.examples import examples_for, examples_in
from languages.folders import Folder
from languages.models import Language
from languages.selftest.cases import case_of, cases_for

ALL = ("stdin", "args", "files", "sleep", "error", "tests")
WITH_ALL = ("python", "go", "javascript", "c", "cpp", "java", "bash")
HERE = [slug for slug in folders.slugs() if (folders.IMAGES / slug / "examples").exists()]


def folder(tmp_path: Path, **programs: str) -> Folder:
    (tmp_path / "examples.toml").write_text('[stdin]\ntitle = "Read"\nstdin = "1"\n[files]\ntitle = "Files"\n')
    path = tmp_path / "odd"
    for name, text in programs.items():
        place = path / "examples" / name.replace("__", "/").replace("_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return Folder("odd", path, {"source_file": "main.odd"})


@pytest.mark.parametrize("slug", WITH_ALL)
def test_a_usual_language_has_all_of_them(slug: str) -> None:
    assert tuple(example.name for example in examples_in(folders.read(slug)).programs) == ALL


@pytest.mark.parametrize("slug", HERE)
def test_an_example_is_part_of_the_selftest_and_no_part_of_the_image(slug: str) -> None:
    found = folders.read(slug)
    language = Language(**{name: value for name, value in found.fields.items() if name != "image"})
    examples = examples_in(found).programs
    cases = cases_for(language)
    assert [case.name for case in cases][-len(examples) :] == [f"example_{example.name}" for example in examples]
    assert b"examples" not in found.context()
    for example in examples:
        assert next(iter(example.files)) == language.source_file


def test_the_first_test_is_what_the_selftest_runs() -> None:
    tests = next(each for each in examples_in(folders.read("python")).programs if each.name == "tests")
    assert (case_of(tests).stdin, case_of(tests).stdout) == ("3\n", "Fizz\n")


def test_a_program_or_a_folder_of_files(tmp_path: Path) -> None:
    found = examples_in(folder(tmp_path, stdin_odd="read", files__main_odd="two", files__a_odd="one"))
    assert [dict(each.files) for each in found.programs] == [
        {"main.odd": "read"},
        {"main.odd": "two", "a.odd": "one"},
    ]
    assert found.programs[0].stdin == "1"


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        ({"unheard_odd": ""}, "no such example: unheard"),
        ({"stdin_odd": "", "stdin_old": ""}, "one program is wanted, there are 2"),
        ({"files__a_odd": ""}, "main.odd is missing"),
        ({"stdin_odd": "", "examples_toml": "[stdin]\nspeed = 1"}, "unknown: speed"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, programs: dict[str, Any], says: str) -> None:
    with pytest.raises(BadDescription, match=says):
        examples_in(folder(tmp_path, **programs))


def test_a_pattern_of_its_own_for_places_in_messages(tmp_path: Path) -> None:
    assert examples_in(folder(tmp_path, examples_toml='error_pattern = "at (?<line>[0-9]+)"')).error_pattern
    assert examples_in(folders.read("python")).error_pattern == ""


def test_a_language_whose_file_is_called_otherwise_has_none() -> None:
    assert examples_for(Language(slug="python", source_file="prog.py")).programs == ()
    assert examples_for(Language(slug="unheard", source_file="main.py")).programs == ()
    assert examples_for(Language(slug="python@3.9", source_file="main.py")).programs
