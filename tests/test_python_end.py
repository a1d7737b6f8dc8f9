"""How a Python program ends: at once where nothing is left that would notice, and else as the interpreter ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

SITE = Path(__file__).parents[1] / "languages/images/python/sitecustomize.py"
NOTICES = "class A:\n def __del__(self): print('gone')\n"
SLOTS = "class A:\n __slots__ = ()\n def __del__(self): print('gone')\n"

AT_ONCE = {
    "print('x', end='')": (0, "x", ""),
    "import sys; print('x', end='', file=sys.stderr)": (0, "", "x"),
    "import atexit; atexit.register(print, 'bye')": (0, "bye\n", ""),
    "import dataclasses, datetime, decimal, enum, json, re, typing; print(1)": (0, "1\n", ""),
    "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'gone')": (0, "gone\n", ""),
    "class M(type):\n def __getattr__(*a): print('asked')\nclass A(metaclass=M): pass\na = A()": (0, "", ""),
    "class A:\n def __getattribute__(*a): print('asked')\na = A()": (0, "", ""),
    "import os\nif os.fork(): print(os.wait()[1])\nelse: print('child')": (0, "child\n0\n", ""),
}
"""Programs, and what they leave."""

AS_EVER = {
    "import sys; sys.exit(3)": (3, "", ""),
    "raise SystemExit('bye')": (1, "", "bye\n"),
    "import sys; globals().clear(); __import__('sys').exit(3)": (3, "", ""),
    "import atexit, sys; atexit._run_exitfuncs(); sys.exit(3)": (3, "", ""),
    "import sys; sys.stdout.close()": (0, "", ""),
    "f = open('out', 'w'); f.write('written')": (0, "written", ""),
    "import gc; f = open('out', 'w'); f.write('written'); gc.freeze()": (0, "written", ""),
    "import sys; sys.stdout = open('out', 'w'); print('written', end='')": (0, "written", ""),
    f"{NOTICES}a = A()": (0, "gone\n", ""),
    f"{NOTICES}a = A(); a.a = a; del a": (0, "gone\n", ""),
    f"{NOTICES}import os; os.kept = A()": (0, "gone\n", ""),
    f"{NOTICES}import threading; kept = threading.local(); kept.a = A()": (0, "gone\n", ""),
    f"{NOTICES}import functools\n@functools.cache\ndef f(): return A()\nf()": (0, "gone\n", ""),
    f"{SLOTS}a = ((A(),),)": (0, "gone\n", ""),
    "def g():\n try: yield\n finally: print('gone')\na = g(); next(a)": (0, "gone\n", ""),
    "async def f(): pass\na = f()": (0, "", "<sys>:0: RuntimeWarning: coroutine 'f' was never awaited\n"),
    "import weakref\nclass A: pass\na = A()\nb = weakref.ref(a, lambda _: print('gone'))": (0, "", ""),
    "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()": (
        0,
        "late\n",
        "",
    ),
    "import ctypes; ctypes.CDLL(None).printf(b'written')": (0, "written", ""),
    "import os; os.environ['PYTHONINSPECT'] = '1'": (0, "", ""),
    "import subprocess as s, sys; sys.exit(s.call([sys.executable, '-c', 'import sys; sys.exit(3)']))": (3, "", ""),
    "import subprocess as s, sys; sys.exit(s.run([sys.executable], input=b'raise SystemExit(3)').returncode)": (
        3,
        "",
        "",
    ),
}

NOTED = """
unfreeze = gc.unfreeze
gc.unfreeze = lambda: (unfreeze(), os.close(os.open("ever", os.O_CREAT, 0o600)))
"""
"""Behind what images have: it is called before the interpreter is taken apart."""

RUN_ALL = """
import json, os, subprocess, sys, tempfile
site, programs = json.loads(os.environ.pop("GIVEN"))
os.environ["PYTHONPATH"] = tempfile.mkdtemp()
open(os.environ["PYTHONPATH"] + "/sitecustomize.py", "w").write(site)
told = {}
for program in programs:
    os.chdir(tempfile.mkdtemp())
    with open("main.py", "w") as script:
        script.write(program)
    ran = subprocess.run(["python3", "main.py"], input="", capture_output=True, text=True)
    written = open("out").read() if os.path.exists("out") else ""
    told[program] = (ran.returncode, ran.stdout + written, ran.stderr, not os.path.exists("ever"))
json.dump(told, sys.stdout)
"""


@pytest.fixture(scope="module")
def told(prepared_data_dir: Path, docker_client: docker.DockerClient) -> Iterator[Mapping[str, list[object]]]:
    """What each program left, and whether it ended at once."""
    given = json.dumps([SITE.read_text() + NOTED, [*AT_ONCE, *AS_EVER]])
    container = docker_client.containers.create(
        "gexec/python", ["python3", "-c", RUN_ALL], environment={"GIVEN": given}, network_mode="none"
    )
    try:
        container.start()
        container.wait()
        yield json.loads(container.logs(stderr=False))
    finally:
        container.remove(force=True)


@pytest.mark.parametrize("program", list(AT_ONCE), ids=range(len(AT_ONCE)))
def test_what_nobody_notices_is_not_taken_apart(told: Mapping[str, list[object]], program: str) -> None:
    assert told[program] == [*AT_ONCE[program], True]


@pytest.mark.parametrize("program", list(AS_EVER), ids=range(len(AS_EVER)))
def test_what_somebody_may_notice_ends_as_the_interpreter_ends_it(
    told: Mapping[str, list[object]], program: str
) -> None:
    assert told[program] == [*AS_EVER[program], False]
