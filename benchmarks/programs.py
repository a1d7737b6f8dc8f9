"""The programs that every subject runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A hello world, and how it is run by hand in a directory that holds `file_name`."""

    language: str
    file_name: str
    source: str
    stdout: str
    by_hand: tuple[str, ...]


PYTHON = Program("python", "main.py", 'print("hi")\n', "hi\n", ("python3", "main.py"))
GO = Program(
    "go",
    "main.go",
    'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("hi")\n}\n',
    "hi\n",
    ("go", "run", "main.go"),
)
C = Program(
    "c",
    "main.c",
    '#include <stdio.h>\n\nint main(void) {\n    puts("hi");\n}\n',
    "hi\n",
    ("sh", "-c", "gcc -O2 -o main main.c && ./main"),
)
ALL = (PYTHON, GO, C)
