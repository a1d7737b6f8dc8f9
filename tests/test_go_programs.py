"""What Go programs cannot have is said in a sentence, at the line that asks for it."""

from __future__ import annotations

import pytest

from testkit.servers import RunningServer


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (
            '// #include <stdio.h>\nimport "C"',
            './main.go:3:8: import "C" is not to be had: Go programs are compiled without cgo',
        ),
        (
            'import _ "embed"\n//go:embed missing.txt\nvar text string',
            "./main.go:3:12: pattern missing.txt: no matching files found",
        ),
        ('import _ "embed"\n//go:embed ../etc\nvar text string', "pattern ../etc: invalid pattern syntax"),
        ('import "github.com/x/y"', "no required module provides package github.com/x/y: only the standard library"),
    ],
    ids=["cgo", "embed-missing", "embed-outside", "module"],
)
def test_what_cannot_be_had_is_said(plain_server: RunningServer, head: str, sentence: str) -> None:
    answer = plain_server.execute(f"package main\n{head}\nfunc main() {{}}\n", "go").json()
    assert sentence in answer["stderr"]
    assert answer["exit_code"] == 1


def test_constraints_of_the_file_that_is_started_do_not_count(plain_server: RunningServer) -> None:
    program = '//go:build windows && ignore\n// +build windows\n\npackage main\n\nfunc main() { println("ran") }\n'
    answer = plain_server.execute(program, "go").json()
    assert (answer["stderr"], answer["exit_code"]) == ("ran\n", 0)
