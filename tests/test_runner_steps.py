"""What the runner reports of a step that ended by itself: exit codes, signals, stdin and output."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from sandbox import protocol
from sandbox.outcomes import Reason
from sandbox.policy import RUNNER_PATH
from sandbox.protocol import Output, Result, Window
from tests.runner_lab import ENVIRONMENT, UID, LabRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_BACK = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT}
IGNORED = {signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT}


@pytest.fixture(scope="module", params=[RUNNER_PATH, "asan"], ids=["runner", "asan"])
def container(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    with LabRunner(request.param) as runner:
        yield runner
        runner.end()
        assert b"Sanitizer" not in runner.stderr


def test_every_exit_code_is_told(runner: LabRunner) -> None:
    for code in range(256):
        result = runner.run("sh", "-c", f"exit {code}").result
        assert (result.reason, result.exit_code, result.signal) == (Reason.EXITED, code, 0)


def test_every_deadly_signal_is_told(runner: LabRunner) -> None:
    for number in sorted(set(range(1, 65)) - KEPT_BACK - IGNORED - {32, 33}):
        result = runner.run("sh", "-c", f"kill -{number} $$; sleep 5").result
        assert (result.reason, result.exit_code, result.signal) == (Reason.SIGNALED, 0, number)


def test_signals_have_their_usual_effect_at_the_start(runner: LabRunner) -> None:
    status = runner.run("cat", "/proc/self/status").stdout.decode()
    masks = {line.split()[0]: line.split()[1] for line in status.splitlines() if line.startswith("Sig")}
    assert {masks["SigBlk:"], masks["SigIgn:"]} == {"0" * 16}


def test_signals_that_the_engine_was_started_with_do_not_come_down_to_programs() -> None:
    # By the kernel's own call (rt_sigaction): the C library refuses to touch signals 32 and 33.
    ignore = (
        "my $ignore = pack('Q4', 1, 0, 0, 0); syscall(13, $_ + 0, $ignore, 0, 8) for 1..8, 10..18, 20..64; exec @ARGV"
    )
    with LabRunner(under=("perl", "-e", ignore)) as runner:
        test_signals_have_their_usual_effect_at_the_start(runner)


@pytest.mark.parametrize("size", [0, 1, 4096, 65536, 65537, 262_144, 1_000_000, 5_000_000])
def test_stdin_of_any_size_comes_back(runner: LabRunner, size: int) -> None:
    sent = bytes(index * 7 % 251 for index in range(1000)) * (size // 1000 + 1)
    assert with_stdin(runner, sent[:size], "cat") == (sent[:size], 0)


def with_stdin(runner: LabRunner, data: bytes, *argv: str) -> tuple[bytes, int]:
    """Keeps to the window, as the pool does. Gives stdout and the exit code."""
    runner.start(*argv, stdin=None, output_bytes=10 << 20)
    window, at, out = protocol.STDIN_WINDOW, 0, bytearray()
    closed = False
    while True:
        while window and at < len(data):
            part = data[at : at + min(window, 50_000)]
            runner.send(protocol.stdin_frame(part))
            at, window = at + len(part), window - len(part)
        if at == len(data) and not closed:
            runner.send(protocol.stdin_frame(b""))
            closed = True
        match runner.next_frame():
            case Window(size):
                window += size
            case Output(_, chunk):
                out += chunk
            case Result() as result:
                return bytes(out), result.exit_code


def test_a_program_that_closed_its_stdin_is_fed_into_the_void(runner: LabRunner) -> None:
    out, code = with_stdin(runner, bytes(2_000_000), "sh", "-c", "exec <&-; sleep 0.5; echo done")
    assert (out, code) == (b"done\n", 0)


def test_a_program_that_never_reads_does_not_hold_the_result_back(runner: LabRunner) -> None:
    runner.start("sleep", "0.2", stdin=None)
    runner.send(protocol.stdin_frame(bytes(protocol.STDIN_WINDOW)))
    assert runner.finish().result.exit_code == 0
    assert runner.run("cat", stdin=b"new").stdout == b"new"


def test_stdin_after_the_end_is_ignored(runner: LabRunner) -> None:
    runner.start("true", stdin=None)
    runner.finish()
    runner.send(protocol.stdin_frame(b"late") + protocol.stdin_frame(b"") + protocol.kill_frame())
    assert runner.run("cat").stdout == b""


def test_stdin_and_output_stream_while_the_program_runs(runner: LabRunner) -> None:
    runner.start("cat", stdin=None)
    for line in (b"one\n", b"two\n", b"three\n"):
        runner.send(protocol.stdin_frame(line))
        assert runner.expect(Output).data == line
    runner.send(protocol.stdin_frame(b""))
    assert runner.finish().result.exit_code == 0


@pytest.mark.parametrize("code", ["echo out; echo err >&2; echo out", "echo out; echo err > /dev/stderr; echo out"])
def test_a_merged_stderr_is_in_stdout_in_its_place(runner: LabRunner, code: str) -> None:
    ended = runner.run("sh", "-c", code, merge_stderr=True)
    assert (ended.stdout, ended.stderr) == (b"out\nerr\nout\n", b"")


def test_a_merged_stderr_counts_as_stdout(runner: LabRunner) -> None:
    ended = runner.run("sh", "-c", "yes >&2 & yes", merge_stderr=True, output_bytes=100_000)
    assert (len(ended.stdout), ended.stderr, ended.result.reason) == (100_000, b"", Reason.OUTPUT)
    assert (ended.result.stdout_cut, ended.result.stderr_cut) == (True, False)
    # As ever in the next step.
    assert runner.run("sh", "-c", "echo err >&2").stderr == b"err\n"


def test_both_streams_are_drained_together(runner: LabRunner) -> None:
    ended = runner.perl("$|=1; for (1..3000) { print 'o' x 100; print STDERR 'e' x 100 }")
    assert (ended.stdout, ended.stderr) == (b"o" * 300_000, b"e" * 300_000)


def test_a_large_output_is_whole(runner: LabRunner) -> None:
    ended = runner.perl("print 'x' x 30_000_000", output_bytes=30_000_000)
    assert (len(ended.stdout), ended.result.stdout_cut, ended.result.reason) == (30_000_000, False, Reason.EXITED)


def test_output_that_is_not_text_comes_back(runner: LabRunner) -> None:
    assert runner.perl("print map { chr } 0..255").stdout == bytes(range(256))


@pytest.mark.parametrize(("name", "code"), [("nope", 127), ("./nope", 127), ("/tmp", 126), ("/etc/passwd", 126)])
def test_what_cannot_be_started_is_told(runner: LabRunner, name: str, code: int) -> None:
    result = runner.run(name).result
    assert (result.reason, result.exit_code) == (Reason.NOT_STARTED, code)
    assert result.detail.startswith(f"{name}: ")


def test_a_file_that_is_no_program_is_told(runner: LabRunner) -> None:
    runner.write_file("text", b"just text", executable=True)
    assert runner.run("./text").result.detail == "./text: Exec format error"


def test_the_path_of_the_step_is_searched(runner: LabRunner) -> None:
    runner.write_file("bin/tool", b"#!/bin/sh\necho $0\n", executable=True)
    runner.write_file("plain/tool", b"not to be run")
    assert runner.run("tool", env={"PATH": "/nowhere:/box/plain:/box/bin:/bin"}).stdout == b"/box/bin/tool\n"
    assert runner.run("tool", env={"PATH": "/box/plain"}).result.exit_code == 126


def test_arguments_and_environment_arrive_as_they_are(runner: LabRunner) -> None:
    odd = ["", " ", "*", "$HOME", "é\udcff", "a" * 100_000, "--", "\n"]
    printed = runner.perl("print join chr(0), @ARGV", "--", *odd)
    assert printed.stdout.split(b"\0") == [text.encode(errors="surrogateescape") for text in odd]
    variables = {"PATH": "/usr/bin", "A": "", "B": "x=y", "C": "a\nb"}
    listed = runner.run("env", "-0", env=variables).stdout
    assert dict(pair.split(b"=", 1) for pair in listed.split(b"\0")[:-1]) == {
        name.encode(): value.encode() for name, value in variables.items()
    }


def test_a_program_begins_in_the_work_directory_as_its_own_user(runner: LabRunner) -> None:
    code = (
        "pwd; id -u; id -g; id -G; umask; ps() { :; }; read -r _ _ _ _ pgrp sid _ </proc/$$/stat; echo $(($$ == sid))"
    )
    lines = runner.run("sh", "-c", code).stdout.decode().split()
    assert lines == ["/box", str(UID), str(UID), str(UID), "0022", "1"]


def test_files_belong_to_the_program(runner: LabRunner) -> None:
    runner.write_file("a/b/c.txt", b"text")
    runner.write_file("tool", b"#!/bin/sh\n", executable=True)
    listed = runner.run("stat", "-c", "%n %a %u %g %s", "a", "a/b", "a/b/c.txt", "tool").stdout.decode().splitlines()
    assert [line.rsplit(" ", 1)[0] for line in listed] == [
        f"a 755 {UID} {UID}",
        f"a/b 755 {UID} {UID}",
        f"a/b/c.txt 644 {UID} {UID}",
        f"tool 755 {UID} {UID}",
    ]


def test_a_large_file_arrives_whole(runner: LabRunner) -> None:
    content = bytes(range(256)) * 12_000
    runner.write_file("big", content)
    assert runner.run("cat", "big", output_bytes=len(content)).stdout == content


def test_standard_streams_can_be_opened_by_name(runner: LabRunner) -> None:
    ended = runner.run("sh", "-c", "cat /dev/stdin >/dev/stdout; echo e >/dev/stderr", stdin=b"in")
    assert (ended.stdout, ended.stderr) == (b"in", b"e\n")


def test_a_result_has_its_numbers(runner: LabRunner) -> None:
    spent = runner.perl("do { ($user, $system) = times } while ($user + $system < 0.3)").result
    assert 290_000 < spent.cpu_us < 450_000
    assert spent.cpu_us < 2 * spent.wall_us
    assert runner.run("sleep", "0.2").result.wall_us >= 200_000


def test_memory_is_measured_for_each_step(runner: LabRunner) -> None:
    assert 50 << 20 < runner.run("guest", "eat", "50").result.peak_memory_bytes < 90 << 20
    assert runner.run("true", env=ENVIRONMENT).result.peak_memory_bytes < 30 << 20
