"""Reads a program's files as JSON on stdin and writes their tokens: run by executions.highlighting, in a process alone.

The program is a stranger's, and the patterns of a lexer can be made to search for ever: what is in here may be killed.
"""

import json
import resource
import sys

from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

CPU_S, MEMORY_BYTES = 2, 512 * 1024 * 1024
NAMES = {
    "algol68": "text", "assembly": "nasm", "basic": "qbasic", "chezscheme": "scheme", "emacslisp": "emacs-lisp",
    "gprolog": "prolog", "jq": "text", "luajit": "lua", "csharp": "csharp", "commonlisp": "common-lisp",
    "cpp-clang": "cpp", "c-clang": "c", "jobe": "python", "objectivec": "objective-c", "pypy": "python",
    "mariadb": "mysql", "sql": "sqlite3",
}  # fmt: skip
"""Of languages whose slug is not what the lexers call them."""
KINDS: tuple[tuple[_TokenType, str], ...] = (
    (Comment.Preproc, "b"),
    (Comment, "c"),
    (Keyword, "k"),
    (String, "s"),
    (Number, "m"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Decorator, "b"),
    (Name.Builtin, "b"),
    (Name.Tag, "k"),
    (Name.Attribute, "f"),
)


def lexer_of(name: str, slug: str) -> Lexer | None:
    """By the file's name, which may be another language's; else by the language."""
    slug = slug.partition("@")[0]
    for find, wanted in (
        (find_lexer_class_for_filename, name),
        (find_lexer_class_by_name, NAMES.get(slug, slug)),
    ):
        try:
            found = find(wanted)
        except ClassNotFound:
            continue
        if found is not None:
            return found()
    return None


def kind_of(token: _TokenType) -> str:
    """The letter of its class; empty for what has no colour."""
    return next((kind for wanted, kind in KINDS if token[: len(wanted)] == wanted), "")


def tokens_of(name: str, text: str, slug: str) -> list[tuple[str, str]] | None:
    """Pieces that are the text when put together; None: no lexer, or one that changes what it reads."""
    lexer = lexer_of(name, slug)
    if lexer is None:
        return None
    found: list[tuple[str, str]] = []
    # As it is: get_tokens would take other ends of lines for its own.
    for _, token, piece in lexer.get_tokens_unprocessed(text):
        kind = kind_of(token)
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + piece)
        else:
            found.append((kind, piece))
    return found if "".join(piece for _, piece in found) == text else None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked = json.load(sys.stdin)
    json.dump([tokens_of(name, text, asked["slug"]) for name, text in asked["files"]], sys.stdout)
