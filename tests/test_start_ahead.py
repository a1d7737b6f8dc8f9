"""A Python program cannot tell whether its interpreter was started ahead, and finds nothing of the one before it."""

from __future__ import annotations

import re
import secrets
import textwrap
from collections.abc import Iterator
from dataclasses import replace

import pytest

from languages import folders, programs
from languages.models import Language
from languages.programs import steps_of
from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.types import File, Job, Outcome, StepResult

LATIN = "# -*- coding: latin-1 -*-\nprint('\u00e9'.encode())\n"
PROGRAMS = {
    "what it finds": """
        import os, sys
        print(sys.argv, sys.path, sys.flags, sys.executable, sys.orig_argv)
        print(__name__, __file__, sorted(globals()), sorted(os.environ.items()), os.getcwd(), os.listdir())
        print(sorted(sys.modules), sorted(sys.path_importer_cache))
        print([(f.encoding, f.line_buffering, f.seekable(), f.isatty()) for f in (sys.stdin, sys.stdout, sys.stderr)])
        print(os.getppid(), os.getsid(0) == os.getpid(), os.getgroups(), sorted(os.listdir("/proc/self/fd")))
    """,
    "input": "print(sum(map(int, input().split())), input())",
    "a traceback": "def f(x):\n    return 1 / x\n\n\nf(0)\n",
    "a syntax error": "print('a')\nif True print('b')\n",
    "another encoding": LATIN,
    "an unknown encoding": "# coding: nonsense\nprint(1)\n",
    "an exit code": "import sys\nsys.exit(7)",
    "an exit message": "raise SystemExit('no')",
    "at exit": "import atexit\natexit.register(print, 'bye')\nprint('hi')",
    "its own source": "import inspect, sys\nprint(inspect.getsource(sys.modules['__main__']))",
    "itself again": "print(__import__('main').__file__)",
    "threads": """
        import threading
        print(threading.current_thread().name, threading.main_thread().native_id == __import__('os').getpid())
        seen = []
        ts = [threading.Thread(target=seen.append, args=(i,)) for i in range(3)]
        [t.start() for t in ts]; [t.join() for t in ts]
        print(sorted(seen))
    """,
    "processes": """
        import multiprocessing, subprocess, sys
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(abs, [-1, 2]))
        print(subprocess.run([sys.executable, "-c", "print(__import__('os').environ.get('LD_PRELOAD'))"],
                             capture_output=True, text=True))
    """,
    "spawned processes": """
        import multiprocessing

        def work(queue):
            queue.put(__name__)

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            queue = context.SimpleQueue()
            child = context.Process(target=work, args=(queue,))
            child.start(); print(queue.get()); child.join()
    """,
    "signals": """
        import os, signal
        print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGPIPE), signal.pthread_sigmask(0, []))
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print("interrupted")
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
    """,
    "abort": "import os\nos.abort()",
    "its size": """
        import resource
        for name in sorted(n for n in dir(resource) if n.startswith("RLIMIT_")):
            print(name, resource.getrlimit(getattr(resource, name)))
    """,
    "much output": "import sys\nsys.stdout.write('x' * 300_000)\nsys.stderr.write('y' * 300_000)",
    "deep recursion": "def f(n):\n    return f(n + 1)\n\n\ntry:\n    f(0)\nexcept RecursionError:\n    print('deep')\n",
    "coroutines": "import asyncio\n\n\nasync def f():\n    return 3\n\n\nprint(asyncio.run(f()))\n",
    "rights": "print(*(x for x in open('/proc/self/status') if x[:3] in ('Uid', 'Gid', 'Cap', 'Sig', 'NoN', 'Sec')))",
}


@pytest.fixture(scope="module")
def language() -> Language:
    """Python as its folder says, which asks to be started ahead."""
    fields = dict(folders.read("python").fields)
    made = Language(**fields)
    assert made.start_ahead
    return made


