"""A step on a terminal: what a program finds there, what reaches it, and what is not to be had."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import protocol
from sandbox.outcomes import Reason
from sandbox.protocol import Fault, Output, Result, Window
from sandbox.types import TerminalSize
from tests.golden import bytes_of
from tests.runner_lab import ENVIRONMENT, PATIENCE_S, LabRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = TerminalSize(80, 24)
TYPED = {"TERM": "xterm", **ENVIRONMENT}
SHELL = {**TYPED, "PS1": "$ ", "HOME": "/box"}


class Screen:
    """One step on a terminal, and what it has printed."""

    def __init__(self, runner: LabRunner) -> None:
        self.runner = runner
        self.printed = ""
        self.result: Result | None = None

    def start(self, *argv: str, **limits: object) -> Screen:
        self.runner.start(*argv, stdin=None, terminal=SIZE, **{"env": SHELL, **limits})  # type: ignore[arg-type]  # limits are the lab's
        return self

    def type(self, text: str) -> None:
        self.runner.send(protocol.stdin_frame(text.encode()))

    def until(self, text: str, *, times: int = 1) -> str:
        """Waits for it; what came up to then, and is not looked at again."""
        deadline = time.monotonic() + PATIENCE_S
        while self.printed.count(text) < times:
            assert time.monotonic() < deadline, self.printed[-2000:]
            assert self.step(), f"it has ended: {self.printed[-2000:]!r}, {self.result}"
        at = -1
        for _ in range(times):
            at = self.printed.index(text, at + 1)
        seen, self.printed = self.printed[: at + len(text)], self.printed[at + len(text) :]
        return seen

    def type_until(self, text: str) -> None:
        """Types empty lines until it comes: a shell looks at its signals between two of them."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.printed:
            assert time.monotonic() < deadline, self.printed[-2000:]
            self.type("\n")
            assert self.step()
            time.sleep(0.02)

    def end(self) -> Result:
        while self.step():
            pass
        assert self.result is not None
        return self.result

    def step(self) -> bool:
        match self.runner.next_frame():
            case Output(stream, data):
                assert stream == 1
                self.printed += data.decode(errors="replace")
            case Window(_):
                pass
            case Result() as result:
                self.result = result
                return False
            case other:
                pytest.fail(f"{other}")
        return True


@pytest.fixture
def screen() -> Iterator[Screen]:
    """A container with a terminal is for one step that has it, so each test has one. What ships, servers run."""
    with LabRunner("asan", terminal=True) as runner:
        shown = Screen(runner)
        yield shown
        if shown.result is None:
            runner.send(protocol.kill_frame())
            shown.end()
        runner.end()
        assert b"Sanitizer" not in runner.stderr


def test_a_shell_finds_a_terminal_of_its_own(screen: Screen) -> None:
    shell = screen.start("sh", "-i")
    shell.until("$ ")
    shell.type("tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all three; ls -l $(tty)\n")
    assert "/dev/pts/0\r\n24 80\r\nall three\r\n" in shell.until("\r\nall three\r\n")
    assert shell.until("/dev/pts/0").startswith("crw-------")
    shell.type("echo hi > /dev/tty; exit 7\n")
    result = shell.end()
    assert shell.printed.endswith("hi\r\n")
    assert (result.reason, result.exit_code) == (Reason.EXITED, 7)


def test_the_keys_of_a_terminal_work(screen: Screen) -> None:
    shell = screen.start("bash", "--norc", "--noediting", "-i")
    shell.until("$ ")
    shell.type("sleep 600\n")
    shell.until("sleep 600\r\n")
    time.sleep(0.3)
    shell.type("\x03")
    shell.until("^C")
    shell.until("$ ")
    shell.type("echo $?\n")
    shell.until("130\r\n$ ")
    # ^Z stops it, and the shell goes on; it comes back to the foreground, and is interrupted there.
    shell.type("sleep 601\n")
    shell.until("sleep 601\r\n")
    time.sleep(0.3)
    shell.type("\x1a")
    shell.until("Stopped")
    shell.until("$ ")
    shell.type("jobs\n")
    shell.until("sleep 601\r\n$ ")
    shell.type("fg\n")
    shell.until("sleep 601\r\n")
    time.sleep(0.3)
    shell.type("\x03")
    shell.until("$ ")
    # What is in the background and reads is stopped; a pipeline in the foreground is one group.
    shell.type("cat &\n")
    shell.until("$ ")
    shell.type("jobs; kill %1; sleep 602 | cat\n")
    shell.until("sleep 602 | cat\r\n")
    time.sleep(0.3)
    shell.type("\x03")
    shell.until("$ ")
    shell.type("\x04")
    assert shell.end().reason is Reason.EXITED


def test_an_interpreter_ends_with_control_d(screen: Screen) -> None:
    perl = screen.start("perl", "-ne", "print 2 * $_, qq(\\n)")
    perl.type("21\n")
    perl.until("21\r\n42\r\n")
    perl.type("\x04")
    assert perl.end().exit_code == 0


def test_another_size_is_told(screen: Screen) -> None:
    shell = screen.start(
        "bash", "--norc", "--noediting", "-c", "trap 'stty size' WINCH; echo ready; while read x; do :; done"
    )
    shell.until("ready")
    shell.runner.send(protocol.resize_frame(TerminalSize(132, 50)))
    shell.type_until("50 132\r\n")
    for columns in range(1, 200):
        shell.runner.send(protocol.resize_frame(TerminalSize(columns, 65535)))
    shell.type_until("65535 199\r\n")


