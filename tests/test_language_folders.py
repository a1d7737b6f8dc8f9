"""A folder under languages/images is a language: each is valid, has its self-tests, and says what is wrong with it."""

from __future__ import annotations

import io
import os
import tarfile
import tomllib
from pathlib import Path

import pytest

from languages import folders
from languages.commands import fill_command, fill_environment
from languages.documents import BadDescription
from languages.models import Language
from languages.selftest.cases import COMMON, Case, cases_of
from languages.toolchain import installs
from languages.versions import family_of
from sandbox.archives import folder_tar

SLUGS = folders.slugs()
PLACES = sorted(path for path in folders.IMAGES.iterdir() if path.is_dir() and path != folders.BASE)
_COMMON = tomllib.loads((folders.IMAGES / COMMON).read_text())
COMMON_CASES = set(_COMMON)
OPTIONAL = {name for name, values in _COMMON.items() if values.get("optional")}
ALWAYS = {"hello", "utf8", "exit", "error", "timeout", "files", "several_files", "bom", "crlf"}
WITHOUT = {"brainfuck": {"exit", "files", "several_files"}}
"""What a language has no notion of."""


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for folders of languages of which none is there yet."""
    monkeypatch.setattr(folders, "IMAGES", tmp_path)
    return tmp_path


def make_folder(images: Path, text: str, hello: str = "hello") -> None:
    folder = images / "odd"
    folder.mkdir()
    (folder / "language.toml").write_text(text)
    (folder / "hello.odd").write_text(hello)


@pytest.mark.parametrize("path", PLACES, ids=lambda path: path.name)
def test_every_folder_is_whole(path: Path) -> None:
    assert (path / "language.toml").is_file(), "a folder beside the languages is read by nothing"
    folder = folders.read(path.name)
    described = tomllib.loads((path / "selftest" / "selftest.toml").read_text()) if _has_own(path) else {}
    left_out = {name for name, values in described.items() if "skip" in values}
    assert all(described[name]["skip"] for name in left_out)
    there = {case.name for case in cases_of(folder)} | left_out
    assert COMMON_CASES - OPTIONAL <= there <= COMMON_CASES
    assert folder.fields["example"].strip()


@pytest.mark.parametrize("slug", SLUGS)
def test_who_has_threads_may_have_as_many_as_its_memory_bears_up_to_256(slug: str) -> None:
    """One for each MB: with more, a bomb of forks fills the memory with what the kernel keeps of processes."""
    folder = folders.read(slug)
    limits = Language(**folder.fields)
    family = folders.read(family_of(slug))
    threads = any("threads: " in (case.stdout or "") for case in cases_of(family))
    assert limits.processes <= limits.memory_mb
    if threads:
        assert limits.processes >= min(256, limits.memory_mb)


def _has_own(path: Path) -> bool:
    return (path / "selftest" / "selftest.toml").is_file()


@pytest.mark.parametrize("slug", SLUGS)
def test_no_program_of_a_self_test_is_left_over(slug: str) -> None:
    folder = folders.read(slug)
    programs = {path.name.partition(".")[0] for path in (folder.path / "selftest").iterdir() if path.name != COMMON}
    assert programs <= {case.name for case in cases_of(folder)}


@pytest.mark.django_db
def test_all_folders_become_rows_and_no_two_names_clash() -> None:
    for slug in SLUGS:
        installs.load_folder(slug)
    assert set(Language.objects.values_list("slug", flat=True)) >= set(SLUGS)
    assert not Language.objects.filter(enabled=True, slug__in=set(SLUGS) - {"python", "go"}).exists()


@pytest.mark.parametrize("slug", SLUGS)
def test_every_language_has_its_self_tests(slug: str) -> None:
    names = {case.name for case in cases_of(folders.read(slug))}
    assert names >= ALWAYS - WITHOUT.get(slug, set())


def test_every_case_says_what_to_do_where_it_fails() -> None:
    common = tomllib.loads((folders.IMAGES / COMMON).read_text())
    assert [name for name, values in common.items() if not values.get("hint")] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_every_language_says_its_version_and_greets_with_its_name(slug: str) -> None:
    folder = folders.read(slug)
    assert folder.version_command
    assert f"Hello from {folder.fields['name']}!" in folder.fields["example"]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_image_starts_from_the_base_that_it_is_given(slug: str) -> None:
    lines = (folders.IMAGES / slug / "Dockerfile").read_text().splitlines()
    assert lines[0] == "ARG BASE=gexec/base"
    assert {line.split()[1] for line in lines if line.startswith("FROM ")} == {"${BASE}"}


def test_a_build_context_does_not_depend_on_the_checkout(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM x\n")
        (folder / "run").write_text("#!/bin/sh\n")
        (folder / "run").chmod(0o755 if name == "one" else 0o700)
        os.utime(folder / "run", (1, 1) if name == "one" else (2, 2))
    assert folder_tar(tmp_path / "one") == folder_tar(tmp_path / "two")


def test_a_build_context_leaves_the_self_tests_out() -> None:
    with tarfile.open(fileobj=io.BytesIO(folders.read("python").context())) as archive:
        names = archive.getnames()
    assert "Dockerfile" in names
    assert not [name for name in names if "selftest" in name or name == "language.toml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "language.toml"),
        ('name = "Odd"\nsource_file = "a"', "run is missing"),
        ('name = "Odd"\nsource_file = "a"\nrun = ["a"]\ncolour = "red"', "unknown: colour"),
        ('name = "Odd"\nsource_file = "a"\nrun = "a b"', "run must be a list"),
        ('name = "Odd"\nsource_file = "a"\nrun = ["a"]\n[limits]\nmemory = 1', "unknown in [limits]: memory"),
        ('name = "Odd"\nsource_file = "a"\nrun = ["a"]\n[limits]\nmemory_mb = "1"', "memory_mb must be a whole number"),
    ],
)
def test_a_bad_folder_says_what_to_change(images: Path, text: str, message: str) -> None:
    make_folder(images, text)
    with pytest.raises(BadDescription) as refused:
        folders.read("odd")
    assert message in str(refused.value)


def test_a_folder_with_two_hellos_or_none_is_refused(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]')
    (images / "odd" / "hello.two").write_text("")
    with pytest.raises(BadDescription, match="one hello program is wanted, there are 2"):
        folders.read("odd")


def test_a_missing_self_test_is_named(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]')
    (images / "selftest.toml").write_text("[hello]\n[stdin]\n")
    with pytest.raises(BadDescription, match="self-test stdin: one program is wanted, there are 0"):
        cases_of(folders.read("odd"))


def test_a_language_may_leave_a_self_test_out_with_a_reason(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]')
    (images / "selftest.toml").write_text('[hello]\nstdout = "Hello, {name}"\n[stdin]\n')
    (images / "odd" / "selftest").mkdir()
    (images / "odd" / "selftest" / "selftest.toml").write_text('[stdin]\nskip = "it reads nothing"\n')
    assert cases_of(folders.read("odd")) == [Case("hello", {"a": b"hello"}, stdout="Hello, Odd")]


def test_what_only_some_languages_know_needs_no_program(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]')
    (images / "selftest.toml").write_text("[hello]\n[assert]\noptional = true\n")
    assert [case.name for case in cases_of(folders.read("odd"))] == ["hello"]
    (images / "odd" / "selftest").mkdir()
    (images / "odd" / "selftest" / "assert.a").write_text("assert")
    assert [case.name for case in cases_of(folders.read("odd"))] == ["hello", "assert"]


def test_a_case_may_be_the_program_of_another_from_another_editor(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]', hello="one\ntwo\n")
    (images / "selftest.toml").write_text(
        '[hello]\n[bom]\nof = "hello"\nbegins_with = "\\ufeff"\n[crlf]\nof = "hello"\nline_end = "\\r\\n"\n'
    )
    written = {case.name: case.files["a"] for case in cases_of(folders.read("odd"))}
    assert written == {"hello": b"one\ntwo\n", "bom": b"\xef\xbb\xbfone\ntwo\n", "crlf": b"one\r\ntwo\r\n"}


def test_a_version_has_the_self_test_of_its_language_and_what_it_changes(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]')
    (images / "selftest.toml").write_text('[hello]\n[stdin]\nstdout = "x"\n[library.lines]\none = "1"\n[exit]\n')
    (images / "odd" / "selftest").mkdir()
    (images / "odd" / "selftest" / "selftest.toml").write_text('[exit]\nskip = "it has none"\n')
    for name in ("stdin", "library"):
        (images / "odd" / "selftest" / f"{name}.a").write_text(name)
    version = images / "odd@libs"
    (version / "selftest").mkdir(parents=True)
    for name in ("language.toml", "hello.odd"):
        (version / name).write_text((images / "odd" / name).read_text())
    (version / "selftest" / "library.a").write_text("more")
    (version / "selftest" / "selftest.toml").write_text('[library.lines]\ntwo = "2"\n')
    cases = {case.name: case for case in cases_of(folders.read("odd@libs"))}
    assert {name: case.files["a"] for name, case in cases.items()} == {
        "hello": b"hello", "stdin": b"stdin", "library": b"more",
    }  # fmt: skip
    assert cases["library"].stdout == "two: 2\n"
    assert folders.read("odd@libs").image == "gexec/odd-libs"


def test_a_self_test_may_start_another_file_with_arguments(images: Path) -> None:
    make_folder(images, 'name = "Odd"\nsource_file = "a"\nrun = ["a"]')
    (images / "selftest.toml").write_text('[hello]\n[both]\nentrypoint = "b"\ncompile_args = ["-O2"]\n')
    (images / "odd" / "selftest" / "both" / "lib").mkdir(parents=True)
    (images / "odd" / "selftest" / "both" / "lib" / "c").write_text("c")
    with pytest.raises(BadDescription, match="self-test both: b is missing"):
        cases_of(folders.read("odd"))
    (images / "odd" / "selftest" / "both" / "b").write_text("b")
    case = cases_of(folders.read("odd"))[1]
    assert case == Case("both", {"b": b"b", "lib/c": b"c"}, entrypoint="b", compile_args=("-O2",))


def test_a_verdict_says_what_was_wrong() -> None:
    case = Case("x", {}, stdout="a\n", exit_code=0, matches="line 3")
    good = {"outcome": "ok", "exit_code": 0, "stdout": "a\n", "everything": "at line 3"}
    assert case.problem(**good) == ""  # type: ignore[arg-type]  # a dict of mixed values
    for change, problem in (
        ({"outcome": "signal"}, "ended signal, not ok"),
        ({"exit_code": 7}, "exit code 7, not 0"),
        ({"stdout": "b\n"}, r"printed 'b\n', not 'a\n'"),
        ({"everything": "at line 4"}, "nothing like 'line 3'"),
    ):
        assert problem in case.problem(**(good | change))  # type: ignore[arg-type]  # a dict of mixed values


def test_placeholders_are_filled_and_other_braces_stay() -> None:
    assert fill_command(["awk", "{ print }", "-s{stack_mb}", "{source}"], source_file="a.awk", stack_mb=7) == (
        "awk",
        "{ print }",
        "-s7",
        "a.awk",
    )
    filled = fill_environment({"HEAP": "{heap_mb}m", "CPUS": "{cpus}", "ALL": "{memory_mb}", "X": "{x}"},
                              memory_mb=128, cpu_quota_us=150_000)  # fmt: skip
    assert {name: filled[name] for name in ("HEAP", "CPUS", "ALL", "X")} == {
        "HEAP": "96m", "CPUS": "2", "ALL": "128", "X": "{x}",
    }  # fmt: skip


def test_a_language_may_change_the_variables_that_all_programs_get() -> None:
    plain = fill_environment({}, memory_mb=128, cpu_quota_us=50_000)
    assert plain == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/box",
        "USER": "gexec",
        "LOGNAME": "gexec",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
    }
    assert fill_environment({"PATH": "/opt/bin"}, memory_mb=128, cpu_quota_us=50_000)["PATH"] == "/opt/bin"


CLIENTS_NAMES = {
    "python": "py py3 python3",
    "javascript": "js node nodejs",
    "typescript": "ts",
    "c": "gcc",
    "cpp": "c++ g++ cxx",
    "csharp": "cs c#",
    "go": "golang",
    "rust": "rs",
    "ruby": "rb",
    "kotlin": "kt",
    "haskell": "hs",
    "perl": "pl",
    "bash": "sh",
    "r": "rscript",
    "java": "jdk",
    "ocaml": "ml",
    "pascal": "pas",
    "commonlisp": "lisp",
    "sql": "sqlite3",
    "postgresql": "postgres psql",
    "mariadb": "mysql",
}


@pytest.mark.parametrize(("slug", "names"), CLIENTS_NAMES.items())
def test_the_names_that_clients_of_other_services_send_are_there(slug: str, names: str) -> None:
    assert set(names.split()) <= set(folders.read(slug).fields["aliases"])


def test_no_name_is_used_twice() -> None:
    names = [name for slug in folders.slugs() for name in (slug, *folders.read(slug).fields["aliases"])]
    assert sorted(set(names)) == sorted(names)


def test_both_languages_of_node_write_their_output_in_the_same_way() -> None:
    one, other = ((folders.IMAGES / slug / "whole-output.js").read_bytes() for slug in ("javascript", "typescript"))
    assert one == other


def test_what_comes_from_elsewhere_than_debian_is_pinned_with_its_hash() -> None:
    for dockerfile in folders.IMAGES.glob("*/Dockerfile"):
        text = dockerfile.read_text()
        assert "pip install" not in text or "--require-hashes" in text, dockerfile
        assert "npm-cli.js pack" not in text or "--ignore-scripts" in text, dockerfile
        assert "npm-cli.js pack" not in text or "sha512sum -c" in text, dockerfile


def test_all_that_run_on_node_have_the_same() -> None:
    pinned = {path.read_text() for path in folders.IMAGES.glob("*/node.txt")}
    assert len(pinned) == 1


@pytest.mark.parametrize(
    ("name", "slugs"),
    [
        ("Usual.java", ["java", "java@libs"]),
        ("fetch-jars", ["groovy", "scala"]),
        ("modules.js", ["typescript", "typescript@libs"]),
        ("with-server.c", ["mariadb", "postgresql"]),
        ("tests.js", ["javascript@libs", "typescript@libs"]),
        ("whole-output.js", ["javascript", "javascript@libs", "typescript", "typescript@libs"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_several_folders_have_a_copy_of_is_the_same(name: str, slugs: list[str]) -> None:
    # Each folder is all that its image is built from, so there is no other place for it.
    assert len({(folders.IMAGES / slug / name).read_bytes() for slug in slugs}) == 1


def test_cpp_is_compiled_in_the_same_way_with_libraries_as_without() -> None:
    one, other = ((folders.IMAGES / slug / "build-cpp").read_bytes() for slug in ("cpp", "cpp@libs"))
    assert one == other
    shared = (folders.IMAGES / "cpp" / "Dockerfile").read_text()
    assert (folders.IMAGES / "cpp@libs" / "Dockerfile").read_text().startswith(shared)
