"""Programs with tests, in real containers: verdicts, limits, checkers and interactors in Python."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executions.models import Execution
from languages.models import Language
from tests.judging import grade, post, verdicts

pytestmark = pytest.mark.usefixtures("graded", "real_python")

DOUBLE = "print(int(input()) * 2)"


def test_each_test_is_a_run_of_its_own() -> None:
    source = """
import os, sys
print(sys.stdin.read(), sys.argv[1:], sorted(os.listdir()), os.path.exists("/tmp/left"))
open("/tmp/left", "w").close()
open("left", "w").close()
"""
    tests: list[Any] = [
        {"stdin": "a", "args": ["1", "2 3"], "files": [{"name": "data/in.txt", "content": "x"}]},
        {"stdin": {"base64": "YgA="}},
    ]
    told = grade(source, tests, args=["0"])
    assert verdicts(told) == ["passed", "passed"]
    printed = [test["stdout"] for test in told["tests"]]
    assert printed == [
        "a ['0', '1', '2 3'] ['data', 'main.py'] False\n",
        "b\0 ['0'] ['main.py'] False\n".replace("\0", "\x00"),
    ]
    assert (told["outcome"], told["verdict"], told["run"]) == ("ok", "passed", None)
    assert [test["name"] for test in told["tests"]] == ["1", "2"]


def test_verdicts_of_what_programs_do() -> None:
    source = """
import os, sys, time
word = input()
if word == "crash": os.kill(os.getpid(), 11)
if word == "fail": sys.exit(3)
if word == "loop":
    while True: pass
if word == "flood":
    while True: print("x" * 1000)
if word == "memory": bytearray(1 << 30)
print(word)
"""
    expected = {
        "good": "passed",
        "wrong": "wrong_answer",
        "crash": "signal",
        "fail": "nonzero_exit",
        "loop": "timeout_cpu",
        "flood": "output_limit",
        "memory": "out_of_memory",
        "again": "passed",
    }
    tests: list[Any] = [
        {
            "name": word,
            "stdin": word,
            "expected_stdout": "x" if word == "wrong" else word,
            "limits": {"cpu_ms": 300} if word == "loop" else {},
        }
        for word in expected
    ]
    tests.append({"name": "three", "stdin": "fail", "expected_exit_code": 3})
    told = grade(source, tests)
    assert {test["name"]: test["verdict"] for test in told["tests"]} == expected | {"three": "passed"}
    assert told["verdict"] == "wrong_answer"
    assert (told["outcome"], told["error"]) == ("signal", "")
    assert told["score"] == {"passed": 3, "total": 9, "points": 3, "max_points": 9, "groups": {}}
    assert told["tests"][1]["first_difference"] == {"line": 1, "column": 1, "expected": "x", "actual": "wrong"}


def test_the_rest_is_skipped_where_that_was_asked_for() -> None:
    tests: list[dict[str, Any]] = [{"stdin": str(n), "expected_stdout": "4"} for n in (2, 3, 2)]
    assert verdicts(grade(DOUBLE, tests, grading={"stop_on_failure": True})) == ["passed", "wrong_answer", "skipped"]
    grouped = [{**test, "group": group} for test, group in zip(tests, ("a", "b", "b"), strict=True)]
    told = grade(DOUBLE, grouped)
    assert verdicts(told) == ["passed", "wrong_answer", "skipped"]
    assert told["score"]["groups"] == {"a": {"points": 1, "max_points": 1}, "b": {"points": 0, "max_points": 2}}


TESTLIB = """
import sys
given, output, answer = (open(name).read() for name in sys.argv[1:4])
assert given == "21\\n", given
word = output.strip()
if word == "crash": raise ValueError
if word == "loop":
    while True: pass
if word == "leave": open("left", "w").close(); open("/tmp/left", "w").close()
import os
if os.path.exists("left") or os.path.exists("/tmp/left"): sys.exit("left") if word != "leave" else None
if word == "half": print("points 0.5 half of it", file=sys.stderr); sys.exit(7)
print("because of", word, file=sys.stderr)
sys.exit({"wrong": 1, "presentation": 2, "fail": 3, "dirt": 4, "eof": 8}.get(word, 0))
"""
ECHO = "import sys; print(sys.argv[1])"


def _for_words(*words: str) -> list[dict[str, Any]]:
    return [{"name": word, "args": [word], "stdin": "21\n", "expected_stdout": "42"} for word in words]


def test_a_checker_of_testlib() -> None:
    words = ("right", "wrong", "leave", "presentation", "half", "fail", "crash", "loop", "dirt", "eof", "again")
    checker = {"language": "python", "source_code": TESTLIB, "limits": {"cpu_ms": 1000}}
    told = grade(ECHO, _for_words(*words), grading={"checker": checker})
    by_word = {test["name"]: test for test in told["tests"]}
    assert {word: test["verdict"] for word, test in by_word.items()} == {
        "right": "passed",
        "wrong": "wrong_answer",
        "leave": "passed",
        "presentation": "presentation_error",
        "half": "partial",
        "fail": "checker_error",
        "crash": "checker_error",
        "loop": "checker_error",
        "dirt": "wrong_answer",
        "eof": "wrong_answer",
        "again": "passed",
    }
    assert by_word["wrong"]["checker_message"] == "because of wrong"
    assert (by_word["half"]["points"], by_word["half"]["checker_message"]) == (0.5, "half of it")
    assert by_word["crash"]["checker_message"].startswith("exit code 1: Traceback")
    assert by_word["loop"]["checker_message"] == "timeout_cpu"
    assert told["verdict"] == "wrong_answer"


def test_a_checker_of_kattis() -> None:
    source = """