def test_signals_go_to_the_foreground(screen: Screen) -> None:
    shell = screen.start("bash", "--norc", "--noediting", "-i")
    shell.until("$ ")
    shell.type("sh -c 'trap \"echo told\" USR1; echo ready; while :; do sleep 0.05; done'\n")
    shell.until("\r\nready")
    shell.runner.send(protocol.signal_frame(signal.SIGUSR1))
    shell.until("told")
    shell.runner.send(protocol.signal_frame(signal.SIGINT))
    shell.until("$ ")
    shell.type("echo still here\n")
    shell.until("\r\nstill here")


def test_who_is_hung_up_on_ends_also_where_it_is_stopped(screen: Screen) -> None:
    shell = screen.start("bash", "--norc", "--noediting", "-i")
    shell.until("$ ")
    shell.type("kill -STOP $$\n")
    shell.until("kill -STOP $$\r\n")
    time.sleep(0.2)
    shell.runner.send(protocol.signal_frame(signal.SIGHUP))
    result = shell.end()
    assert (result.reason, result.signal) in {(Reason.SIGNALED, signal.SIGHUP), (Reason.EXITED, 0)}


def test_all_that_was_printed_comes_before_the_end(screen: Screen) -> None:
    lines = screen.start("perl", "-e", "print qq($_\\n) for 1..30000", output_bytes=1 << 20)
    assert lines.end().reason is Reason.EXITED
    assert lines.printed.split() == [str(number) for number in range(1, 30001)]


def test_what_is_typed_before_it_is_read_is_kept(screen: Screen) -> None:
    reader = screen.start("sh", "-c", "stty -echo -icanon; echo ready; sleep 0.5; head -c 40000 | cksum; stty sane")
    reader.until("ready\r\n")
    reader.type("0123456789abcdef\n" * 2000 + "x" * 6000)
    reader.until(" 40000\r\n")
    assert reader.end().exit_code == 0


def test_output_beyond_the_limit_ends_it(screen: Screen) -> None:
    yes = screen.start("yes", output_bytes=100_000)
    result = yes.end()
    assert (result.reason, result.stdout_cut, len(yes.printed)) == (Reason.OUTPUT, True, 100_000)


def test_background_processes_keep_no_terminal(screen: Screen) -> None:
    shell = screen.start("sh", "-c", "(trap '' HUP; while :; do echo more; sleep 0.01; done) & echo done")
    result = shell.end()
    assert (result.reason, result.exit_code) == (Reason.EXITED, 0)
    assert "done" in shell.printed
    assert shell.runner.end().jobs_done == 1


def test_who_closes_its_streams_is_ended_by_its_limit(screen: Screen) -> None:
    closed = screen.start("perl", "-e", "close STDIN; close STDOUT; close STDERR; sleep 60", wall_ms=500)
    assert closed.end().reason is Reason.WALL


def test_a_terminal_that_was_closed_can_be_opened_again(screen: Screen) -> None:
    code = "close STDIN; close STDOUT; close STDERR; sleep 1; open TTY, '+<', '/dev/tty'; syswrite TTY, 'again'; <TTY>"
    again = screen.start("perl", "-e", code, cpu_ms=500)
    again.until("again")
    again.type("\n")
    assert again.end().reason is Reason.EXITED


def test_a_second_step_cannot_have_it(screen: Screen) -> None:
    assert screen.start("true").end().reason is Reason.EXITED
    script = "test -t 0 && exit 1; (: < /dev/tty) 2>/dev/null && exit 1; exit 0"
    assert screen.runner.run("sh", "-c", script).result.exit_code == 0
    with LabRunner(terminal=True) as other:
        for name in ("a step on a terminal", "a signal", "another size", "a kill"):
            other.send(bytes_of(name))
        assert isinstance(Screen(other).end(), Result)
        other.send(bytes_of("a step on a terminal"))
        assert [type(frame) for frame in other.wait_gone()] == [Fault]


def test_there_is_no_other_terminal_to_be_had(screen: Screen) -> None:
    code = """
    use Fcntl; my @bad;
    for my $path ('/dev/ptmx', '/dev/pts/ptmx') { push @bad, $path if sysopen(my $f, $path, O_RDWR | O_NOCTTY) }
    chmod 0666, '/dev/pts/ptmx', '/dev/ptmx' and push @bad, 'chmod';
    my $n = "\\0" x 64;
    # TIOCSTI, TIOCLINUX, TIOCCONS, TIOCEXCL, TIOCSCTTY, TIOCNOTTY, TIOCPKT, TIOCSETD, TIOCVHANGUP, TIOCGPTPEER, TCXONC,
    # TIOCGPTN, TIOCSPTLCK.
    for (0x5412, 0x541c, 0x541d, 0x540c, 0x540e, 0x5422, 0x5420, 0x5423, 0x5437, 0x5441, 0x540a, 0x80045430,
         0x40045431) {
        push @bad, sprintf '%#x', $_ if defined ioctl(STDIN, $_, $n)
    }
    print @bad ? "got @bad" : 'nothing', "\\n"
    """
    guest = screen.start("perl", "-e", code)
    guest.end()
    assert "nothing\r\n" in guest.printed
