"""A program of several files: which one starts, which are compiled together, and what its request may add."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping

import pytest

from languages import folders
from languages.models import Language
from languages.programs import ahead_of, default_entrypoint, profile_of, refused_args, refused_variables, steps_of
from languages.selftest.cases import cases_of
from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine, DockerImages
from sandbox.policy import SandboxPolicy
from sandbox.types import File, Job, JobResult, Step

SLUGS = folders.slugs()
HOSTILE = (
    "-o", "-o/box/x", "-of=/box/x", "-out:/box/x", "-d", "@words", "--", "-c", "-E", "-S", "-x", "-xc", "-B.",
    "-specs=x", "-wrapper", "-fplugin=x.so", "-fpass-plugin=x", "-Wl,-o,x", "-Wp,-MD,x", "-Wa,-o", "-Xlinker",
    "-Xclang", "-load", "-load-plugin-executable", "-T", "-L.", "-include", "-iplugindir=x", "--sysroot=/box",
    "-dumpdir", "-save-temps", "-gsplit-dwarf", "-pgmF", "-F", "-optl-o", "-package", "-Clinker=/box/x",
    "-Clink-arg=-o", "-Clink-args=x", "-Zunstable", "--emit=asm", "--out-dir=/box", "--extern=x=/box/x",
    "-Lnative=.", "-J-Xmx1g", "-processorpath", "-processor", "-Xplugin:x", "-Xplugin=x.jar", "-P:x:y",
    "-toolexec=/box/x", "-toolexec", "-overlay=x", "-r:/box/x.dll", "-resource:/etc/passwd", "-pkg:x",
    "-linker=x", "-Xcc=-B", "-plugin=x.so", "-FD/box", "-FE/box", "-k-o", "-s", "-P/box/x", "--plugin",
    "--outDir", "--project", "-pp", "-ppx", "-ccopt", "-pa", "+{parse_transform,x}", "-conf=/box/x",
    "-fuse-ld=/box/x", "-ld-path=x", "",
)  # fmt: skip
"""What makes a compiler write elsewhere, read its arguments from a file, or load and start other programs."""
MEANT_OTHERWISE = {
    "rust": ("-F", "-W"),
    "rust@libs": ("-F", "-W"),
    "haskell": ("-X",),
    "haskell@libs": ("-X",),
    "pascal": ("-d",),
}
"""What begins so is harmless in one language: lints, extensions of the language, names to define."""


def language(**fields: object) -> Language:
    base = {"slug": "c", "name": "C", "source_file": "main.c", "run_command": ["/tmp/main"], "memory_mb": 64}
    return Language(**(base | fields))


def words(steps: tuple[Step, ...]) -> list[tuple[str, ...]]:
    return [step.argv for step in steps]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_program_of_one_file_is_what_it_was(slug: str) -> None:
    """Word for word what is started ahead, and with no more variables than the language has."""
    one = Language(**folders.read(slug).fields)
    name = one.source_file
    alone = steps_of(one, timeout_ms=1000)
    assert alone == steps_of(one, timeout_ms=1000, entrypoint=name, files=(name, "notes.txt"))
    ahead = ahead_of(one)
    assert ahead is None or (ahead.argv, dict(ahead.environment)) == (alone[-1].argv, alone[-1].environment)


def test_what_is_compiled_together_follows_the_entrypoint_by_name() -> None:
    one = language(compile_command=["cc", "{sources}", "-o", "/tmp/main"], run_command=["{source}", "{stem}"])
    files = ("lib/b.c", "app.c", "z.c", "lib/a.c", "app.h", "README", "c")
    steps = steps_of(one, timeout_ms=1, entrypoint="app.c", files=files, args=("x",))
    assert words(steps) == [("cc", "app.c", "lib/a.c", "lib/b.c", "z.c", "-o", "/tmp/main"), ("app.c", "app", "x")]
    one.source_suffixes = [".cc", ".h"]
    assert words(steps_of(one, timeout_ms=1, entrypoint="app.c", files=files))[0][1:3] == ("app.c", "app.h")


def test_a_file_without_a_suffix_is_compiled_alone() -> None:
    one = language(source_file="Makefile", run_command=["make", "-f", "{sources}"])
    assert words(steps_of(one, timeout_ms=1, files=("Makefile", "README"))) == [("make", "-f", "Makefile")]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("-o.c", "./-o.c"),
        ("@words.c", "./@words.c"),
        ("+RTS.c", "./+RTS.c"),
        ("|ls.c", "./|ls.c"),
        ("{stack_mb}.c", "./{stack_mb}.c"),
        ("a b'.c", "a b'.c"),
        ("ünï.c", "ünï.c"),
        ("_x/-y.c", "_x/-y.c"),
    ],
)
def test_a_name_is_a_name_to_every_command(name: str, word: str) -> None:
    one = language(compile_command=["cc", "{sources}"], run_command=["run", "{source}", "{stem}.o"])
    compiled, run = words(steps_of(one, timeout_ms=1, entrypoint=name, files=(name, "-x.c")))
    assert compiled == ("cc", word, "./-x.c")
    assert run == ("run", word, word.removesuffix(".c") + ".o")


def test_compile_arguments_stand_where_the_command_says() -> None:
    one = language(compile_command=["cc", "{compile_args}", "{source}"], run_command=["run", "{sources}"])
    steps = steps_of(one, timeout_ms=1, compile_args=("-DA=b c", "{source}"), files=("main.c", "x.c"))
    assert words(steps) == [("cc", "-DA=b c", "{source}", "main.c"), ("run", "main.c", "x.c")]
    assert words(steps_of(one, timeout_ms=1))[0] == ("cc", "main.c")


def test_only_what_a_language_allows_is_not_refused() -> None:
    one = language(compile_command=["cc", "{compile_args}"], compile_args=["-O2", "-D*", "-std=*"])
    args = ["-O2", "-O3", "-DA", "-std=c11", "-std", "-O22", " -O2", "-DA\x00", "-D\ud800", "", "-d"]
    assert refused_args(one, args) == [1, 4, 5, 6, 7, 8, 9, 10]
    assert refused_args(one, []) == []


def test_a_command_without_a_place_for_them_allows_none() -> None:
    """Such as the one of before, which is served until the new one has passed its self-test."""
    one = language(compile_command=["cc", "{source}"], compile_args=["-O2"])
    assert refused_args(one, ["-O2"]) == [0]


@pytest.mark.parametrize("slug", SLUGS)
def test_no_language_allows_what_leads_a_compiler_elsewhere(slug: str) -> None:
    one = Language(**folders.read(slug).fields)
    hostile = [word for word in HOSTILE if not word.startswith(MEANT_OTHERWISE.get(slug, ()))]
    assert [word for index, word in enumerate(hostile) if index not in refused_args(one, hostile)] == []


@pytest.mark.parametrize("slug", [slug for slug in SLUGS if folders.read(slug).fields.get("compile_command")])
def test_what_is_compiled_takes_arguments_and_its_self_test_gives_some(slug: str) -> None:
    one = Language(**folders.read(slug).fields)
    args = {case.name: case.compile_args for case in cases_of(folders.read(slug))}["several_files"]
    assert one.allowed_compile_args
    assert args
    assert refused_args(one, args) == []


def test_a_request_sets_variables_for_the_run_alone() -> None:
    one = language(compile_command=["cc"], environment={"B": "{memory_mb}"})
    compiled, run = steps_of(one, timeout_ms=1, environment={"A": "{memory_mb}", "HOME": "/tmp", "Z": ""})
    assert compiled.environment == steps_of(one, timeout_ms=1)[0].environment
    assert run.environment == {**compiled.environment, "A": "{memory_mb}", "HOME": "/tmp", "Z": ""}
    assert list(run.environment) == sorted(run.environment)


@pytest.mark.parametrize(
    ("environment", "refused"),
    [
        ({"A": "1", "_b2": "ü = \n", "PATH": "/box", "LD_PRELOAD": "x"}, []),
        ({"A=B": "1", "": "", "A B": "", "1A": "", "Ä": "", "A\x00": ""}, ["A=B", "", "A B", "1A", "Ä", "A\x00"]),
        ({"A": "\x00", "B": "\ud800"}, ["A", "B"]),
        ({"NODE_OPTIONS": "", "NODE_PATH": ""}, ["NODE_OPTIONS"]),
    ],
)
def test_variables_that_a_request_may_not_set(environment: Mapping[str, str], refused: list[str]) -> None:
    assert refused_variables(language(environment={"NODE_OPTIONS": "--x"}), environment) == refused


@pytest.mark.parametrize(
    ("slug", "names", "entrypoint"),
    [
        ("python", ["b.py", "main.py", "a.py"], "main.py"),
        ("python", ["lib/app.py", "data.csv"], "lib/app.py"),
        ("python", ["a.py", "b.py"], None),
        ("python", ["script"], "script"),
        ("python", ["script", "data.csv"], None),
        ("python", [], None),
        ("cpp", ["app.cxx", "app.hpp"], "app.cxx"),
        ("cpp", ["app.cxx", "other.cc"], None),
        ("javascript", ["app.mjs"], "app.mjs"),
    ],
)
def test_the_entrypoint_where_nobody_names_it(slug: str, names: list[str], entrypoint: str | None) -> None:
    assert default_entrypoint(Language(**folders.read(slug).fields), names) == entrypoint


C_MAIN = "#include <stdio.h>\nconst char *text(void);\nint main(void) { puts(text()); }\n"
C_TEXT = "const char *text(void) { return TEXT; }\n"
ASSEMBLY = """
        global  _start