class Both:
    """Runs programs in both ways; those that are started ahead in one container, one after the other."""

    def __init__(self, engine: DockerEngine, language: Language) -> None:
        self._engine = engine
        self._language = language
        self.used = self._started()
        self.used.start_ahead()

    def _started(self) -> Container:
        profile = replace(programs.profile_of(self._language), runs_per_container=100)
        container = Container(self._engine, self._engine.start(profile), profile)
        container.wait_ready(20)
        return container

    def executed(self, source: str) -> StepResult:
        container = self._started()
        try:
            result = self.job(container, source)
        finally:
            container.close()
        assert not result.started_ahead
        return result

    def forked(self, source: str) -> StepResult:
        result = self.job(self.used, source)
        self.used.end_job()
        assert self.used.usable(5)
        assert result.started_ahead
        return result

    def job(self, container: Container, source: str) -> StepResult:
        text = source if source is LATIN else textwrap.dedent(source)
        files = (File(self._language.source_file, text.encode("latin-1" if source is LATIN else "utf-8")),)
        steps = steps_of(self._language, timeout_ms=10_000, stdin=b"1 2\nx\n")
        return container.run(Job(files, steps), tenant="me").steps[0]


@pytest.fixture
def both(language: Language, prepared_data_dir: object) -> Iterator[Both]:
    """Runs programs executed and forked. The image is there once the servers' data directory is prepared."""
    engine = DockerEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    engine.prepare()
    made = Both(engine, language)
    yield made
    made.used.close()
    engine.close()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_cannot_tell(both: Both, name: str) -> None:
    plain, forked = both.executed(PROGRAMS[name]), both.forked(PROGRAMS[name])
    assert plain.outcome not in {Outcome.SANDBOX_ERROR, Outcome.TIMEOUT_WALL}
    assert seen(forked) == seen(plain)


def seen(result: StepResult) -> tuple[object, ...]:
    """What a program shows of itself, but for the number of its container's user."""
    texts = (re.sub(r"[2-5]\d{4}(?!\d)", "UID", text.decode()) for text in (result.stdout, result.stderr))
    return (result.outcome, result.exit_code, result.signal, *texts)


def test_what_was_not_started_ahead_is_executed_as_it_is(both: Both) -> None:
    """Another file, or a variable of the request: no words of the one that waits."""
    show = b"import os, sys\nprint(sys.argv, os.environ.get('PYTHONSAFEPATH'), sys.flags.safe_path)\n"
    for name, environment in (("app.py", {}), ("main.py", {"PYTHONSAFEPATH": "1"})):
        steps = steps_of(both._language, timeout_ms=10_000, entrypoint=name, files=(name,), environment=environment)
        (result,) = both.used.run(Job((File(name, show),), steps), tenant="me").steps
        both.used.end_job()
        assert both.used.usable(5)
        value = environment.get("PYTHONSAFEPATH")
        assert result.stdout.decode() == f"['{name}'] {value} {bool(value)}\n"
        assert not result.started_ahead
    both.forked("print(1)")


def test_no_run_changes_the_next(both: Both) -> None:
    spoil = """
        import builtins, gc, os, signal, sys
        builtins.print = None; sys.path.append("/tmp"); sys.modules["json"] = None; os.environ["LEFT"] = "1"
        sys.stdout.reconfigure(encoding="utf-16"); signal.signal(signal.SIGINT, signal.SIG_IGN); os.nice(5); os.umask(0)
        open("/tmp/json.py", "w").write("raise SystemExit(9)"); open("json.py", "w").write("raise SystemExit(9)")
        gc.disable(); sys.setrecursionlimit(50)
    """
    look = """
        import gc, json, os, signal, sys
        print(print, sys.path, "LEFT" in os.environ, sys.stdout.encoding, signal.getsignal(2), os.nice(0))
        print(os.umask(0o22), gc.isenabled(), sys.getrecursionlimit(), json.__file__)
    """
    before = both.forked(look)
    assert both.forked(spoil).outcome is Outcome.OK
    assert seen(both.forked(look)) == seen(before)


def test_every_run_draws_its_own_random_numbers(both: Both) -> None:
    source = (
        "import os, random, secrets, uuid\nprint(random.random(), uuid.uuid4(), secrets.token_hex(), os.urandom(8))"
    )
    assert len({both.forked(source).stdout for _ in range(3)}) == 3


def test_memory_is_limited_as_ever(both: Both) -> None:
    assert both.forked("x = b'x' * (90 << 20)\nprint(len(x))").stdout == b"94371840\n"
    # It may take the waiting interpreter along, and with it the container, so it is the last run.
    hog = both.job(both.used, "x = []\nwhile True:\n    x.append(b'x' * (1 << 20))\n")
    assert (hog.outcome, hog.started_ahead) == (Outcome.OUT_OF_MEMORY, True)
