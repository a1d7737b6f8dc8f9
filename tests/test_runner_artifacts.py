"""Which files a runner gives back after the last step, and what it never does for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import protocol
from sandbox.policy import RUNNER_PATH
from sandbox.protocol import ArtifactFound, Fault
from tests.runner_lab import LabRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

TREE = ("a.png", "b.txt", "out/a.png", "out/deep/er/b.png", "out/é.png", ".hidden", "we[i]rd", "x*y", "a\\b")


@pytest.fixture(scope="module", params=[RUNNER_PATH, "asan"], ids=["runner", "asan"])
def container(request: pytest.FixtureRequest) -> Iterator[LabRunner]:
    with LabRunner(request.param) as runner:
        yield runner
        assert b"Sanitizer" not in runner.stderr


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ((), ()),
        (("*.png",), ("a.png",)),
        (("?.*",), ("a.png", "b.txt")),
        (("a.png", "out/a.png", "nothing"), ("a.png", "out/a.png")),
        (("out/*",), ("out/a.png", "out/é.png")),
        (("out/?.png",), ("out/a.png", "out/é.png")),
        (("out/*?.png", "out/??.png"), ("out/a.png", "out/é.png")),
        (("out/**",), ("out/a.png", "out/é.png", "out/deep/er/b.png")),
        (("**/b.png",), ("out/deep/er/b.png",)),
        (("**/a.png",), ("a.png", "out/a.png")),
        (("out/**/b.png", "out/**/er/*"), ("out/deep/er/b.png",)),
        (("*/*/**/*.png",), ("out/deep/er/b.png",)),
        (("**",), TREE),
        (("we[i]rd", "[a-z]*"), ("we[i]rd",)),
        (("x**y", "*\\*"), ("x*y", "a\\b")),
        (("**/**/a.png",), ("a.png", "out/a.png")),
        (("b.txt/*", "a.pn", "a.pngg", "out", "*/"[:1]), ("a.png", "b.txt", ".hidden", "we[i]rd", "x*y", "a\\b")),
    ],
)
def test_a_pattern_has_the_files_that_it_means(
    runner: LabRunner, patterns: tuple[str, ...], names: tuple[str, ...]
) -> None:
    for name in TREE:
        runner.write_file(name, name.encode())
    found = runner.collect(*patterns)
    # The directory is one that a pattern names.
    assert found.pop("out", "not_regular") == "not_regular"
    assert found == {name: name.encode() for name in names}


def test_files_come_whole_whatever_their_size(runner: LabRunner) -> None:
    sizes = (0, 1, 65_535, 65_536, 65_537, 3_000_000)
    for size in sizes:
        runner.write_file(str(size), bytes(index % 251 for index in range(size)))
    found = runner.collect("*")
    assert found == {str(size): bytes(index % 251 for index in range(size)) for size in sizes}


def test_what_a_step_made_comes_as_it_is_after_it(runner: LabRunner) -> None:
    runner.write_file("given", b"given")
    runner.run("sh", "-c", "echo changed > given; echo new > new; (while :; do echo x >> given; done) & sleep 0.1")
    first = runner.collect("*")
    assert first == runner.collect("*")
    assert first["new"] == b"new\n"


def test_more_than_was_asked_for_is_told_and_does_not_come(runner: LabRunner) -> None:
    runner.run("sh", "-c", "for i in 1 2 3 4 5; do head -c 100 /dev/zero > $i; done; head -c 301 /dev/zero > large")
    found = runner.collect("*", max_bytes=300)
    assert found.pop("large") == "too_large"
    assert sorted(str(content) for content in found.values()) == [str(bytes(100))] * 3 + ["too_large"] * 2
    found = runner.collect("?", max_files=2)
    assert sorted(str(content) for content in found.values()) == [str(bytes(100))] * 2 + ["too_many"] * 3
    assert set(runner.collect("*", max_files=0).values()) == {"too_many"}


def test_what_is_no_regular_file_is_told_only_where_a_pattern_means_it(runner: LabRunner) -> None:
    sockets = "perl -e 'use Socket; socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un q(socket)'"
    links = (
        "ln -s /etc/passwd passwd; ln -s /proc/1/environ environ; ln -s /dev/zero zero; ln -s loop loop; ln -s . here"
    )
    closed = "mkdir closed; touch closed/in; chmod 0 closed; echo x > mine; chmod 0 mine"
    runner.run("sh", "-c", f"mkfifo fifo; {sockets}; {links}; {closed}; ln -s mine link; mkdir d; mknod device c 1 5")
    names = ("fifo", "socket", "passwd", "environ", "zero", "loop", "here", "link", "mine")
    assert runner.collect("**") == dict.fromkeys(names, "not_regular")
    assert runner.collect("fi*", "d", "here/**", "closed/*") == dict.fromkeys(("fifo", "d"), "not_regular")


def test_a_file_of_several_names_comes_once(runner: LabRunner) -> None:
    runner.run("sh", "-c", "head -c 200 /dev/zero > 1; for i in 2 3 4 5; do ln 1 $i; done; echo other > 6; ln 6 7")
    found = runner.collect("*", max_bytes=300)
    assert sorted(map(len, found.values())) == [6, 200]


def test_a_sparse_file_counts_with_its_size(runner: LabRunner) -> None:
    runner.run("sh", "-c", "truncate -s 4G huge; truncate -s 1M small", file_size_bytes=5 << 30)
    assert runner.collect("*") == {"huge": "too_large", "small": bytes(1 << 20)}


def test_names_that_are_no_utf_8_are_left_out(runner: LabRunner) -> None:
    names = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80"]
    names.append(b"\xf8\x88\x80\x80\x80")
    quoted = ", ".join('"' + "".join(f"\\x{byte:02x}" for byte in name) + '"' for name in names)
    made = runner.perl(f"for ({quoted}) {{ open F, '>', $_ or die; mkdir qq($_.d); open F, '>', qq($_.d/f) or die }}")
    assert made.result.exit_code == 0
    good = ("\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "new\nline")
    for name in good:
        runner.write_file(name, b"")
    assert runner.collect("**") == dict.fromkeys(good, b"")


def test_what_is_deeper_than_a_name_may_be_is_not_found(runner: LabRunner) -> None:
    runner.run("guest", "deep", "1000")
    name = "/".join(["d"] * 31) + "/f"
    runner.write_file(name, b"x")
    assert runner.collect("**") == {name: b"x"}


def test_as_many_are_told_and_looked_at_as_the_bounds_say(runner: LabRunner) -> None:
    runner.run("sh", "-c", "chmod 700 /box; guest many 30000")
    runner.run("sh", "-c", "find . -name 'f*' | xargs chmod 600")
    found = runner.collect("**", max_files=protocol.MAX_ARTIFACTS)
    assert len(found) == protocol.MAX_ARTIFACTS + protocol.MAX_TOLD


def test_patterns_and_names_that_are_made_to_be_slow_are_not(runner: LabRunner) -> None:
    runner.perl("for (1..300) { open F, '>', 'a' x 200 . $_ } mkdir 'a'; open F, '>', 'a/' . 'a' x 250")
    patterns = ["*a" * 100 + "b", "**/" * 30 + "b", "*/**/" * 15 + "b", "?*" * 100 + "b"] * 16
    assert runner.collect(*patterns) == {}


def test_the_longest_patterns_are_taken(runner: LabRunner) -> None:
    runner.write_file("a", b"a")
    assert runner.collect(*["/".join(["*" * 255] * 16)] * 62, "a") == {"a": b"a"}


def test_files_that_its_own_user_may_not_read_are_not_read(runner: LabRunner) -> None:
    runner.write_file("d/f", b"x")
    runner.run("sh", "-c", "chmod 0 /box")
    assert runner.collect("**") == {}
    runner.run("sh", "-c", "chmod 700 /box; chmod 300 d")
    assert runner.collect("**", "d/f") == {}


def test_the_runner_has_its_rights_back_and_ends_as_ever(runner: LabRunner) -> None:
    runner.run("sh", "-c", "mkdir closed; touch closed/in; chmod 0 closed; chmod 0 /box")
    runner.collect("**")
    assert runner.run("cat", "/proc/1/environ").result.exit_code != 0
    runner.end()
    assert runner.run("find", "/box", "-printf", "%p %m").stdout == b"/box 700"


def test_a_kill_and_late_stdin_are_ignored_while_files_are_sent(runner: LabRunner) -> None:
    content = bytes(1 << 20)
    runner.write_file("a", content)
    runner.send(protocol.collect_frame(["a"], max_files=1, max_bytes=1 << 20) + protocol.kill_frame())
    runner.send(protocol.stdin_frame(b"late"))
    size = 0
    found = runner.expect(ArtifactFound)
    while not isinstance(frame := runner.next_frame(), protocol.Collected):
        assert isinstance(frame, protocol.ArtifactData)
        size += len(frame.data)
    assert (found.size, size) == (len(content), len(content))


@pytest.mark.parametrize("untimely", [protocol.end_frame(), protocol.back_frame(), protocol.file_frames("b", b"")])
def test_other_frames_have_to_wait_until_all_was_sent(untimely: bytes) -> None:
    with LabRunner() as runner:
        for number in range(20):
            runner.write_file(f"{number}", bytes(1 << 20))
        runner.send(protocol.collect_frame(["*"], max_files=20, max_bytes=1 << 30))
        # It reads no frame before its queue is full for the first time.
        runner.send(untimely)
        assert isinstance(runner.wait_gone()[-1], Fault)
