"""Source has colours where that takes no time, and is what was run in any case."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from executions import highlighting
from executions.highlighter import tokens_of as tokens_in
from languages import folders


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    highlighting._found.cache_clear()
    yield
    highlighting._found.cache_clear()


def test_each_file_has_the_colours_of_its_name() -> None:
    files = (("main.py", "def f(): # \u202e\r\n    return '\t1'"), ("page.html", "<b>x</b>"), ("notes", "return 1"))
    python, html, other = highlighting.tokens_of("python@3.13", files)
    assert python is not None
    assert html is not None
    assert python[0] == ("k", "def")
    assert ("c", "# \u202e\r") in python
    assert ("k", "b") in html
    assert "".join(text for _, text in python) == files[0][1]
    # What no name tells is the language's.
    assert other is not None
    assert other[0] == ("k", "return")


def test_every_language_has_colours() -> None:
    for slug in folders.slugs():
        text = (hello := next((folders.IMAGES / slug).glob("hello.*"))).read_text()
        tokens = tokens_in(hello.name, text, slug)
        assert tokens is not None, slug
        assert "".join(piece for _, piece in tokens) == text


def test_what_has_no_lexer_has_no_colours() -> None:
    assert highlighting.tokens_of("klingon", (("x.klingon", "nuqneH"),)) == [None]


def test_what_is_long_has_no_colours() -> None:
    half = "x" * (highlighting.MOST_CHARACTERS // 2 + 1)
    assert highlighting.tokens_of("python", (("a.py", half), ("b.py", half))) == [None, None]


@pytest.mark.parametrize(
    "program",
    [
        "import time; time.sleep(60)",
        "raise SystemExit(1)",
        "print('no JSON')",
        # Whoever has taken the lexer over can change nothing that is shown.
        'print(\'[[["k", "other"]]]\')',
    ],
)
def test_what_fails_or_lies_leaves_the_source_as_it_is(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "highlighter.py"
    script.write_text(program)
    monkeypatch.setattr(highlighting, "_COMMAND", (sys.executable, "-I", str(script)))
    monkeypatch.setattr(highlighting, "TIMEOUT_S", 1.0)
    assert highlighting.tokens_of("python", (("main.py", "def f(): pass"),)) == [None]


def test_it_gets_nothing_of_the_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "highlighter.py"
    script.write_text("import json, os\nprint(json.dumps([[['k', os.environ.get('GEXEC_SECRET_KEY', 'none')]]]))")
    monkeypatch.setattr(highlighting, "_COMMAND", (sys.executable, "-I", str(script)))
    monkeypatch.setenv("GEXEC_SECRET_KEY", "secret")
    assert highlighting.tokens_of("python", (("main.py", "none"),)) == [(("k", "none"),)]
