"""Programs as classrooms and judges write them: deep calls and many threads, with a language's own limits."""

from __future__ import annotations

import contextlib
import secrets

import pytest

from languages import folders
from languages.models import Language
from languages.programs import profile_of, steps_of
from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine, DockerImages
from sandbox.policy import SandboxPolicy
from sandbox.types import File, Job, Outcome, StepResult

PYTHON_THREADS = """
import threading, time
threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(100)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("done")
"""
JAVA_DEEP = """
public class Main {
    static int deep(int left) { return left == 0 ? 0 : 1 + deep(left - 1); }
    static int endless(int times) { return 1 + endless(times + 1); }
    public static void main(String[] args) throws Exception {
        System.out.println(deep(200000));
        try { endless(0); } catch (StackOverflowError error) { System.out.println("too deep"); }
        Thread[] threads = new Thread[100];
        for (int i = 0; i < 100; i++) (threads[i] = new Thread(() -> nap())).start();
        for (Thread thread : threads) thread.join();
        System.out.println("done");
    }
    static void nap() { try { Thread.sleep(200); } catch (InterruptedException error) { } }
}
"""
JAVA_THREADS = """
public class Main {
    public static void main(String[] args) {
        try {
            while (true) new Thread(() -> nap()).start();
        } catch (OutOfMemoryError error) {
            System.out.println("no more");
            Runtime.getRuntime().halt(0);
        }
    }
    static void nap() { try { Thread.sleep(60000); } catch (InterruptedException error) { } }
}
"""
C_DEEP = """
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) static int deep(int left) {
    volatile char frame[64];
    frame[left % 64] = 1;
    return left == 0 ? 0 : deep(left - 1) + frame[left % 64];
}
int main(void) {
    volatile char large[12 << 20];
    memset((char *)large, 1, sizeof large);
    printf("%d %d\\n", deep(400000), large[1000]);
}
"""
C_LARGE = "char large[100 << 20] = {1};\nint main(void) { return large[5]; }\n"
GO_LARGE = "package main\n\nvar large = [100 << 20]byte{5: 3}\n\nfunc main() { println(large[5]) }\n"
LISP_DEEP = '(defun deep (n) (if (= n 0) 0 (1+ (deep (1- n)))))\n(format t "~a~%" (deep 400000))\n'


@pytest.mark.parametrize(
    ("slug", "source", "printed"),
    [
        ("python", PYTHON_THREADS, b"done\n"),
        ("java", JAVA_DEEP, b"200000\ntoo deep\ndone\n"),
        ("c", C_DEEP, b"400000 1\n"),
        ("commonlisp", LISP_DEEP, b"400000\n"),
    ],
)
def test_deep_calls_and_many_threads(slug: str, source: str, printed: bytes) -> None:
    _skip_without(slug)
    step = _run(Language(**folders.read(slug).fields), source)
    assert (step.stdout, step.exit_code) == (printed, 0), step


def test_what_the_jvm_has_to_say_itself_is_not_in_the_programs_output() -> None:
    _skip_without("java")
    step = _run(Language(**folders.read("java").fields), JAVA_THREADS)
    assert (step.stdout, step.exit_code) == (b"no more\n", 0), step
    assert b"[warning]" in step.stderr


@pytest.mark.parametrize(("slug", "source"), [("c", C_LARGE), ("go", GO_LARGE)])
def test_a_compiler_that_may_write_no_more_says_so(slug: str, source: str) -> None:
    _skip_without(slug)
    step = _run(Language(**folders.read(slug).fields), source)
    assert step.name == "compile"
    assert step.outcome is Outcome.NONZERO_EXIT
    assert b"file too large" in step.stderr.lower()
    assert b"bug" not in step.stderr


def test_a_larger_work_directory_holds_a_larger_file() -> None:
    python = Language(**folders.read("python").fields)
    python.memory_mb, python.tmpfs_mb = 256, 100
    assert _run(python, "print(open('/tmp/a', 'wb').write(bytes(90 << 20)))").stdout == b"94371840\n"


def _skip_without(slug: str) -> None:
    with DockerImages() as images:
        if images.find(f"gexec/{slug}") is None:
            pytest.skip(f"there is no image of {slug} here")


def _run(language: Language, source: str) -> StepResult:
    engine = DockerEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    engine.prepare()
    profile = profile_of(language)
    with contextlib.closing(engine), contextlib.closing(Container(engine, engine.start(profile), profile)) as container:
        container.wait_ready(20)
        job = Job((File(language.source_file, source.encode()),), steps_of(language, timeout_ms=30_000))
        return container.run(job, tenant=None).steps[-1]