import os, sys
given, answer, feedback = sys.argv[1:]
assert feedback.endswith("/") and os.path.isdir(feedback), feedback
word = sys.stdin.read().strip()
print("noise on stdout"); print("noise on stderr", file=sys.stderr)
if word == "crash": raise ValueError
open(feedback + "judgemessage.txt", "w").write("because of " + word + "\\n")
if word == "half": open(feedback + "score.txt", "w").write("0.5")
sys.exit(42 if word in ("right", "half") else 43)
"""
    checker = {"language": "python", "source_code": source, "protocol": "kattis"}
    told = grade(ECHO, _for_words("right", "wrong", "half", "crash"), grading={"checker": checker})
    assert verdicts(told) == ["passed", "wrong_answer", "partial", "checker_error"]
    assert [test["checker_message"] for test in told["tests"][:3]] == [
        "because of right", "because of wrong", "because of half",
    ]  # fmt: skip


def test_a_checker_of_json() -> None:
    source = """
import json, sys
told = json.load(sys.stdin)
assert set(told) == {"input", "expected", "actual"}, told
word = told["actual"].strip()
print(json.dumps({"verdict": "passed" if word == "right" else "wrong_answer", "message": word + told["input"] + "."}))
"""
    checker = {"language": "python", "source_code": source, "protocol": "json"}
    told = grade(ECHO, _for_words("right", 'wrong"\u2028x'), grading={"checker": checker})
    assert verdicts(told) == ["passed", "wrong_answer"]
    assert told["tests"][1]["checker_message"] == 'wrong"\u2028x21\n.'


GUESS = """
import sys
secret, low, high = int(open(sys.argv[1]).read()), 1, 100
for turn in range(1, 8):
    try: guess = int(input())
    except ValueError: print("no number", file=sys.stderr); sys.exit(2)
    except EOFError: print("no more guesses", file=sys.stderr); sys.exit(8)
    print("higher" if guess < secret else "lower" if guess > secret else "found", flush=True)
    if guess == secret: print("in", turn, file=sys.stderr); sys.exit(0)
print("too many guesses", file=sys.stderr)
sys.exit(1)
"""
BY_HALVES = """
low, high = 1, 100
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    said = input()
    if said == "found": break
    if said == "higher": low = middle + 1
    else: high = middle - 1
"""


@pytest.mark.parametrize(
    ("source", "limits", "verdict", "message"),
    [
        (BY_HALVES, {}, "passed", "in "),
        (BY_HALVES.replace("(low + high) // 2", "low"), {}, "wrong_answer", "too many guesses"),
        ("print('x', flush=True); input()", {}, "presentation_error", "no number"),
        ("print(1, flush=True)", {}, "wrong_answer", "no more guesses"),
        ("raise ValueError", {}, "nonzero_exit", ""),
        ("import time; time.sleep(60)", {"wall_ms": 500}, "timeout_wall", ""),
        ("while True: print(1, flush=True)", {"cpu_ms": 300}, "wrong_answer", "too many guesses"),
    ],
    ids=["by halves", "too slowly", "no number", "gives up", "crashes", "hangs", "writes on"],
)
def test_an_interactor(source: str, limits: dict[str, int], verdict: str, message: str) -> None:
    interactor = {"language": "python", "source_code": GUESS}
    told = grade(source, [{"stdin": "83", "limits": limits}], grading={"interactor": interactor})
    assert told["verdict"] == verdict
    assert told["tests"][0]["checker_message"].startswith(message)


def test_a_program_that_does_not_compile_passes_no_test(real_go: Language) -> None:
    tests: list[dict[str, Any]] = [{"expected_stdout": "1"}, {"hidden": True}]
    told = grade("package main\nfunc main() { x }", tests, "go")
    assert (told["outcome"], told["verdict"]) == ("compile_error", "compile_error")
    assert verdicts(told) == ["skipped", "skipped"]
    assert "undefined: x" in told["compile"]["stderr"]


def test_a_checker_that_does_not_compile_is_refused_with_its_compilers_words(real_go: Language) -> None:
    checker = {"language": "go", "source_code": "package main\nfunc main() { x }"}
    body = {"language": "python", "source_code": "print(1)", "tests": [{}], "grading": {"checker": checker}}
    response = post(body)
    told = response.json()
    assert (response.status_code, told["code"]) == (422, "checker_compile_error")
    assert "undefined: x" in told["detail"]
    assert told["detail"].startswith("the checker could not be compiled\n")
    row = Execution.objects.get(pk=told["execution_id"])
    assert (row.outcome, row.verdict) == ("cancelled", "checker_error")


def test_expected_outputs_are_in_no_container() -> None:
    """Not where the program is: it looks through all that it can read."""
    canary = "c4n4ry" * 3
    source = """
import os
found = []
for base in ("/box", "/tmp", "/proc", "/dev/shm", "/run", "/etc"):
    for folder, _, names in os.walk(base):
        for name in names:
            path = os.path.join(folder, name)
            if path.startswith("/proc/kmsg") or path.startswith("/proc/sys"): continue
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                data = os.read(fd, 1 << 16)
                os.close(fd)
            except OSError: continue
            if ("c4n4ry" * 3).encode() in data and "main.py" not in path: found.append(path)
print(found, any("c4n4ry" * 3 in value for value in os.environ.values()))
"""
    tests = [{"expected_stdout": "[] False"}, {"expected_stdout": canary, "hidden": True}]
    told = grade(source, tests)
    assert verdicts(told) == ["passed", "wrong_answer"], json.dumps(told)[:2000]