_start: mov     eax, 1
        mov     edi, 1
        lea     rsi, [rel text]
        mov     edx, 8
        syscall
        mov     eax, 60
        xor     edi, edi
        syscall
        section .data
text:   db      TEXT, 10
"""
SHOW_NAME = "import os, sys\nprint(sys.argv, os.environ.get('WHO'), os.path.basename(__file__))\n"
"""A program that tells what it was started as."""


@pytest.mark.usefixtures("prepared_data_dir")
@pytest.mark.parametrize("name", ["-c.py", "@x.py", 'it\'s "$HOME" {source}.py', "lib/app.py"])
def test_a_program_runs_under_any_name(name: str) -> None:
    result = _run("python", {name: SHOW_NAME}, name, environment={"WHO": "me"}).steps[-1]
    word = f"./{name}" if name[0] in "-@" else name
    assert result.stdout.decode() == f"{[word]} me {name.rpartition('/')[2]}\n", result


@pytest.mark.parametrize(
    ("slug", "files", "compile_args"),
    [
        ("c", {"-o.c": C_MAIN, "@x y.c": C_TEXT}, ('-DTEXT="one two"',)),
        ("assembly", {"-a b.asm": ASSEMBLY}, ('-DTEXT="one two"',)),
        ("r", {"it's.R": 'writeLines("one two")\n'}, ()),
        ("sql", {"|a b.sql": "SELECT 'one two';\n"}, ()),
    ],
)
def test_names_and_arguments_stay_whole(slug: str, files: Mapping[str, str], compile_args: tuple[str, ...]) -> None:
    with DockerImages() as images:
        if images.find(f"gexec/{slug}") is None:
            pytest.skip(f"there is no image of {slug} here")
    result = _run(slug, files, next(iter(files)), compile_args=compile_args).steps[-1]
    assert (result.stdout, result.exit_code) == (b"one two\n", 0), result


def _run(
    slug: str,
    files: Mapping[str, str],
    entrypoint: str,
    *,
    compile_args: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> JobResult:
    one = Language(**folders.read(slug).fields)
    steps = steps_of(
        one,
        timeout_ms=30_000,
        entrypoint=entrypoint,
        files=tuple(files),
        compile_args=compile_args,
        environment=environment or {},
    )
    engine = DockerEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    engine.prepare()
    profile = profile_of(one)
    with contextlib.closing(engine), contextlib.closing(Container(engine, engine.start(profile), profile)) as container:
        container.wait_ready(20)
        job = Job(tuple(File(name, text.encode()) for name, text in files.items()), steps)
        return container.run(job, tenant=None)
