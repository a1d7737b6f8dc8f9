"""What a program may bring, whoever translates its request: names of files, how many, and how long its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_FILES, MAX_ARGS, MAX_ARG_BYTES, MAX_COMPILE_ARGS = 100, 256, 16_384, 64
MAX_WORDS_BYTES = 131_072
"""Arguments and environment together: the kernel takes a quarter of the stack, which may be small."""
MAX_NAME_BYTES, MAX_COMPONENT_BYTES, MAX_DEPTH = 4096, 255, 32
"""Of a file's name; the last two are what the sandbox takes (sandbox/runner/PROTOCOL.md)."""


def why_no_name(name: str) -> str | None:
    """What is wrong with a file's name: it is relative, with folders, as the sandbox takes it. None: nothing."""
    size = bytes_in(name)
    if not size:
        return "cannot be empty" if size == 0 else "cannot contain lone surrogates"
    if "\x00" in name:
        return "cannot contain NUL characters"
    if size > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    components = name.split("/")
    if any(part in {"", ".", ".."} for part in components):
        return "must be a relative name without empty components, . and .."
    if len(components) > MAX_DEPTH or any(len(part.encode()) > MAX_COMPONENT_BYTES for part in components):
        return f"has more than {MAX_DEPTH} components, or one of more than {MAX_COMPONENT_BYTES} bytes"
    return None


def clash_in(names: Iterable[str]) -> int | None:
    """Which of these names, by index, is that of another file before it, or a folder of one; None: none is."""
    seen: set[str] = set()
    folders: set[str] = set()
    for number, name in enumerate(names):
        above = folders_of(name)
        if name in seen or name in folders or above & seen:
            return number
        seen.add(name)
        folders |= above
    return None


def folders_of(name: str) -> set[str]:
    """The folders that a file of this name lies in."""
    return {name[:at] for at, letter in enumerate(name) if letter == "/"}


def are_too_long(words: Sequence[str]) -> bool:
    """Whether arguments and variables (`name=value`) are more than the kernel passes on."""
    return sum(len(word.encode()) + 1 for word in words) > MAX_WORDS_BYTES


def bytes_in(text: str) -> int | None:
    """In UTF-8; None where it is no text: a surrogate that stands alone."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None
