"""Additional files are read out of an archive that nobody trusts."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executions.compat.judge0.archives import MAX_BYTES, BadArchive, unzipped, zipped
from executions.content import Content
from executions.submission import SourceFile

Entry = tuple[str | zipfile.ZipInfo, bytes]


def archive(*entries: Entry, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that come twice
        with zipfile.ZipFile(made, "w", method) as target:
            for name, data in entries:
                target.writestr(name, data)
    return made.getvalue()


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def patched(data: bytes, offset: int, value: bytes) -> bytes:
    """The archive with bytes of its first entry's line in the table changed."""
    at = data.rindex(b"PK\x01\x02") + offset
    return data[:at] + value + data[at + len(value) :]


def test_files_come_with_folders_and_with_what_may_be_executed() -> None:
    read = unzipped(
        archive(
            (with_mode("run", stat.S_IFREG | 0o755), b"#!/bin/sh\n"),
            ("lib/", b""),
            ("lib/a.txt", b"\xff\x00"),
            ("./b.txt", b""),
        )
    )
    assert [(file.name, file.content.data, file.executable) for file in read] == [
        ("run", b"#!/bin/sh\n", True), ("lib/a.txt", b"\xff\x00", False), ("b.txt", b"", False),
    ]  # fmt: skip


def test_an_archive_is_made_and_read_again() -> None:
    files = [SourceFile("a/b", Content(b"1"), executable=True), SourceFile("c", Content(b"2"))]
    assert zipped(files) == zipped(files)
    assert unzipped(zipped(files)) == files


def test_windows_separates_folders_in_its_own_way() -> None:
    entry = zipfile.ZipInfo("a.txt")
    entry.create_system = 0
    entry.filename = entry.orig_filename = "lib\\a.txt"
    assert [file.name for file in unzipped(archive((entry, b"")))] == ["lib/a.txt"]


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "a//b", "..", "a/./b", "x" * 300, "/".join("a" * 40)]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadArchive, match="has a file whose name"):
        unzipped(archive((name, b"x")))


def test_a_name_with_a_nul_is_refused() -> None:
    data = archive(("a.txtx/../../b", b"x")).replace(b"a.txtx", b"a.txt\0")
    with pytest.raises(BadArchive, match="NUL"):
        unzipped(data)


@pytest.mark.parametrize(
    ("mode", "why"),
    [(stat.S_IFLNK | 0o777, "symbolic link"), (stat.S_IFIFO, "no plain file"), (stat.S_IFBLK, "no plain file")],
)
def test_what_is_no_file_is_refused(mode: int, why: str) -> None:
    with pytest.raises(BadArchive, match=why):
        unzipped(archive((with_mode("a", mode), b"/etc/passwd")))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("./a", "a")])
def test_a_name_that_comes_twice_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(BadArchive, match="twice"):
        unzipped(archive(*((name, b"x") for name in names)))


def test_an_encrypted_file_is_refused() -> None:
    with pytest.raises(BadArchive, match="encrypted"):
        unzipped(patched(archive(("a", b"x")), 8, b"\x01\x00"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_compress_are_refused(method: int) -> None:
    with pytest.raises(BadArchive, match="compressed in a way"):
        unzipped(archive(("a", b"x"), method=method))


def test_too_many_files_are_refused() -> None:
    with pytest.raises(BadArchive, match="more than 99 files"):
        unzipped(archive(*((f"{number}", b"") for number in range(100))))


def test_too_many_entries_are_refused_before_they_are_listed() -> None:
    with pytest.raises(BadArchive, match="more than 1000 entries"):
        unzipped(archive(*((f"{number}/", b"") for number in range(1001))))


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    with pytest.raises(BadArchive, match="more than 10240 kilobytes"):
        unzipped(archive(("a", bytes(MAX_BYTES // 2 + 1)), ("b", bytes(MAX_BYTES // 2))))
    assert len(unzipped(archive(("a", bytes(MAX_BYTES))))[0].content.data) == MAX_BYTES


def test_a_size_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadArchive, match="cannot be as large"):
        unzipped(patched(archive(("a", b"x" * 100)), 24, struct.pack("<I", 9_000_000)))


def test_a_file_that_is_larger_than_it_says_is_refused() -> None:
    with pytest.raises(BadArchive, match="no zip archive"):
        unzipped(patched(archive(("a", b"x" * 100)), 24, struct.pack("<I", 10)))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"PK\x05\x06" + bytes(18) + b"x", b"\0" * 100, archive(("a", b"x"))[:-5]],
    ids=["nothing", "its first bytes", "its last bytes", "zeros", "cut"],
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    if data.startswith(b"PK\x05\x06"):
        assert unzipped(data) == []
        return
    with pytest.raises(BadArchive, match="no zip archive"):
        unzipped(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_broken_in_an_archive_is_refused_or_read(data: st.DataObject) -> None:
    whole = bytearray(archive(("a.py", b"print(1)" * 20), ("lib/b.txt", b"hello"), ("c/", b"")))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = unzipped(bytes(whole))
    except BadArchive:
        return
    assert sum(len(file.content.data) for file in read) <= MAX_BYTES
