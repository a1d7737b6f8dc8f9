"""Additional files: a zip archive that strangers made, read in memory and never unpacked by a path.

What it says of itself is not believed: its entries are counted before they are listed, sizes are added up before
anything is expanded and bounded again while it is, and a name is one that the sandbox takes. Whatever an archive may
hold beside plain files and folders is refused, in words.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from executions.bounds import MAX_FILES, clash_in, why_no_name
from executions.compat.judge0.options import MAX_EXTRACT_KB
from executions.content import Content
from executions.submission import SourceFile

MAX_BYTES = MAX_EXTRACT_KB * 1024
MAX_ENTRIES = 1_000
"""Folders included. Each costs memory before anything of it has been looked at."""
_ENTRY = b"PK\x01\x02"
"""What an entry in the table at the end begins with."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_MOST_EXPANDED = 1_032
"""Deflate makes nothing smaller than this: an entry that says otherwise shares its bytes with others, or lies."""
_ROUNDING = 1_024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MS_DOS, _MODE_SHIFT = 0, 16
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError)
"""All that zipfile and what it stands on raise for bytes that are no archive."""


class BadArchive(ValueError):
    """It is refused; the text says why, to follow the name of the field."""


def unzipped(data: bytes) -> list[SourceFile]:
    """The files in it, in the archive's order. Raises BadArchive."""
    if data.count(_ENTRY) > MAX_ENTRIES:
        raise BadArchive(f"has more than {MAX_ENTRIES} entries")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
            names = _checked(entries)
            return list(_read(archive, entries, names))
    except BadArchive:
        raise
    except _UNREADABLE as error:
        raise BadArchive("is no zip archive that can be read") from error


def zipped(files: Iterable[SourceFile]) -> bytes:
    """An archive of these files, the same for the same ones."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            mode = stat.S_IFREG | (0o755 if file.executable else 0o644)
            entry.external_attr = mode << _MODE_SHIFT
            archive.writestr(entry, file.content.data)
    return made.getvalue()


def _checked(entries: list[zipfile.ZipInfo]) -> list[str]:
    """The names of all entries, each of which may be read. Raises BadArchive."""
    if len(entries) >= MAX_FILES:
        raise BadArchive(f"has more than {MAX_FILES - 1} files")
    for entry in entries:
        _check_entry(entry)
    names = [_name(entry) for entry in entries]
    if (clash := clash_in(names)) is not None:
        raise BadArchive(f"has {_shown(names[clash])} twice, or as a file and as a folder")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise BadArchive(f"has more than {MAX_EXTRACT_KB} kilobytes when it is extracted")
    return names


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = _shown(entry.filename)
    if entry.flag_bits & _ENCRYPTED:
        raise BadArchive(f"has {name}, which is encrypted")
    kind = stat.S_IFMT(entry.external_attr >> _MODE_SHIFT)
    if kind == stat.S_IFLNK:
        raise BadArchive(f"has {name}, which is a symbolic link")
    if kind not in (0, stat.S_IFREG):
        raise BadArchive(f"has {name}, which is no plain file")
    if entry.compress_type not in _METHODS:
        raise BadArchive(f"has {name}, which is compressed in a way that is not supported")
    if entry.file_size > entry.compress_size * _MOST_EXPANDED + _ROUNDING:
        raise BadArchive(f"has {name}, which cannot be as large as it says")


def _name(entry: zipfile.ZipInfo) -> str:
    # zipfile cuts a name at a NUL, and other programs do not.
    name = entry.orig_filename
    if entry.create_system == _MS_DOS:
        name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    if (why := why_no_name(name)) is not None:
        raise BadArchive(f"has a file whose name {why}: {_shown(name)}")
    return name


def _read(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], names: list[str]) -> Iterator[SourceFile]:
    left = MAX_BYTES
    for entry, name in zip(entries, names, strict=True):
        with archive.open(entry) as stream:
            data = stream.read(left + 1)
        left -= len(data)
        if left < 0:
            raise BadArchive(f"has more than {MAX_EXTRACT_KB} kilobytes when it is extracted")
        executable = bool(entry.external_attr >> _MODE_SHIFT & 0o111)
        yield SourceFile(name, Content(data), executable)


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.is_dir() or stat.S_IFMT(entry.external_attr >> _MODE_SHIFT) == stat.S_IFDIR


def _shown(name: str) -> str:
    text = name.encode(errors="replace").decode(errors="replace")
    return "".join(each if each.isprintable() else "?" for each in text[:100])
