"""Whole problems, as other judges' authors have them: packages like Polygon's and Kattis', and testlib's checkers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dispatch.backends.inline import Inline
from dispatch.base import Task, result_of
from executions.api import grading
from languages.models import Language
from languages.programs import profile_of
from sandbox.types import File, Job, Limits, Step
from tests.judging import grade, verdicts

PROBLEMS = Path(__file__).parent / "problems"
COMPILE = Limits(wall_ms=200_000, output_bytes=1 << 20, memory_bytes=512 << 20)
RUN = Limits(wall_ms=20_000, output_bytes=1 << 20)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": "/tmp"}

pytestmark = pytest.mark.usefixtures("graded")


def _text(*names: str) -> str:
    return PROBLEMS.joinpath(*names).read_text()


def _pairs(*args: str) -> list[dict[str, Any]]:
    given = sorted(path for path in (PROBLEMS / "pairs" / "tests").iterdir() if path.suffix != ".a")
    return [
        {
            "name": path.name,
            "stdin": path.read_text(),
            "expected_stdout": path.with_suffix(".a").read_text(),
            "args": args,
            "limits": {"cpu_ms": 1000},
        }
        for path in given
    ]


PAIRS = {"checker": {"language": "cpp", "source_code": _text("pairs", "files", "check.cpp")}}


def test_a_solution_in_cpp_with_a_checker_in_cpp(real_cpp: Language) -> None:
    told = grade(_text("pairs", "solutions", "right.cpp"), _pairs(), "cpp", grading=PAIRS)
    assert verdicts(told) == ["passed"] * 3
    assert [test["checker_message"] for test in told["tests"]] == ["ok n=3", "ok n=2", "ok n=4"]


def test_solutions_that_are_wrong_in_one_way_or_another(real_cpp: Language, real_python: Language) -> None:
    """All in one execution: its checker is compiled once."""
    ways = {
        "wrong": "wrong_answer",
        "format": "presentation_error",
        "gives up": "wrong_answer",
        "more": "wrong_answer",
        "slow": "timeout_cpu",
        "crashes": "nonzero_exit",
        "right": "passed",
    }
    third = _pairs()[2]
    tests = [third | {"name": way, "args": [way]} for way in ways]
    told = grade(_text("pairs", "solutions", "various.py"), tests, grading=PAIRS)
    assert {test["name"]: test["verdict"] for test in told["tests"]} == ways
    assert told["tests"][2]["checker_message"] == "wrong answer jury has found an answer, participant has not"


def test_an_interactive_problem(real_cpp: Language) -> None:
    interactor = {"language": "cpp", "source_code": _text("guess", "interactor.cpp")}
    tests: list[Any] = [{"stdin": "100"}, {"stdin": "1"}, {"stdin": "50", "args": ["slowly"]}]
    told = grade(_text("guess", "solution.cpp"), tests, "cpp", grading={"interactor": interactor})
    assert verdicts(told) == ["passed", "passed", "wrong_answer"]
    assert told["tests"][0]["checker_message"] == "ok 7 guesses"


@pytest.mark.parametrize(
    ("submission", "expected"),
    [("accepted/plus.py", ["passed"] * 3), ("wrong_answer/next.py", ["passed", "passed", "wrong_answer"])],
)
def test_a_package_of_kattis(submission: str, expected: list[str], real_python: Language) -> None:
    package = PROBLEMS / "different"
    tests = [
        {"name": str(path.relative_to(package)), "stdin": path.read_text(), "hidden": "secret" in path.parts,
         "expected_stdout": path.with_suffix(".ans").read_text()}
        for path in sorted(package.glob("data/*/*.in"))
    ]  # fmt: skip
    validator = _text("different", "output_validators", "check", "validate.py")
    checker = {"language": "python", "source_code": validator, "protocol": "kattis"}
    told = grade((package / "submissions" / submission).read_text(), tests, grading={"checker": checker})
    assert verdicts(told) == expected
    if expected[-1] != "passed":
        assert told["tests"][-1]["checker_message"] == "9 is not allowed"


CASES: Sequence[tuple[str, str, str, int, str]] = [
    # The checker, the answer, the output; its exit code, and how its message begins.
    ("lcmp", "a b\nc\n", "a  b \nc", 0, "ok 2 lines"),
    ("lcmp", "a b\nc\n", "a b\nd", 1, "wrong answer 2nd lines differ"),
    ("lcmp", "a b\nc\n", "a b", 8, "unexpected eof"),
    ("lcmp", "a b\nc\n", "a b\nc\nd", 4, "wrong output format Extra information"),
    ("fcmp", "a\n", "a\n", 0, "ok single line"),
    ("fcmp", "a\n", "a \n", 1, "wrong answer 1st lines differ"),
    ("wcmp", "1 2", "1\n2\n", 0, "ok 2 tokens"),
    ("wcmp", "1 2", "1 3", 1, "wrong answer 2nd words differ"),
    ("wcmp", "1 2", "1", 1, "wrong answer Unexpected EOF"),
    ("wcmp", "1 2", "1 2 3", 1, "wrong answer Participant output contains extra"),
    ("rcmp4", "1.0", "1.00009", 0, "ok found"),
    ("rcmp4", "1.0", "1.001", 1, "wrong answer 1st numbers differ"),
    ("rcmp6", "1000000", "1000000.9", 0, "ok found"),
    ("rcmp6", "1.0", "1.00001", 1, "wrong answer"),
    ("rcmp9", "1.0 2.0", "1.0000000001 2", 0, "ok 2 numbers"),
    ("rcmp9", "1.0", "1.00001", 1, "wrong answer"),
    ("rcmp9", "1.0", "nan", 2, "wrong output format Expected double"),
    ("rcmp9", "x", "1", 3, "FAIL Expected double"),
    ("ncmp", "1 2", "1 2", 0, 'ok 2 number(s): "1 2"'),
    ("ncmp", "1", "01", 2, "wrong output format Expected int64"),
    ("ncmp", "1", "99999999999999999999", 2, "wrong output format Expected int64"),
    ("ncmp", "1 2", "1 2 3", 1, "wrong answer Output contains longer sequence"),
    ("icmp", "-5", "-5", 0, "ok answer is -5"),
    ("icmp", "1", "2", 1, "wrong answer expected 1, found 2"),
    ("icmp", "1", "3000000000", 2, "wrong output format Expected int32"),
    ("icmp", "1", "1 2", 4, "wrong output format Extra information"),
    ("icmp", "1", "", 8, "unexpected eof"),
    ("yesno", "YES", "yes", 0, "ok answer is YES"),
    ("yesno", "YES", "No", 1, "wrong answer expected YES, found NO"),
    ("yesno", "YES", "maybe", 2, "wrong output format YES or NO expected"),
    ("yesno", "ja", "yes", 3, "FAIL"),
    ("nyesno", "YES NO", "yes no", 0, "ok 2 token(s)"),
    ("nyesno", "YES NO", "yes", 1, "wrong answer Answer contains longer"),
    ("hcmp", "1" * 50, "1" * 50, 0, "ok answer is"),
    ("hcmp", "1" * 50, "1" * 49 + "2", 1, "wrong answer expected"),
    ("hcmp", "0", "-0", 2, "wrong output format -0 is not a valid integer"),
    ("uncmp", "1 2 3", "3 1 2", 0, "ok 3 number(s)"),
    ("uncmp", "1 2 2", "1 1 2", 1, "wrong answer Expected sequence"),
    ("pointscmp", "1", "1.5", 7, "points 0.5"),
]


def _all_in_one(names: Sequence[str]) -> str:
    """A program that is any of the checkers, by its first argument: they are compiled in the time of one."""
    bodies = "".join(f'namespace {name} {{\n#include "{name}.cpp"\n}}\n' for name in names)
    cases = "".join(
        f'    if (!std::strcmp(argv[1], "{name}")) return {name}::run(argc - 1, argv + 1);\n' for name in names
    )
    whole = f"#define main run\n{bodies}#undef main\nint main(int argc, char *argv[]) {{\n{cases}    return 99;\n}}\n"
    return f'#include "testlib.h"\n{whole}'


def test_testlibs_usual_checkers(real_cpp: Language, sandboxes: Inline) -> None:
    """Compiled as their authors have them, and run over all cases, in one container."""
    sources = sorted((PROBLEMS / "checkers").glob("*.cpp"))
    compile_all = "g++ -std=gnu++20 -O0 -Wall -Wextra -Werror -o all all.cc"
    run_all = "\n".join(
        f"printf %s {shlex.quote(answer)} > answer; printf %s {shlex.quote(output)} > output; : > input\n"
        f'./all {name} input output answer 2> said; echo "$? $(cat said)"'
        for name, answer, output, _, _ in CASES
    )
    job = Job(
        files=(
            *(File(path.name, path.read_bytes()) for path in sources),
            File("testlib.h", grading.testlib().data),
            File("all.cc", _all_in_one([path.stem for path in sources]).encode()),
        ),
        steps=(
            Step("compile", ("sh", "-c", compile_all), COMPILE, ENVIRONMENT),
            Step("run", ("sh", "-c", run_all), RUN, ENVIRONMENT),
        ),
    )
    steps = result_of(sandboxes.submit(Task("checkers", profile_of(real_cpp), job))).steps
    assert steps[-1].name == "run", steps[-1].stderr.decode()
    lines = steps[-1].stdout.decode().splitlines()
    assert {name for name, *_ in CASES} == {path.stem for path in sources}
    for (name, answer, output, code, message), line in zip(CASES, lines, strict=True):
        said, _, text = line.partition(" ")
        assert (int(said), text.startswith(message)) == (code, True), (name, answer, output, line)
