"""Folders of tests, by the names that judges give them; and files of a program, by those that it sees."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from gexec_client import ByDigest
from gexec_client.cli.sources import LANGUAGES, lighter, program
from gexec_client.cli.suites import MAX_TESTS, pairs
from testkit.servers import PROJECT


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["1.in", "1.out", "2.in", "2.ans", "10.in", "10.out"], ["1", "2", "10"]),
        (["secret/02.in", "secret/02.ans", "sample/1.in", "sample/1.ans", "problem.yaml"], ["sample/1", "secret/02"]),
        (["01", "01.a", "02", "02.a", "readme"], ["01", "02"]),
        (["input/input00.txt", "output/output00.txt", "input/input1.txt", "output/output1.txt"],
         ["input/input00", "input/input1"]),
        (["a.b.in", "a.b.out", ".hidden.in", ".git/1.in", "dir.in/x"], ["a.b"]),
    ],
)  # fmt: skip
def test_pairs_are_found(tmp_path: Path, files: list[str], names: list[str]) -> None:
    found = pairs(written(tmp_path, {name: name for name in files}))
    assert [pair.name for pair in found] == names
    assert all(pair.answer for pair in found)


def test_an_input_without_an_answer_is_a_test_all_the_same(tmp_path: Path) -> None:
    found = pairs(written(tmp_path, {"1.in": "a", "2.in": "b", "2.out": ""}))
    assert [(pair.stdin, pair.answer) for pair in found] == [(b"a", None), (b"b", b"")]


def test_none_and_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="no tests"):
        pairs(tmp_path)
    for number in range(MAX_TESTS + 1):
        (tmp_path / f"{number}.in").touch()
    with pytest.raises(click.UsageError, match="501"):
        pairs(tmp_path)


def test_files_have_the_names_that_they_have_together(tmp_path: Path) -> None:
    written(tmp_path, {"src/main.py": "1", "src/lib/a.py": "2", "src/lib/.secret": "3", "src/data.csv": "4"})
    (tmp_path / "src" / "lib" / "link.py").symlink_to("/etc/passwd")
    src = tmp_path / "src"
    alone = program([str(src / "main.py")], None)
    assert (alone.language, alone.entrypoint, alone.files) == ("python", "main.py", {"main.py": b"1"})
    several = program([str(src / "main.py"), str(src / "lib"), str(src / "data.csv")], "pypy")
    assert (several.language, several.entrypoint) == ("pypy", "main.py")
    assert several.files == {"main.py": b"1", "lib/a.py": b"2", "data.csv": b"4"}


def test_a_name_that_tells_no_language_needs_one(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="--lang"):
        program([str(tmp_path / "Makefile")], None)
    with pytest.raises(click.UsageError, match="No such file"):
        program([str(tmp_path / "gone.py")], None)
    with pytest.raises(click.UsageError, match="no folder"):
        program([str(tmp_path)], "python")


def test_languages_are_those_of_the_catalogue() -> None:
    known = {path.parent.name for path in (PROJECT / "languages" / "images").glob("*/language.toml")}
    assert set(LANGUAGES.values()) - known == set()


def test_what_is_too_much_for_one_request_goes_by_its_digest() -> None:
    small, large = b"x", bytes(5_000_000)
    assert lighter({"a": small, "b": large}, has_key=False) == {"a": small, "b": large}
    found = lighter({"a": small, "b": large}, has_key=True)
    assert found["a"] == small
    assert isinstance(found["b"], ByDigest)
