"""The command `gexec` against a real server: streams, exit codes, ^C, tables, and the file with the keys."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gexec_client import Client, Execution, Finished, Gap, Output, Restarted, Retries
from gexec_client.cli import saving, settings
from gexec_client.cli.__main__ import done_with
from gexec_client.cli.run import Printer
from gexec_client.results import result
from gexec_client.transport import Place
from testkit.servers import PROJECT, clean_environment, free_port
from testkit.waiting import eventually
from tests.client_lab import Gexec

COMMAND = [sys.executable, "-m", "gexec_client.cli"]
SLEEPING = "import time\nprint('ready', flush=True)\ntime.sleep(60)"

Capture = pytest.CaptureFixture[bytes]
Type = Callable[..., tuple[int, bytes, bytes]]


@pytest.fixture
def typed(gexec: Gexec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture) -> Type:
    """Types a command in a folder of its own: the exit code, stdout and stderr."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEXEC_SERVER", gexec.url)
    monkeypatch.setenv("GEXEC_API_KEY", gexec.key)
    monkeypatch.setenv("GEXEC_CONFIG", str(tmp_path / "config" / "config.toml"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = done_with(arguments)
        sys.stdout.flush()
        return code, *capfdbinary.readouterr()

    return run


@contextmanager
def started(gexec: Gexec, directory: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process of its own."""
    environment = clean_environment(
        PYTHONPATH=str(PROJECT / "clients/python/src"), GEXEC_SERVER=gexec.url, GEXEC_API_KEY=gexec.key,
        GEXEC_CONFIG=str(directory / "none"), TERM="xterm",
    )  # fmt: skip
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_program_is_run_as_if_it_ran_here(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import sys\nfrom lib import word\nsys.stdout.buffer.write(sys.stdin.buffer.read() + b'\\xff\\x00\\x1b[2J')\n"
        "print(word, sys.argv[1:], file=sys.stderr)\nsys.exit(7)"
    )
    (tmp_path / "lib.py").write_text("import os\nword = os.environ['WORD']")
    code, out, err = typed(
        "run", "main.py", "lib.py", "--env", "WORD=w", "--", "-x", "--lang", "ruby", stdin=b"in\xfe\r\n"
    )
    assert (code, out, err) == (7, b"in\xfe\r\n\xff\x00\x1b[2J", b"w ['-x', '--lang', 'ruby']\n")


@pytest.mark.parametrize(
    ("name", "source", "options", "code", "said"),
    [
        ("a.py", "import os\nos.kill(os.getpid(), 15)", [], 143, b"SIGTERM"),
        ("a.py", "while True: pass", ["--time-limit", "0.3"], 124, b"timed out after 300 ms"),
        ("a.py", "x = bytearray(10**9)", ["--memory-limit", "32"], None, b""),
        ("a.go", "package main\nfunc main() { x }", [], 65, b"undefined: x"),
        ("a.py", "print(1)", ["--memory-limit", "1000000"], 64, b"limit_exceeded"),
        ("a.py", "print(1)", ["--key", "gx_wrong"], 77, b"unauthorized"),
        ("a.py", "print(1)", ["--server", f"http://127.0.0.1:{free_port()}"], 69, b"cannot be reached"),
        ("a.py", "print(1)", ["--server", "nowhere"], 78, b"address"),
        ("a.py", "print(1)", ["--nonsense"], 2, b"No such option"),
        ("a.txt", "print(1)", [], 2, b"--lang"),
    ],
)
def test_exit_codes(
    typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, options: list[str],
    code: int | None, said: bytes,
) -> None:  # fmt: skip
    monkeypatch.setattr("gexec_client.base.Retries", lambda: Retries(attempts=1))
    (tmp_path / name).write_text(source)
    found, _, err = typed("run", name, *options)
    assert said in err
    assert found == code if code is not None else found in {1, 137}


def test_a_key_that_may_not_watch_sees_all_at_the_end(typed: Type, gexec: Gexec, tmp_path: Path) -> None:
    asked = {"name": "blind", "rights": ["execute", "read"]}
    headers = {"Authorization": f"Bearer {gexec.key}", "Content-Type": "application/json"}
    made = gexec.server.request("/api/v1/keys", asked, headers=headers).json()
    (tmp_path / "main.py").write_text("import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(4)")
    code, out, err = typed("run", "main.py", "--key", made["secret"])
    assert (code, out, err) == (4, b"out\n", b"err\n")


def test_the_source_from_stdin_and_the_result_as_json(typed: Type) -> None:
    code, out, err = typed("run", "-", "--lang", "python", "--json", stdin=b"print('\\x9b')\nraise SystemExit(3)")
    told = json.loads(out)
    assert (code, told["run"]["stdout"], told["outcome"], err) == (3, "\x9b\n", "nonzero_exit", b"")
    assert out.isascii()


def test_control_c_cancels_it_and_output_comes_before_its_end(gexec: Gexec, tmp_path: Path) -> None:
    tag = uuid.uuid4().hex
    (tmp_path / "main.py").write_text(SLEEPING)
    with started(gexec, tmp_path, "run", "main.py", "--tag", f"test={tag}") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().strip() == b"gexec: cancelled"
    with Client(gexec.url, gexec.key) as client:
        ended = eventually(lambda: next(client.history(tags={"test": tag})), until=lambda one: one.ended)
    assert ended.outcome == "cancelled"


def test_a_reader_that_goes_ends_it(gexec: Gexec, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("while True: print('y' * 1000, flush=True)")
    with started(gexec, tmp_path, "run", "main.py") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize("raw", [False, True])
def test_on_a_terminal_a_program_has_colours_and_no_more(
    typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bool
) -> None:
    (tmp_path / "main.py").write_text(r"print('\x1b]0;evil\x07\x1b[31mred\x1b[0m\x1b[2J')")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert typed("run", "main.py", *(["--raw"] if raw else []))[0] == 0
    seen = b""
    with suppress(OSError):  # That is how Linux tells the end of a terminal.
        while piece := os.read(master, 4096):
            seen += piece
    os.close(master)
    evil = b"\x1b]0;evil\x07\x1b[31mred\x1b[0m\x1b[2J\r\n"
    assert seen == (evil if raw else b"\x1b[31mred\x1b[0m\r\n\x1b[0m")


def test_a_folder_of_tests(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "sol.py").write_text("n = int(input())\nprint(7 if n == 2 else 2 * n if n < 9 else 1 / 0)")
    (tmp_path / "tests" / "sample").mkdir(parents=True)
    for number in (1, 2, 10):
        (tmp_path / "tests" / "sample" / f"{number}.in").write_text(str(number))
        (tmp_path / "tests" / "sample" / f"{number}.ans").write_text(str(2 * number))
    code, out, err = typed("test", "sol.py", "--tests", "tests")
    lines = out.decode().splitlines()
    assert (code, err) == (1, b"")
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["sample/1", "passed"], ["sample/2", "wrong_answer"], ["sample/10", "nonzero_exit"],
    ]  # fmt: skip
    assert lines[2].endswith('line 1, column 1: expected "4", got "7"')
    assert lines[3].endswith("exit code 1 ZeroDivisionError: division by zero")
    assert lines[4] == "1 of 3 passed"
    assert "\x1b" not in out.decode()
    (tmp_path / "sol.py").write_text("print(2 * int(input()))")
    code, out, _ = typed("test", "sol.py", "--tests", "tests", "--json")
    assert (code, json.loads(out)["verdict"]) == (0, "passed")


def test_a_checker_judges(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "sol.py").write_text("print('\\x1b]0;x\\x07')")
    (tmp_path / "check.py").write_text(
        "import json\nprint(json.dumps({'verdict': 'wrong_answer', 'message': 'no\\x1b[2J'}))"
    )
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "1.in").write_text("")
    code, out, err = typed("test", "sol.py", "--tests", "t", "--checker", "check.py", "--protocol", "json")
    assert (code, b"any output will do" in err) == (1, True)
    assert "no" in out.decode()
    assert "\x1b" not in out.decode()


def test_languages_and_history_are_listed(typed: Type, tmp_path: Path) -> None:
    tag = f"test={uuid.uuid4().hex}"
    (tmp_path / "main.py").write_text("print(1)")
    assert typed("run", "main.py", "--tag", tag)[:2] == (0, b"1\n")
    code, out, _ = typed("languages")
    assert (code, out.split()[:2]) == (0, [b"language", b"version"])
    assert {each["slug"] for each in json.loads(typed("languages", "--json")[1])} >= {"python", "go"}
    code, out, _ = typed("history", "--tag", tag)
    assert (code, len(out.splitlines()), tag.encode() in out) == (0, 2, True)
    (listed,) = json.loads(typed("history", "--tag", tag, "--json")[1])
    assert listed["outcome"] == "ok"


def test_a_login_is_kept_for_its_server_and_its_user_alone(
    typed: Type, gexec: Gexec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEXEC_SERVER")
    monkeypatch.delenv("GEXEC_API_KEY")
    code, _, err = typed("login", "--server", gexec.url, stdin=b"gx_wrong\n")
    assert (code, b"unauthorized" in err, settings.path().exists()) == (77, True, False)
    code, out, err = typed("login", "--server", gexec.url, stdin=gexec.key.encode() + b"\n")
    assert (code, err) == (0, b"")
    assert gexec.key.encode() not in out
    assert settings.path().stat().st_mode & 0o777 == 0o600
    assert settings.place(None, None).key == gexec.key
    assert typed("history", "--limit", "1")[0] == 0
    with listening() as (url, asked):
        assert settings.place(url, None).key is None
        typed("languages", "--server", url)
        assert asked == [None]
    settings.path().chmod(0o640)
    code, _, err = typed("history")
    assert (code, b"chmod 600" in err) == (78, True)
    settings.path().chmod(0o600)
    assert typed("logout")[0] == 0
    assert settings.place(gexec.url, None).key is None


def test_settings_come_from_options_the_environment_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEXEC_CONFIG", str(tmp_path / "c.toml"))
    odd = 'k"\\'
    settings.save(settings.Saved("https://file", {"https://file": odd, "https://env": "e", "https://option": "o"}))
    monkeypatch.delenv("GEXEC_SERVER", raising=False)
    monkeypatch.delenv("GEXEC_API_KEY", raising=False)
    assert settings.place(None, None) == Place("https://file", odd)
    monkeypatch.setenv("GEXEC_SERVER", "https://env/")
    assert settings.place(None, None) == Place("https://env", "e")
    assert settings.place("https://option", None) == Place("https://option", "o")
    monkeypatch.setenv("GEXEC_API_KEY", "own")
    assert settings.place("https://option", None).key == "own"
    assert settings.place("https://option", "given").key == "given"
    assert list(tmp_path.iterdir()) == [tmp_path / "c.toml"]
    assert odd not in repr(settings.read())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_it(typed: Type, monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture, shell: str) -> None:
    code, out, _ = typed("completion", shell)
    assert (code, b"_GEXEC_COMPLETE" in out) == (0, True)
    monkeypatch.setenv("_GEXEC_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "gexec run --lang py")
    monkeypatch.setenv("COMP_CWORD", "py" if shell == "fish" else "3")
    with pytest.raises(SystemExit):
        typed()
    assert b"python" in capfdbinary.readouterr().out


def test_files_that_a_program_leaves_are_kept_where_they_belong(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os\nos.makedirs('out/.git')\nnames = 'out/a.txt', 'out/.git/hook', 'main.py', 'out/x:y', 'out/l'\n"
        "for name in names:\n    open(name, 'w').write('left')"
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "l").symlink_to(tmp_path / "elsewhere")
    code, _, err = typed("run", "main.py", "--artifact", "**")
    assert code == 0
    assert (tmp_path / "out" / "a.txt").read_text() == "left"
    assert "makedirs" in (tmp_path / "main.py").read_text()
    assert err.count(b"is not kept") == 4
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "out" / ".git").exists()


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../../x", "a//b", "", ".", ".ssh/x", "a\\b", "C:x", "a\x1bb", "a/"]
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    assert not saving.is_safe(name)


def test_folders_that_are_links_are_not_followed(tmp_path: Path, gexec: Gexec) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "target")
    saving._write(tmp_path / "here", "link/x", b"")
    assert not list((tmp_path / "target").iterdir())


def test_what_is_lost_on_the_way_is_printed_at_the_end(capfdbinary: Capture) -> None:
    printer = Printer(raw=False)
    run = {"stdout": "abcdef", "stderr": "", "stdout_base64": None}
    ended = Finished(result(Execution, {"id": "x", "status": "finished", "outcome": "ok", "run": run}))
    for event in (Output("run", "stdout", b"ab", 0.0), Gap(2, 3), Output("run", "stdout", b"e", 0.0), ended):
        printer.take(event)
    assert capfdbinary.readouterr().out == b"abcdef"


def test_a_run_that_begins_again_says_so(capfdbinary: Capture) -> None:
    printer = Printer(raw=False)
    for event in (Output("run", "stdout", b"a", 0.0), Restarted(2), Output("run", "stdout", b"a", 0.0)):
        printer.take(event)
    out, err = capfdbinary.readouterr()
    assert out == b"aa"
    assert b"begins again" in err


@contextmanager
def listening() -> Iterator[tuple[str, list[str | None]]]:
    """A server that is no gexec, and the keys that it was sent."""
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization"))
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()
